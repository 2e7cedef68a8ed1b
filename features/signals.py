"""Signal features: what a window's course looks like, where `features.lookback` says what values it held.

A bearing that wears shows in how fast a current swings long before its mean moves. Spectra need values at
equal steps, so each window is resampled first, by rules that depend on the rows inside the window alone:

- samples stand at c − n·every … c − every, with n = w // every (whole steps; none at or after the cut-off);
- between two rows a sample is interpolated linearly; before the first row and after the last it is held;
- a sample whose two rows lie further apart than `max_gap`, or whose only row lies further away than that, is
  a hole. A window with a hole has no signal features: a bridge over it would be heard as a slow tone;
- rows of one time count as the last of them; nulls, NaN and infinities as no row.

The mean is taken off before anything is computed.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features import signal_kernels
from features.columns import bitmap, column, gather
from features.contract import require_columns, require_table
from features.errors import DataError, UsageError
from features.schema import CUTOFF, LATEST_USED, ROBOT, TIMESTAMP
from features.spans import Flags, Windows, asked, observed, window_lengths
from features.spans import windows as windows_of
from features.statistics import is_numeric
from features.times import Duration, nanoseconds, window_text

BANDS: Final = 4
LEVELS: Final = 3
LEAST_SAMPLES: Final = 4
BLOCK: Final = 1 << 20  # samples computed at a time

Floats = npt.NDArray[np.float64]
Named = Iterator[tuple[str, pa.Array]]


def look_back_signals(
    observations: pa.Table,
    cutoffs: pa.Table,
    *,
    windows: Sequence[Duration],
    every: Duration,
    max_gap: Duration,
    columns: Sequence[str] | None = None,
    signals: Sequence[str] | None = None,
) -> pa.Table:
    """Signal features of the observations in `[c − w, c)` known by `c`, for each cut-off c and window w.

    `observations` and `cutoffs` as in `features.lookback.look_back`; `columns`: numeric ones, all by default.
    `every`: time between samples; rows closer together than that are passed over. `max_gap`: the longest gap
    bridged. `signals`: some of `SIGNALS`, all by default. With d the n samples less their mean, X their
    discrete Fourier transform and the frequencies up to Nyquist, 1 / (2·every):

    - `bands`: `band1_energy` (lowest) … `band4_energy`: (2/n²)·Σ|X_k|² over a quarter of the frequencies each
      (upper end included; X at Nyquist counts once). Together they are the variance (ddof 0): unit squared.
    - `dominant_hz`: the frequency of the greatest |X_k|, in Hz, the lowest of equals.
    - `wavelets`: `wavelet1_energy` (finest) … `wavelet3_energy`: Σ of squared detail coefficients / n of the
      Haar transform (PyWavelets, `periodization`); a level that n < 2^level cannot have is null.
    - `zero_crossings`: changes of the sign of d, zeros passed over (int64).
    - `autocorrelation`: Σ d_j·d_{j+1} / Σ d_j², one sample apart.

    Returns `robot_id`, `cutoff`, `latest_used` (of the longest window), then `<column>__<name>__<window>`,
    float64 but for crossings, sorted by (robot_id, cutoff). Null: a window with a hole or under 4 samples; of
    a constant window also `dominant_hz` and `autocorrelation`.
    Raises DataError when a table breaks its contract or a column is not numeric, UsageError for windows,
    `every` or `max_gap` that are not positive, and for unknown signals.
    """
    lengths = window_lengths(windows)
    step, bridged = (_positive(value, name) for value, name in ((every, "every"), (max_gap, "max_gap")))
    wanted = _known(signals)
    order, available = observed(require_table(observations, "observations"))
    names = _numeric(observations, columns)
    when = asked(cutoffs)
    cut = {length: windows_of(order, available, when, length) for length in lengths}
    made = {
        ROBOT: when.robot_ids(),
        CUTOFF: pa.array(when.times, TIMESTAMP),
        LATEST_USED: cut[max(lengths)].latest_used(),
    }
    for name in names:
        values = gather(observations.column(name), order.rows).cast(pa.float64(), safe=False)
        x = values.to_numpy(zero_copy_only=False)
        found = {length: _of_windows(x, cut[length], step, bridged, wanted) for length in lengths}
        for signal in found[lengths[0]]:
            for length in lengths:
                made[f"{name}__{signal}__{window_text(length)}"] = found[length][signal]
    return pa.table(made)


def _of_windows(
    x: Floats, windows: Windows, step: int, max_gap: int, wanted: Sequence[str]
) -> dict[str, pa.Array]:
    """The wanted signals of one column in the windows of one length, some thousand windows at a time."""
    samples = windows.length // step
    size = max(BLOCK // max(samples, 1), 1)
    known = np.isfinite(x)
    blocks = []
    for first in range(0, max(len(windows.cut), 1), size):
        part = slice(first, first + size)
        matrix = np.zeros((len(windows.cut[part]), samples))
        whole = np.zeros(len(matrix), dtype=np.bool_)
        if samples >= LEAST_SAMPLES:
            spans = (windows.cut[part], windows.begin[part], windows.core[part], windows.tail[part])
            signal_kernels.resample(
                windows.times, x, known, windows.available, *spans, step, max_gap, matrix, whole
            )
        matrix[~whole] = 0.0
        centred = matrix - matrix.mean(axis=1, keepdims=True) if samples else matrix
        still = (matrix == matrix[:, :1]).all(axis=1)
        centred[still] = 0.0
        with np.errstate(over="ignore", invalid="ignore"):
            made = [pair for signal in wanted for pair in SIGNALS[signal](centred, whole, still, step)]
        blocks.append(dict(made))
    return {name: pa.concat_arrays([block[name] for block in blocks]) for name in blocks[0]}


def _power(centred: Floats) -> Floats:
    """Share of the variance at each frequency k / (n·every), k = 0 … n // 2."""
    samples = centred.shape[1]
    if not samples:
        return np.zeros((len(centred), 1))
    power: Floats = np.abs(np.fft.rfft(centred, axis=1)) ** 2 * (2.0 / samples**2)
    if samples % 2 == 0:
        power[:, -1] /= 2.0
    return power


