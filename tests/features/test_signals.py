"""Signals against numpy's Fourier transform and PyWavelets, called window by window on a plain resampling."""

from datetime import timedelta
from itertools import pairwise
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pytest
import pywt
from hypothesis import given, settings
from hypothesis import strategies as st

from features import signals
from features.errors import DataError, UsageError
from features.schema import TIMESTAMP
from features.signals import SIGNALS, look_back_signals

SECOND = 10**9
HIGH, LOW = 2**63 - 1, -(2**63)
Row = tuple[int, int, float | None]


def table(rows: list[Row]) -> pa.Table:
    return pa.table(
        {
            "robot_id": pa.array(["a"] * len(rows), pa.string()),
            "ts": pa.array([row[0] for row in rows], TIMESTAMP),
            "available_at": pa.array([min(HIGH, row[0] + row[1]) for row in rows], TIMESTAMP),
            "x": pa.array([row[2] for row in rows], pa.float64()),
        }
    )


def at(cutoffs: list[int]) -> pa.Table:
    return pa.table({"robot_id": ["a"] * len(cutoffs), "cutoff": pa.array(cutoffs, TIMESTAMP)})


def resampled(rows: list[Row], cutoff: int, window: int, every: int, gap: int) -> list[float] | None:
    used = {
        ts: x
        for ts, late, x in sorted(rows, key=lambda row: (row[0], row[1], row[2] is None, row[2] or 0.0))
        if cutoff - window <= ts < cutoff and ts + late <= cutoff and x is not None and np.isfinite(x)
    }
    values = []
    for j in range(window // every, 0, -1):
        time = cutoff - j * every
        before, after = [t for t in used if t <= time], [t for t in used if t >= time]
        if before and after:
            low, high = max(before), min(after)
            if high - low > gap:
                return None
            step = used[high] - used[low]
            values.append(used[low] + step * ((time - low) / (high - low)) if high > low else used[low])
        elif before or after:
            near = max(before) if before else min(after)
            if abs(near - time) > gap:
                return None
            values.append(used[near])
        else:
            return None
    return values if len(values) >= 4 else None


def expected(values: list[float] | None, every: int) -> dict[str, Any]:
    names = [f"band{i}_energy" for i in range(1, 5)] + ["dominant_hz"]
    names += [f"wavelet{i}_energy" for i in range(1, 4)] + ["zero_crossings", "autocorrelation"]
    result: dict[str, Any] = dict.fromkeys(names)
    if values is None:
        return result
    x = np.array(values)
    n, d = len(x), x - x.mean() if len(set(values)) > 1 else np.zeros(len(x))
    power, frequency = np.abs(np.fft.fft(d)) ** 2 / n**2, np.fft.fftfreq(n)
    for i in range(4):
        inside = (np.abs(frequency) > i / 8 + 1e-12) & (np.abs(frequency) <= (i + 1) / 8 + 1e-12)
        result[f"band{i + 1}_energy"] = pytest.approx(power[inside].sum(), rel=1e-9, abs=1e-9)
    levels = min(3, int(np.log2(n)))
    for i, detail in enumerate(pywt.wavedec(d, "haar", "periodization", levels)[:0:-1], 1):
        result[f"wavelet{i}_energy"] = pytest.approx((detail**2).sum() / n, rel=1e-9, abs=1e-9)
    signs = [sign for sign in np.sign(d) if sign]
    result["zero_crossings"] = sum(one != other for one, other in pairwise(signs))
    if d.any():
        result["dominant_hz"] = power, every
        result["autocorrelation"] = pytest.approx((d[:-1] * d[1:]).sum() / (d * d).sum(), rel=1e-9, abs=1e-9)
    return result


def is_dominant(found: float, power: np.ndarray, every: int) -> bool:
    """The frequency found is one of the strongest: equals differ in the last digit."""
    place = round(found * len(power) * every / 1e9)
    return bool(
        np.isclose(found, place / (len(power) * every / 1e9)) and np.isclose(power[place], power.max())
    )


values = st.sampled_from([0.0, 1.0, 2.5, -3.0, 4.0, None, float("nan"), float("inf")])


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-40, 40), st.sampled_from([0, 0, 0, 3]), values), max_size=40),
    st.lists(st.integers(-30, 50), min_size=1, max_size=5, unique=True),
    st.sampled_from([0, LOW + 45, HIGH - 60]),
    st.sampled_from([1, 2, 3]),
    st.sampled_from([2, 5, 80]),
)
def test_signals_equal_a_plain_loop(
    rows: list[Row], cutoffs: list[int], base: int, every: int, gap: int
) -> None:
    rows = [(base + ts, late, x) for ts, late, x in rows]
    cutoffs = [base + cutoff for cutoff in sorted(cutoffs)]
    with patch.object(signals, "BLOCK", 30):
        found = look_back_signals(
            table(rows),
            at(cutoffs),
            windows=[np.timedelta64(12, "ns"), np.timedelta64(31, "ns")],
            every=np.timedelta64(every, "ns"),
            max_gap=np.timedelta64(gap, "ns"),
        )
    for cutoff, line in zip(cutoffs, found.to_pylist(), strict=True):
        for window in (12, 31):
            wanted = expected(resampled(rows, cutoff, window, every, gap), every)
            got = {name: line[f"x__{name}__{window}ns"] for name in wanted}
            strongest = wanted.pop("dominant_hz")
            dominant = got.pop("dominant_hz")
            assert got == wanted
            assert (dominant is None) == (strongest is None)
            assert strongest is None or is_dominant(dominant, *strongest)


