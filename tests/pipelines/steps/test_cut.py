"""Robot-days and their halos, against a loop that asks every record where it belongs."""

from datetime import timedelta

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from features.schema import TIMESTAMP
from pipelines.steps.cut import ALL, DAY_NS, cut, day_name, day_start_ns, tail, within

MIDNIGHT = day_start_ns("2026-03-01")
times = st.integers(MIDNIGHT - 2 * DAY_NS, MIDNIGHT + 2 * DAY_NS) | st.sampled_from(
    [MIDNIGHT + offset for offset in (-2_000_000_000, -1, 0, 1, 2_000_000_000)]
)
records = st.lists(st.tuples(st.sampled_from(["a", "b"]), times), max_size=30)


def stream(rows: list[tuple[str, int]]) -> pa.Table:
    rows = sorted(rows)
    return pa.table(
        {
            "robot_id": pa.array([robot for robot, _ in rows], pa.string()),
            "ts": pa.array([ts for _, ts in rows], pa.int64()).cast(TIMESTAMP),
        }
    )


def pieces(table: pa.Table, reach: timedelta) -> dict[tuple[str, str, bool], list[int]]:
    return {
        (piece.robot, piece.day, piece.halo): piece.rows.column("ts").cast(pa.int64()).to_pylist()
        for piece in cut(table, partition="day", reach=reach)
    }


@given(records)
def test_every_record_is_in_exactly_one_robot_day(rows: list[tuple[str, int]]) -> None:
    found = pieces(stream(rows), timedelta(seconds=2))
    own = [(robot, ts) for (robot, _, halo), values in found.items() if not halo for ts in values]
    assert sorted(own) == sorted(rows)
    assert all(
        day == day_name(ts // DAY_NS) for (_, day, halo), values in found.items() if not halo for ts in values
    )


@given(records)
def test_a_halo_holds_what_lies_within_reach_and_the_last_record_before(rows: list[tuple[str, int]]) -> None:
    reach = timedelta(seconds=2)
    reach_ns = 2_000_000_000
    found = pieces(stream(rows), reach)
    for robot in ("a", "b"):
        mine = sorted(ts for name, ts in rows if name == robot)
        for day in range(MIDNIGHT // DAY_NS - 4, MIDNIGHT // DAY_NS + 5):
            start, end = day * DAY_NS, (day + 1) * DAY_NS
            before = [ts for ts in mine if start - DAY_NS <= ts < start]
            expected = {ts for ts in before if ts >= start - reach_ns} | set(before[-1:])
            expected |= {ts for ts in mine if end <= ts < end + reach_ns}
            got = found.get((robot, day_name(day), True), [])
            assert set(got) == expected


@given(records)
def test_whole_history_stays_one_piece_a_robot(rows: list[tuple[str, int]]) -> None:
    found = list(cut(stream(rows), partition=ALL, reach=timedelta(seconds=2)))
    assert [piece.robot for piece in found] == sorted({robot for robot, _ in rows})
    assert sum(piece.rows.num_rows for piece in found) == len(rows)
    assert all(piece.day == ALL and not piece.halo for piece in found)


def test_a_change_at_noon_leaves_the_neighbours_halo_alone() -> None:
    noon = MIDNIGHT + DAY_NS // 2
    edges = [("a", MIDNIGHT + 5), ("a", MIDNIGHT + DAY_NS - 5)]
    before = pieces(stream([*edges, ("a", noon)]), timedelta(seconds=2))
    after = pieces(stream([*edges, ("a", noon + 1)]), timedelta(seconds=2))
    assert before["a", "2026-03-01", False] != after["a", "2026-03-01", False]
    assert {key: value for key, value in before.items() if key[2]} == {
        key: value for key, value in after.items() if key[2]
    }


def test_day_borders_are_half_open() -> None:
    table = stream(
        [("a", MIDNIGHT - 1), ("a", MIDNIGHT), ("a", MIDNIGHT + DAY_NS - 1), ("a", MIDNIGHT + DAY_NS)]
    )
    assert within(table, "2026-03-01").column("ts").cast(pa.int64()).to_pylist() == [
        MIDNIGHT,
        MIDNIGHT + DAY_NS - 1,
    ]
    reached = tail(within(table, "2026-03-01"), "2026-03-01", timedelta(microseconds=1))
    assert reached.column("ts").cast(pa.int64()).to_pylist() == [MIDNIGHT + DAY_NS - 1]
