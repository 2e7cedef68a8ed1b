"""The join against a plain loop over small generated tables, with times anywhere in int64."""

from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from features.join import deduplicate, nearest_join
from features.schema import TIMESTAMP

LOW, HIGH = -(2**63), 2**63 - 1
BASES = (0, -(10**18), 1_772_323_200 * 10**9, LOW + 100, HIGH - 100)
Row = tuple[str, int, int | None, int | None, str | None]


def clamp(time: int) -> int:
    return max(LOW, min(HIGH, time))


@st.composite
def streams(draw: st.DrawFn) -> list[Row]:
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from("aab"),
                st.sampled_from(BASES[: draw(st.integers(1, len(BASES)))]),
                st.integers(-12, 12),
                st.one_of(st.none(), st.integers(-3, 9)),
                st.one_of(st.none(), st.integers(0, 2)),
                st.sampled_from(["x", "y", None]),
            ),
            max_size=12,
        )
    )
    return [
        (robot, clamp(base + step), None if late is None else clamp(base + step + late), number, text)
        for robot, base, step, late, number, text in rows
    ]


def table(rows: list[Row], *, recv: bool = True) -> pa.Table:
    robots, ts, arrivals, numbers, texts = zip(*rows, strict=True) if rows else ((), (), (), (), ())
    columns = {
        "robot_id": pa.array(robots, pa.string()),
        "ts": pa.array(ts, pa.int64()).cast(TIMESTAMP),
        "recv_ts": pa.array(arrivals, pa.int64()).cast(TIMESTAMP),
        "number": pa.array(numbers, pa.int32()),
        "text": pa.array(texts, pa.string()),
    }
    return pa.table({name: column for name, column in columns.items() if recv or name != "recv_ts"})


def plain(result: pa.Table) -> list[dict[str, Any]]:
    names = [name for name in result.column_names if result.schema.field(name).type == TIMESTAMP]
    for name in names:
        place = result.column_names.index(name)
        result = result.set_column(place, name, result.column(name).cast(pa.int64()))
    return result.to_pylist()


def kept(rows: list[Row]) -> list[Row]:
    best: dict[tuple[str, int], tuple[int, int]] = {}
    for position, (robot, ts, recv, *_) in enumerate(rows):
        arrival = (ts if recv is None else recv, position)
        best[robot, ts] = max(best.get((robot, ts), arrival), arrival)
    return [rows[position] for _, (_, position) in sorted(best.items())]


def join(anchor: list[Row], stream: list[Row], tolerance: int, direction: str) -> list[dict[str, Any]]:
    result = []
    for robot, ts, recv, number, text in kept(anchor):
        near = [
            row
            for row in kept(stream)
            if row[0] == robot
            and abs(row[1] - ts) <= tolerance
            and not (direction == "backward" and row[1] > ts)
            and not (direction == "forward" and row[1] < ts)
        ]
        match = min(near, key=lambda row: (abs(row[1] - ts), row[1]), default=None)
        times = [ts, recv, *(match[1:3] if match else ())]
        result.append(
            {
                "robot_id": robot,
                "ts": ts,
                "recv_ts": recv,
                "number": number,
                "text": text,
                "s__number": match[3] if match else None,
                "s__text": match[4] if match else None,
                "s__gap_s": (match[1] - ts) / 1e9 if match else None,
                "available_at": max(time for time in times if time is not None),
            }
        )
    return result


@settings(max_examples=1000, deadline=None)
@given(
    streams(),
    streams(),
    st.sampled_from([0, 1, 3, 8, HIGH]),
    st.sampled_from(["nearest", "backward", "forward"]),
)
def test_join_equals_a_plain_loop(
    anchor: list[Row], stream: list[Row], tolerance: int, direction: Any
) -> None:
    joined = nearest_join(
        table(anchor), {"s": table(stream)}, tolerance=np.timedelta64(tolerance, "ns"), direction=direction
    )
    assert plain(joined) == join(anchor, stream, tolerance, direction)
    assert joined.schema.field("s__number").type == pa.int32()


@settings(max_examples=200, deadline=None)
@given(streams())
def test_deduplication_equals_a_plain_loop_and_accounts_for_every_row(rows: list[Row]) -> None:
    found = deduplicate(table(rows))
    assert [tuple(row.values()) for row in plain(found.table)] == kept(rows)
    said = {(robot, ts, number, text) for robot, ts, _, number, text in rows}
    assert found.duplicates == len(rows) - len(said)
    assert found.table.num_rows + found.duplicates + found.superseded == len(rows)


def test_thousands_of_robots_equal_a_plain_loop() -> None:
    draw = np.random.default_rng(3)
    rows = [
        (f"robot-{draw.integers(2000)}", int(draw.integers(-50, 50)), None, int(draw.integers(9)), None)
        for _ in range(12_000)
    ]
    anchor, stream = rows[:4000], rows[4000:]
    joined = nearest_join(table(anchor), {"s": table(stream)}, tolerance=np.timedelta64(9, "ns"))
    by_robot: dict[str, list[Row]] = {}
    for row in stream:
        by_robot.setdefault(row[0], []).append(row)
    expected = []
    for robot in sorted({row[0] for row in anchor}):
        expected += join([row for row in anchor if row[0] == robot], by_robot.get(robot, []), 9, "nearest")
    assert plain(joined) == expected


def test_without_arrival_times_a_row_is_available_at_its_latest_event() -> None:
    anchor, stream = [("a", 5, None, 1, None)], [("a", 7, None, 2, None)]
    joined = nearest_join(
        table(anchor, recv=False), {"s": table(stream, recv=False)}, tolerance=np.timedelta64(2, "ns")
    )
    assert plain(joined)[0]["available_at"] == 7
    assert "recv_ts" not in joined.column_names
