"""Failures, episodes and labels: each rule at its border, and the whole against a plain loop."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import DataError, UsageError
from features.labels import episodes, failure_cutoffs, find_failures, label
from features.schema import CUTOFFS, FAILURES, TIMESTAMP

HOUR = 3_600
SECOND = 10**9


def stamps(*seconds: float) -> pa.Array:
    return pa.array([int(second * SECOND) for second in seconds], TIMESTAMP)


def stream(rows: list[tuple[str, float, Any]], field: str = "stop") -> pa.Table:
    return pa.table(
        {
            "robot_id": pa.array([row[0] for row in rows], pa.string()),
            "ts": stamps(*(row[1] for row in rows)),
            field: [row[2] for row in rows],
        }
    )


def failures(*rows: tuple[str, float, str | None]) -> pa.Table:
    robots, times, codes = zip(*rows, strict=True)
    return pa.table([pa.array(robots), stamps(*times), pa.array(codes, pa.string())], schema=FAILURES)


def found(table: pa.Table) -> list[tuple[str, float, str | None]]:
    seconds = (table.column("ts").cast(pa.int64()).to_numpy() / SECOND).tolist()
    return list(
        zip(table.column("robot_id").to_pylist(), seconds, table.column("code").to_pylist(), strict=True)
    )


def test_a_level_fails_once_at_its_rising_edge() -> None:
    level = stream([("a", 1, True), ("a", 2, True), ("a", 3, False), ("a", 4, True), ("b", 2, True)])
    risen = find_failures(level, {"stop": True}, code="stop")
    assert risen.schema == FAILURES
    assert found(risen) == [("a", 1, "stop"), ("a", 4, "stop"), ("b", 2, "stop")]


def test_edge_each_counts_every_record_and_repeats_once() -> None:
    level = stream([("a", 2, True), ("a", 1, True), ("a", 1, True), ("a", 3, False)])
    assert found(find_failures(level, {"stop": True}, edge="each")) == [("a", 1, ""), ("a", 2, "")]


def test_silence_of_more_than_a_day_makes_a_level_rise_anew() -> None:
    day = 24 * HOUR
    level = stream([("a", 0, True), ("a", day, True), ("a", 2 * day + 1e-6, True)])
    assert [time for _, time, _ in found(find_failures(level, {"stop": True}))] == [0, 2 * day + 1e-6]


def test_a_null_level_is_not_up() -> None:
    level = stream([("a", 1, True), ("a", 2, None), ("a", 3, True)])
    assert [time for _, time, _ in found(find_failures(level, {"stop": True}))] == [1, 3]


def test_records_of_one_time_count_together_and_keep_their_codes() -> None:
    events = stream([("a", 1, "x"), ("a", 1, "y"), ("a", 1, "ok"), ("a", 2, "y")], "event")
    risen = find_failures(events, {"event": ["x", "y"]}, code_field="event")
    assert found(risen) == [("a", 1, "x"), ("a", 1, "y")]


@pytest.mark.parametrize(
    ("values", "condition", "expected"),
    [
        ([1, 2, 3, None], 2, [1]),
        ([1, 2, 3, None], [1, 3], [0, 2]),
        ([1.0, 2.0, 3.0, np.nan], {"above": 2}, [2]),
        ([1.0, 2.0, 3.0, np.nan], {"below": 2}, [0]),
        ([1, 2, 3, 4], {"above": 1, "below": 4}, [1, 2]),
        (["a", "b", None, "c"], {"not": ["a", "b"]}, [3]),
        (["a", "b", None, "c"], {"not": "a"}, [1, 3]),
        ([1.0, 2.0, np.nan, 3.0], {"not": {"above": 1}}, [0]),
        ([True, False, None, True], False, [1]),
    ],
)
def test_conditions(values: list[Any], condition: Any, expected: list[int]) -> None:
    table = stream([("a", i, value) for i, value in enumerate(values)], "v")
    assert [time for _, time, _ in found(find_failures(table, {"v": condition}, edge="each"))] == expected


def test_all_fields_must_hold_and_no_condition_always_does() -> None:
    table = stream([("a", 1, 5), ("a", 2, 5)], "v").append_column(
        "w", pa.array(["x", "y"]).dictionary_encode()
    )
    assert len(find_failures(table, {"v": 5, "w": "y"}, edge="each")) == 1
    assert len(find_failures(table, {}, edge="each")) == 2


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ({"gone": 1}, "does not have"),
        ({"v": "text"}, "unlike"),
        ({"v": True}, "unlike"),
        ({"s": 3}, "unlike"),
        ({"s": {"above": 3}}, "not numeric"),
        ({"v": {"above": "3"}}, "unlike"),
        ({"v": {"over": 3}}, "unknown"),
    ],
)
def test_conditions_that_do_not_fit_are_errors(when: dict[str, Any], message: str) -> None:
    table = stream([("a", 1, 5)], "v").append_column("s", pa.array(["x"]))
    with pytest.raises(DataError, match=message):
        find_failures(table, when)


def test_failures_closer_than_the_gap_are_one_episode() -> None:
    table = failures(
        ("b", 0, "x"), ("a", 10, "z"), ("a", 0, "y"), ("a", 0, "x"), ("a", 20.5, "x"), ("a", 0, "x")
    )
    assert episodes(table, timedelta(seconds=10.5)).to_pydict() == {
        "robot_id": ["a", "a", "b"],
        "ts": stamps(0, 20.5, 0).to_pylist(),
        "end": stamps(10, 20.5, 0).to_pylist(),
        "code": ["x", "x", "x"],
        "failures": [3, 1, 1],
    }


def test_classic_cut_offs_lie_a_lead_before_the_episodes() -> None:
    cutoffs = failure_cutoffs(episodes(failures(("a", 100, None)), timedelta(0)), timedelta(seconds=42))
    assert cutoffs == pa.table([["a"], stamps(58)], schema=CUTOFFS)


LEAD, HORIZON = timedelta(seconds=5), timedelta(seconds=10)


@pytest.mark.parametrize(
    ("start", "until", "expected"),
    [
        (5, 100, True), (4.999, 100, False), (15, 100, False), (14.999, 100, True), (6, 15, True),
        (50, 15, False), (50, 14.999, None), (6, 7, True), (6, 6, None),
    ],
)  # fmt: skip
def test_the_interval_is_half_open_and_must_be_observed(
    start: float, until: float, expected: bool | None
) -> None:
    cutoffs = pa.table([["a"], stamps(0)], schema=CUTOFFS)
    known = episodes(failures(("a", start, "x")), timedelta(0))
    moment = np.datetime64(int(until * SECOND), "ns")
    assert label(cutoffs, known, LEAD, HORIZON, moment).column("label").to_pylist() == [expected]


def test_labels_keep_the_rows_as_given() -> None:
    cutoffs = pa.table({"note": [1, 2, 3], "robot_id": ["b", "a", "b"], "cutoff": stamps(3, 0, 3)})
    known = episodes(failures(("b", 10, "x")), timedelta(0))
    until = {"a": datetime(1970, 1, 1, tzinfo=UTC), "b": datetime(1971, 1, 1, tzinfo=UTC)}
    labelled = label(cutoffs, known, LEAD, HORIZON, until)
    assert labelled.drop_columns(["label"]) == cutoffs
    assert labelled.column("label").to_pylist() == [True, None, True]
    with pytest.raises(UsageError, match="misses robots"):
        label(cutoffs, known, LEAD, HORIZON, {"a": until["a"]})


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 30)), max_size=10),
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(-5, 35)), max_size=10),
    st.tuples(st.integers(0, 4), st.integers(1, 6), st.integers(0, 40), st.integers(0, 4)),
)
def test_labels_equal_a_plain_loop(
    failed: list[tuple[str, int]], asked: list[tuple[str, int]], numbers: tuple[int, int, int, int]
) -> None:
    lead, horizon, until, gap = numbers
    starts: list[tuple[str, int]] = []
    before: tuple[str, int] | None = None
    for robot, time in sorted(set(failed)):
        if before is None or before[0] != robot or time - before[1] >= gap:
            starts.append((robot, time))
        before = robot, time
    expected = []
    for robot, cutoff in asked:
        begin, end = cutoff + lead, cutoff + lead + horizon
        seen = any(r == robot and begin <= t < min(end, until) for r, t in starts)
        expected.append(True if seen else None if end > until else False)

    table = pa.table(
        [
            pa.array([r for r, _ in failed], pa.string()),
            stamps(*(t for _, t in failed)),
            pa.nulls(len(failed), "string"),
        ],
        schema=FAILURES,
    )
    known = episodes(table, timedelta(seconds=gap))
    assert [(r, t) for r, t, _ in found(known)] == starts
    cutoffs = pa.table(
        [pa.array([r for r, _ in asked], pa.string()), stamps(*(c for _, c in asked))], schema=CUTOFFS
    )
    labelled = label(
        cutoffs,
        known,
        timedelta(seconds=lead),
        timedelta(seconds=horizon),
        np.datetime64(until * SECOND, "ns"),
    )
    assert labelled.column("label").to_pylist() == expected