def _bands(centred: Floats, whole: Flags, _still: Flags, _step: int) -> Named:
    power = _power(centred)
    band = (2 * BANDS * np.arange(power.shape[1]) - 1) // max(centred.shape[1], 1)
    for i in range(BANDS):
        yield f"band{i + 1}_energy", _column(_sums(power[:, band == i]), whole)


def _dominant(centred: Floats, whole: Flags, still: Flags, step: int) -> Named:
    power = _power(centred)
    power[:, 0] = -1.0
    hertz = power.argmax(axis=1) / (max(centred.shape[1], 1) * step / 1e9)
    yield "dominant_hz", _column(hertz, whole & ~still)


def _wavelets(centred: Floats, whole: Flags, _still: Flags, _step: int) -> Named:
    import pywt

    samples = centred.shape[1]
    levels = min(LEVELS, max(samples, 1).bit_length() - 1)
    details = (
        pywt.wavedec(centred, "haar", mode="periodization", level=levels, axis=1)[:0:-1] if levels else []
    )
    for i in range(LEVELS):
        energy = _sums(details[i] ** 2) / samples if i < levels else np.zeros(len(centred))
        yield f"wavelet{i + 1}_energy", _column(energy, whole & (i < levels))


def _crossings(centred: Floats, whole: Flags, _still: Flags, _step: int) -> Named:
    yield "zero_crossings", column(signal_kernels.crossings(centred), pa.int64(), bitmap(whole))


def _autocorrelation(centred: Floats, whole: Flags, still: Flags, _step: int) -> Named:
    products, squares = _sums(centred[:, :-1] * centred[:, 1:]), _sums(centred**2)
    moving = whole & ~still & (squares > 0.0)
    yield "autocorrelation", _column(products / np.where(moving, squares, 1.0), moving)


SIGNALS: Final[dict[str, Callable[[Floats, Flags, Flags, int], Named]]] = {
    "bands": _bands,
    "dominant_hz": _dominant,
    "wavelets": _wavelets,
    "zero_crossings": _crossings,
    "autocorrelation": _autocorrelation,
}


def _sums(values: Floats) -> Floats:
    """The sum of each row, added in an order that does not depend on how many rows there are."""
    sums: Floats = np.ascontiguousarray(values).sum(axis=1)
    return sums


def _column(values: Floats, known: Flags) -> pa.Array:
    return column(np.where(known, values, 0.0), pa.float64(), bitmap(known))


def _positive(duration: Duration, name: str) -> int:
    length = nanoseconds(duration, name)
    if length <= 0:
        raise UsageError(f"{name} is not above zero", got=duration, hint="such as 1 s")
    return length


def _known(signals: Sequence[str] | None) -> Sequence[str]:
    wanted = tuple(SIGNALS) if signals is None else tuple(signals)
    unknown = [name for name in wanted if name not in SIGNALS]
    if unknown:
        raise UsageError("signals are unknown", got=unknown, expected=list(SIGNALS))
    return wanted


def _numeric(observations: pa.Table, columns: Sequence[str] | None) -> list[str]:
    """The columns asked for, or every numeric one of the table."""
    if columns is None:
        return [field.name for field in observations.schema if is_numeric(field.type)]
    require_columns(observations, columns, "observations")
    unfit = [name for name in columns if not is_numeric(observations.schema.field(name).type)]
    if unfit:
        raise DataError(
            "columns carry no signal", got=unfit, expected="numbers", hint="leave them out of columns"
        )
    return list(columns)
