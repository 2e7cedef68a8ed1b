"""The statistics of a window, and the Arrow columns they make.

Numbers have count, mean, std, min, max, first, last, slope, p10, p50, p90; categories have last, changes and
the share of rows in each declared state. Selections (min, max, first, last) keep the column's own type, so an
integer stays an integer; counts are int64 and the rest float64. Nulls and NaN are skipped.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features import window_kernels as kernels
from features.columns import gather
from features.contract import Int64s
from features.spans import Windows

NUMERIC: Final = ("count", "mean", "std", "min", "max", "first", "last", "slope", "p10", "p50", "p90")
CATEGORICAL: Final = ("last", "changes", "share")
STATISTICS: Final = (*NUMERIC, "changes", "share")
QUANTILES: Final = {"p10": 0.1, "p50": 0.5, "p90": 0.9}

Flags = npt.NDArray[np.bool_]
Columns = dict[str, pa.Array]


@dataclass(frozen=True)
class Presence:
    """Where windows have values of a column: how many rows, the first and the last of them (-1 for none)."""

    valid: Flags
    count: Int64s
    head: Int64s
    foot: Int64s


def is_numeric(kind: pa.DataType) -> bool:
    """Integers and floats; the null type counts as a float column without a value."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind))


def is_categorical(kind: pa.DataType) -> bool:
    """Text and booleans."""
    return bool(pa.types.is_boolean(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind))


def presence(valid: Flags, windows: Windows) -> Presence:
    """Count and ends of the valid rows of each window."""
    return Presence(valid, kernels.count_flagged(valid, *windows.spans), *kernels.ends(valid, *windows.spans))


def numeric(values: pa.Array, wanted: Collection[str], windows: Windows) -> Columns:
    """The wanted statistics of a numeric column, one value per cut-off, null where undefined.

    `values` are in the order of the observations.
    """
    x = values.cast(pa.float64(), safe=False).fill_null(np.nan).to_numpy()
    present = presence(~np.isnan(x), windows)
    columns = {"count": pa.array(present.count)} if "count" in wanted else {}
    if not {"mean", "std", "slope"}.isdisjoint(wanted):
        columns |= _moments(x, present, windows)
    if not {"min", "max"}.isdisjoint(wanted):
        columns |= _extremes(values, present, windows)
    columns |= _ends(values, present, wanted)
    shares = {name: share for name, share in QUANTILES.items() if name in wanted}
    if shares:
        result = np.empty((len(shares), len(windows.cut)))
        kernels.quantiles(x, present.valid, *windows.spans, np.array(list(shares.values())), result)
        columns |= {name: _nullable(result[i], present.count > 0) for i, name in enumerate(shares)}
    return {name: columns[name] for name in NUMERIC if name in wanted}


def categorical(
    values: pa.Array, wanted: Collection[str], states: Sequence[str], windows: Windows
) -> Columns:
    """The wanted statistics of a categorical column; `share_<state>` is the share of the rows with a value.

    `values` are in the order of the observations; `states` are texts (`true` and `false` of a bool).
    """
    present = presence(values.is_valid().to_numpy(zero_copy_only=False), windows)
    columns = _ends(values, present, {"last"} & set(wanted))
    if "changes" in wanted:
        codes = values.dictionary_encode().indices.fill_null(-1).to_numpy()
        columns["changes"] = _nullable(kernels.changes(codes, *windows.spans), present.count > 0)
    if "share" in wanted:
        texts = values.cast(pa.string())
        for state in states:
            flagged = pc.fill_null(pc.equal(texts, state), False).to_numpy(zero_copy_only=False)
            rows = kernels.count_flagged(flagged, *windows.spans)
            columns[f"share_{state}"] = _nullable(rows / np.maximum(present.count, 1), present.count > 0)
    return columns


def _ends(values: pa.Array, present: Presence, wanted: Collection[str]) -> Columns:
    rows = {"first": present.head, "last": present.foot}
    return {name: gather(pa.chunked_array([values]), at) for name, at in rows.items() if name in wanted}


def _moments(x: npt.NDArray[np.float64], present: Presence, windows: Windows) -> Columns:
    """Mean, std and slope. A window with an infinite value has the mean IEEE gives it, and NaN else."""
    infinite = np.isinf(x)
    mean, std, slope = np.empty((3, len(windows.cut)))
    kernels.moments(windows.times, x, present.valid & ~infinite, *windows.timed, mean, std, slope)
    if infinite.any():
        above = kernels.count_flagged(x == np.inf, *windows.spans) > 0
        below = kernels.count_flagged(x == -np.inf, *windows.spans) > 0
        mean[above], mean[below], mean[above & below] = np.inf, -np.inf, np.nan
        std[above | below] = slope[above | below] = np.nan
    several = present.count > 1
    spread = several.copy()
    spread[several] = windows.times[present.head[several]] < windows.times[present.foot[several]]
    return {
        "mean": _nullable(mean, present.count > 0),
        "std": _nullable(std, several),
        "slope": _nullable(slope, spread),
    }


def _extremes(values: pa.Array, present: Presence, windows: Windows) -> Columns:
    kind = values.type if not pa.types.is_null(values.type) else pa.float64()
    if pa.types.is_floating(kind):
        wide, lowest, highest = pa.float64(), -np.inf, np.inf
    else:
        wide = pa.uint64() if pa.types.is_uint64(kind) else pa.int64()
        limits = np.iinfo(wide.to_pandas_dtype())
        lowest, highest = wide.to_pandas_dtype()(limits.min), wide.to_pandas_dtype()(limits.max)
    x = values.cast(wide).fill_null(0).to_numpy()
    least, most = np.empty((2, len(windows.cut)), dtype=x.dtype)
    kernels.extremes(windows.times, x, present.valid, *windows.timed, lowest, highest, least, most)
    found = present.count > 0
    return {"min": _nullable(least, found).cast(kind), "max": _nullable(most, found).cast(kind)}


def _nullable(values: npt.NDArray[Any], known: Flags) -> pa.Array:
    """The values, null (and zero beneath) where not known."""
    return pa.array(np.where(known, values, 0), mask=~known)
