"""Events before a cut-off: counted, dated and certified, against a plain loop."""

from datetime import timedelta

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from features.events import look_back_events
from features.schema import TIMESTAMP

Event = tuple[str, int, int]


def events(rows: list[Event]) -> pa.Table:
    return pa.table(
        {
            "robot_id": pa.array([row[0] for row in rows], pa.string()),
            "ts": pa.array([row[1] for row in rows], TIMESTAMP),
            "recv_ts": pa.array([row[1] + row[2] for row in rows], TIMESTAMP),
        }
    )


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(-20, 20), st.integers(0, 5)), max_size=12),
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(-25, 30)), max_size=8),
    st.sampled_from([1, 4, 50]),
)
def test_events_equal_a_plain_loop(rows: list[Event], cutoffs: list[tuple[str, int]], cap: int) -> None:
    table = pa.table(
        {
            "robot_id": pa.array([robot for robot, _ in cutoffs], pa.string()),
            "cutoff": pa.array([cutoff for _, cutoff in cutoffs], TIMESTAMP),
        }
    )
    windows = [np.timedelta64(3, "ns"), np.timedelta64(10, "ns")]
    found = look_back_events({"e": events(rows)}, table, windows=windows, cap=np.timedelta64(cap, "ns"))
    kept = {(robot, ts): ts + max(d for r, t, d in rows if (r, t) == (robot, ts)) for robot, ts, _ in rows}
    expected = []
    for robot, cutoff in sorted(set(cutoffs)):
        known = {t: at for (r, t), at in kept.items() if r == robot and t < cutoff and at <= cutoff}
        near = [t for t in known if t >= cutoff - cap]
        used = [at for t, at in known.items() if t >= cutoff - 10]
        used += [known[max(near)]] if near else []
        expected.append(
            (
                robot,
                cutoff,
                max(used, default=None),
                sum(t >= cutoff - 3 for t in known),
                sum(t >= cutoff - 10 for t in known),
                (cutoff - max(near) if near else cap) / 1e9,
            )
        )
    columns = [column.cast(pa.int64()) if column.type == TIMESTAMP else column for column in found.columns]
    assert list(zip(*(column.to_pylist() for column in columns), strict=True)) == expected


def test_several_streams_share_one_certificate_and_none_is_empty() -> None:
    cutoffs = pa.table({"robot_id": ["a"], "cutoff": pa.array([10], TIMESTAMP)})
    minute = timedelta(minutes=1)
    both = {"one": events([("a", 3, 0)]), "two": events([("a", 2, 5), ("b", 9, 0)])}
    found = look_back_events(both, cutoffs, windows=[minute], cap=minute)
    assert found.column_names[3:] == [
        "one__count__1m",
        "one__since_last_s",
        "two__count__1m",
        "two__since_last_s",
    ]
    assert found.column("latest_used").cast(pa.int64()).to_pylist() == [7]
    none = look_back_events({}, cutoffs, windows=[minute], cap=minute)
    assert none.column("latest_used").to_pylist() == [None]