def test_a_pure_tone_is_heard_where_it_is() -> None:
    seconds = np.arange(0, 64, 0.25)
    rows = [(int(s * SECOND), 0, float(3 * np.sin(2 * np.pi * 0.5 * s))) for s in seconds]
    found = look_back_signals(
        table(rows),
        at([64 * SECOND]),
        windows=[timedelta(seconds=32)],
        every=timedelta(seconds=0.25),
        max_gap=timedelta(seconds=1),
    ).to_pylist()[0]
    assert found["x__dominant_hz__32s"] == 0.5
    assert found["x__band1_energy__32s"] == pytest.approx(4.5)
    assert found["x__band4_energy__32s"] == pytest.approx(0.0, abs=1e-12)
    assert found["x__autocorrelation__32s"] == pytest.approx(np.cos(2 * np.pi * 0.5 * 0.25), abs=0.02)
    assert found["x__zero_crossings__32s"] in (31, 32)
    assert found["latest_used"].value == int(63.75 * SECOND)


def test_nothing_after_a_cut_off_and_no_other_cut_off_changes_a_signal() -> None:
    random = np.random.default_rng(1)
    rows = [(i * SECOND, int(random.integers(0, 4)) * SECOND, float(random.normal())) for i in range(200)]
    options: dict[str, Any] = {
        "windows": [timedelta(seconds=20), timedelta(minutes=1)],
        "every": timedelta(seconds=1),
        "max_gap": timedelta(seconds=5),
    }
    cutoff = 120 * SECOND
    alone = look_back_signals(table(rows), at([cutoff]), **options)
    many = look_back_signals(table(rows[::-1]), at([i * SECOND for i in range(60, 200)]), **options)
    assert many.slice(60, 1).combine_chunks().equals(alone)
    later = [(ts, late, x if ts + late <= cutoff else 9e9) for ts, late, x in rows]
    assert look_back_signals(table(later), at([cutoff]), **options) == alone


def test_signals_asked_for_are_the_ones_made_and_integers_are_counted_exactly() -> None:
    rows = table([(i * SECOND, 0, float(i % 2)) for i in range(10)])
    found = look_back_signals(
        rows,
        at([10 * SECOND]),
        windows=[timedelta(seconds=10)],
        every=timedelta(seconds=1),
        max_gap=timedelta(seconds=2),
        signals=["zero_crossings", "bands"],
    )
    assert found.column_names[3:] == [
        "x__zero_crossings__10s",
        *(f"x__band{i}_energy__10s" for i in (1, 2, 3, 4)),
    ]
    assert found.schema.field("x__zero_crossings__10s").type == pa.int64()
    assert found.column("x__zero_crossings__10s").to_pylist() == [9]
    assert set(SIGNALS) >= {"zero_crossings", "bands"}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"signals": ["loudness"]}, UsageError),
        ({"every": timedelta(0)}, UsageError),
        ({"max_gap": -timedelta(seconds=1)}, UsageError),
        ({"windows": []}, UsageError),
        ({"columns": ["y"]}, DataError),
        ({"columns": ["robot_id"]}, DataError),
    ],
)
def test_misuse_is_an_error_of_its_kind(change: dict[str, Any], error: type[Exception]) -> None:
    second = timedelta(seconds=1)
    options: dict[str, Any] = {"windows": [second], "every": second, "max_gap": second}
    with pytest.raises(error):
        look_back_signals(table([(0, 0, 1.0)]), at([1]), **(options | change))


def test_no_observation_and_no_cut_off_are_no_error() -> None:
    second = timedelta(seconds=1)
    options: dict[str, Any] = {"windows": [9 * second], "every": second, "max_gap": second}
    assert look_back_signals(table([]), at([1]), **options).column("x__dominant_hz__9s").to_pylist() == [None]
    empty = at([1]).slice(0, 0)
    assert look_back_signals(table([(0, 0, 1.0)]), empty, **options).num_rows == 0
