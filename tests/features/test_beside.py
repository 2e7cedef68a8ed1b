"""Columns are summarised four at a time: what a column gives must not depend on those beside it."""

import math
from itertools import cycle, islice

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from features.lookback import look_back
from features.schema import TIMESTAMP

FLOATS = st.one_of(st.floats(-1e6, 1e6), st.sampled_from([0.0, -0.0, 1e308, -1e308, 5e-324]))
PATCHY = FLOATS | st.sampled_from([None, math.nan])
KINDS = {
    "float": (pa.float64(), FLOATS),
    "single": (pa.float32(), st.floats(-1e6, 1e6, width=32)),
    "patchy": (pa.float64(), PATCHY),
    "infinite": (pa.float64(), PATCHY | st.sampled_from([math.inf, -math.inf])),
    "whole": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "natural": (pa.uint64(), st.integers(0, 2**64 - 1)),
    "small": (pa.int8(), st.integers(-128, 127) | st.none()),
    "nothing": (pa.null(), st.none()),
}


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    """Two robots, some records late; up to nine columns, some of which lack values in the same rows."""
    rows = draw(st.integers(0, 12))
    ts = sorted(draw(st.lists(st.integers(0, 30), min_size=rows, max_size=rows)))
    late = draw(st.lists(st.sampled_from([0, 0, 0, 4]), min_size=rows, max_size=rows))
    holes = set(draw(st.lists(st.integers(0, 12), max_size=3)))
    columns = {
        "robot_id": pa.array(["ab"[i > rows // 2] for i in range(rows)], pa.string()),
        "ts": pa.array(ts, pa.int64()).cast(TIMESTAMP),
        "available_at": pa.array([time + more for time, more in zip(ts, late, strict=True)], pa.int64()).cast(
            TIMESTAMP
        ),
    }
    for i, name in enumerate(draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=1, max_size=9))):
        kind, numbers = KINDS[name]
        pool = draw(st.lists(numbers, min_size=1, max_size=12))
        values = list(islice(cycle(pool), rows))
        if draw(st.booleans()):
            values = [None if row in holes else value for row, value in enumerate(values)]
        columns[f"{name}{i}"] = pa.array(values, kind)
    return pa.table(columns)


@settings(max_examples=100, deadline=None)
@given(tables(), st.lists(st.integers(0, 35), min_size=1, max_size=12))
def test_a_column_gives_the_same_bytes_alone(table: pa.Table, times: list[int]) -> None:
    cutoffs = pa.table({"robot_id": ["a", "b"] * len(times), "cutoff": np.repeat(times, 2)})
    cutoffs = cutoffs.set_column(1, "cutoff", cutoffs.column(1).cast(TIMESTAMP))
    windows = [np.timedelta64(3, "ns"), np.timedelta64(11, "ns")]
    together = look_back(table, cutoffs, windows=windows).features
    names = [name for name in table.column_names if name not in {"robot_id", "ts", "available_at"}]
    order = ["robot_id", "cutoff", "latest_used"]
    for name in names:
        alone = look_back(table, cutoffs, windows=windows, columns=[name]).features
        own = alone.column_names[3:]
        order += own
        for column in own:
            assert _bytes(alone.column(column)) == _bytes(together.column(column)), column
    assert together.column_names == order


def _bytes(values: pa.ChunkedArray) -> tuple[pa.DataType, list[bytes | None]]:
    (chunk,) = values.chunks
    return values.type, [buffer and buffer.to_pybytes() for buffer in chunk.buffers()]
