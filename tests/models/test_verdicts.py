"""Verdicts become labels: a failure is added once where none is recorded, a false alarm closes a horizon."""

from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import DataError
from features.schema import FAILURES, TIMESTAMP
from models.dataset import gather
from models.settings import TrainSettings
from models.verdicts import FAILED, TOLD, Judged, judged

MINUTE = 60 * 10**9
LEAD, HORIZON, LOOKBACK = 5, 30, 10


def at(minute: int) -> str:
    return f"2026-03-01T{minute // 60:02d}:{minute % 60:02d}:00Z"


START = 1_772_323_200 * 10**9


def judge(
    windows: list[tuple[str, int]], failures: list[tuple[str, int]], said: list[tuple[str, int, str]]
) -> Judged:
    def moments(rows: list[tuple[str, int]]) -> pa.Array:
        return pa.array([START + minute * MINUTE for _, minute in rows], pa.int64()).cast(TIMESTAMP)

    verdicts = [{"robot_id": name, "at": at(minute), "verdict": verdict} for name, minute, verdict in said]
    return judged(
        pa.table({"robot_id": pa.array([n for n, _ in windows], pa.string()), "cutoff": moments(windows)}),
        pa.table(
            [
                pa.array([n for n, _ in failures], pa.string()),
                moments(failures),
                pa.nulls(len(failures), pa.string()),
            ],
            schema=FAILURES,
        ),
        verdicts,
        lead=timedelta(minutes=LEAD),
        horizon=timedelta(minutes=HORIZON),
        lookback=timedelta(minutes=LOOKBACK),
    )


def failures_of(found: Judged) -> list[tuple[str, int, str | None]]:
    columns = found.failures.to_pydict()
    minutes = (found.failures["ts"].cast(pa.int64()).to_numpy() - START) // MINUTE
    return list(zip(columns["robot_id"], minutes.tolist(), columns["code"], strict=True))


def test_a_true_alert_without_a_recorded_failure_adds_one_at_the_lead() -> None:
    found = judge([("a", 60)], [("b", 70)], [("a", 60, "repaired")])
    assert failures_of(found) == [("b", 70, None), ("a", 65, TOLD)]
    assert found.notes == ("people closed 1 alerts: 1 failures added to the recorded ones, 0 cleared",)


@pytest.mark.parametrize(("minute", "added"), [(64, 1), (65, 0), (94, 0), (95, 1)])
def test_a_failure_recorded_where_it_was_foretold_is_not_added_again(minute: int, added: int) -> None:
    assert len(failures_of(judge([], [("a", minute)], [("a", 60, "true")]))) == 1 + added


def test_verdicts_within_a_horizon_speak_of_one_failure() -> None:
    said = [("a", 60, "true"), ("a", 89, "repaired"), ("a", 95, "true"), ("b", 60, "true")]
    assert [row[:2] for row in failures_of(judge([], [], said))] == [("a", 65), ("a", 100), ("b", 65)]


@pytest.mark.parametrize(("minute", "kept"), [(65, True), (66, False), (75, False), (76, True)])
def test_windows_that_look_back_on_an_added_failure_are_excluded(minute: int, kept: bool) -> None:
    found = judge([("a", minute), ("b", minute)], [], [("a", 60, "true")])
    assert (found.windows.num_rows, found.excluded) == (2, 0) if kept else (1, 1)


def test_a_false_alarm_says_the_robot_was_seen_to_the_end_of_the_horizon() -> None:
    found = judge([("a", 60)], [], [("a", 60, "false alarm"), ("a", 20, "false alarm")])
    assert found.seen == {"a": START + (60 + LEAD + HORIZON) * MINUTE}
    assert (found.failures.num_rows, found.windows.num_rows) == (0, 1)


def test_a_false_alarm_closes_cut_offs_whose_horizon_was_not_observed() -> None:
    minutes = list(range(0, 61, 10))
    moments = pa.array([START + minute * MINUTE for minute in minutes], pa.int64()).cast(TIMESTAMP)
    windows = pa.table(
        {
            "robot_id": ["a"] * len(minutes),
            "cutoff": moments,
            "latest_used": moments,
            "is_failure_cutoff": [False] * len(minutes),
        }
    )
    settings = TrainSettings(
        lead=timedelta(minutes=LEAD),
        horizon=timedelta(minutes=HORIZON),
        lookback=timedelta(minutes=LOOKBACK),
        episode_gap=timedelta(minutes=5),
    )
    found = judge([], [], [("a", 50, "false alarm")])
    open_, closed = (
        gather(windows, FAILURES.empty_table(), None, settings, seen) for seen in (None, found.seen)
    )
    assert [data.counts["horizon not observed"] for data in (open_, closed)] == [4, 1]
    assert not closed.label.any()


def test_what_cannot_be_read_is_refused() -> None:
    with pytest.raises(DataError, match="unknown verdict"):
        judge([], [], [("a", 1, "maybe")])
    with pytest.raises(DataError, match="cannot be read"):
        judged(
            pa.table({}),
            pa.table({}),
            [{"at": "x"}],
            lead=timedelta(),
            horizon=timedelta(1),
            lookback=timedelta(),
        )


SAID = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 300), st.sampled_from(FAILED)), max_size=6)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 300)), max_size=6), SAID, st.randoms())
def test_after_verdicts_every_closed_alert_has_its_failure(
    recorded: list[tuple[str, int]], said: list[tuple[str, int, str]], random: Any
) -> None:
    found = judge([], recorded, said)
    known = failures_of(found)
    for robot, minute, _ in said:
        first = minute + LEAD
        assert any(
            name == robot
            and (first <= at < first + HORIZON or (code == TOLD and first - HORIZON < at <= first))
            for name, at, code in known
        )
    added = [row for row in known if row[2] == TOLD]
    for robot in "ab":
        mine = np.diff([at for name, at, _ in added if name == robot])
        assert (mine >= HORIZON).all()
    random.shuffle(said)
    assert failures_of(judge([], recorded, said)) == known
