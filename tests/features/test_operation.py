"""A day's work: missions, metres and charge against slow counting, and the same however the day is cut."""

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.operation import OPERATION, operation
from features.schema import FAILURES, ROBOT, TIMESTAMP, TS

DAY = 86_400
START = 1_772_409_600  # 2026-03-02T00:00:00Z
GAP = timedelta(minutes=1)
RULES = {
    "working": {"stream": "mission", "when": {"state": "Executing"}},
    "succeeded": {"stream": "mission", "when": {"state": "Completed"}},
    "failed": {"stream": "mission", "when": {"state": "Aborted"}},
    "intervention": {"stream": "mission", "when": {"state": "Canceled"}},
    "cohorts": ["mission.state"],
}


def stream(seconds, **columns):
    ts = pa.array([(START + at) * 10**9 for at in seconds], pa.int64()).cast(TIMESTAMP)
    return pa.table({ROBOT: pa.array(["r"] * len(ts), pa.string()), TS: ts, **columns})


def failures_at(*seconds):
    return stream(seconds).append_column("code", pa.array(["E"] * len(seconds), pa.string())).cast(FAILURES)


def seconds(moments):
    return [int(at.timestamp()) - START for at in moments]


def missions(states):
    return stream([30 * n for n in range(len(states))], state=pa.array(states, pa.string()))


STATES = st.lists(st.sampled_from(["Executing", "Completed", "Aborted", "Canceled", None]), max_size=60)


@given(states=STATES, failed=st.lists(st.integers(0, 1_800), max_size=4))
def test_the_next_working_moment_after_any_failure_is_kept(states, failed):
    table = operation("r", {"mission": missions(states)}, RULES, failures_at(*sorted(failed)), GAP)
    if not states:
        assert table.num_rows == 0
        return
    kept = seconds(table["working"][0].as_py())
    working = [30 * n for n, state in enumerate(states) if state == "Executing"]
    assert set(kept) <= set(working)
    assert len(kept) <= 1 + len(failed)
    for at in [-1, *failed]:
        assert next((one for one in kept if one > at), None) == next(
            (one for one in working if one > at), None
        )


@given(states=STATES.filter(bool))
def test_missions_count_once_while_their_state_is_repeated(states):
    row = operation("r", {"mission": missions(states)}, RULES, failures_at(), GAP).to_pylist()[0]
    for name, state in (("succeeded", "Completed"), ("failed", "Aborted")):
        rises = sum(now == state and (n == 0 or states[n - 1] != state) for n, now in enumerate(states))
        assert row[name] == rises
    known = [state for state in states if state is not None]
    assert row["cohorts"] == ([("mission__state", known[-1])] if known else None)


def test_distance_is_what_the_speed_adds_up_to_and_gaps_add_nothing():
    at, speed = [0, 10, 20, 500, 510], [0.0, 1.0, -1.0, 2.0, 2.0]
    rules = {"distance": {"stream": "odometry", "speed": "v"}}
    table = operation("r", {"odometry": stream(at, v=pa.array(speed))}, rules, failures_at(), GAP)
    assert table["distance_m"].to_pylist() == [pytest.approx(5 + 10 + 20)]


def test_positions_add_up_and_midnight_adds_nothing():
    at, x = [DAY - 20, DAY - 10, DAY, DAY + 10], [0.0, 3.0, 100.0, 100.0]
    y = [0.0, 4.0, 0.0, 6.0]
    rules = {"distance": {"stream": "pose", "x": "x", "y": "y"}}
    table = operation("r", {"pose": stream(at, x=pa.array(x), y=pa.array(y))}, rules, failures_at(), GAP)
    assert table["day"].to_pylist() == ["2026-03-02", "2026-03-03"]
    assert table["distance_m"].to_pylist() == [5, 6]


def test_charge_drawn_is_the_sum_of_falls_and_noise_within_five_minutes_draws_nothing():
    at = np.arange(0, 3_600, 10)
    level = np.interp(at, [0, 1_800, 3_599], [80.0, 60.0, 90.0]) + np.tile([0.5, -0.5], len(at) // 2)
    rules = {
        "charge": {"stream": "status", "field": "soc", "full": 100.0},
        "health": {"stream": "status", "field": "soc", "full": 200.0},
    }
    table = operation("r", {"status": stream(at.tolist(), soc=pa.array(level))}, rules, failures_at(), GAP)
    row = table.to_pylist()[0]
    assert row["charge_drawn"] == pytest.approx(0.2 * 5 / 6, abs=0.01)
    assert row["discharging_s"] == 5 * 300
    assert row["charge_lowest"] == pytest.approx(0.6, abs=0.01)
    assert row["health"] == pytest.approx(0.45, abs=0.01)


def test_nothing_declared_or_nothing_recorded_is_unknown():
    assert operation("r", {}, {}, failures_at(), GAP).equals(OPERATION.empty_table())
    rules = RULES | {"distance": {"stream": "pose", "x": "x", "y": "y"}}
    streams = {
        "mission": missions(["Executing"]),
        "pose": stream([], x=pa.array([], pa.float64()), y=pa.array([], pa.float64())),
    }
    row = operation("r", streams, rules, failures_at(), GAP).to_pylist()[0]
    assert (row["distance_m"], row["charge_drawn"], row["succeeded"]) == (None, None, 0)


@given(
    cut=st.integers(1, 30),
    states=st.lists(st.sampled_from(["Executing", "Completed", "Aborted"]), min_size=40, max_size=40),
)
def test_a_day_is_the_same_with_its_neighbours_records_beside_it(cut, states):
    """The join gives each day the last record before it: that is all the day before can tell it."""
    at = [DAY - 30 * cut + 30 * n for n in range(40)]
    whole = stream(at, state=pa.array(states, pa.string()))
    split = np.searchsorted(at, DAY)
    alone = operation("r", {"mission": whole.slice(split - 1)}, RULES, failures_at(), GAP).to_pylist()[-1]
    beside = operation("r", {"mission": whole}, RULES, failures_at(), GAP).to_pylist()[-1]
    assert alone == beside
