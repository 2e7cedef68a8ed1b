"""A corrected message recomputes the windows it can reach, and no others; the result is that of a rebuild."""

from copy import deepcopy
from typing import Any

import pyarrow as pa
import pytest

from pipelines.config import Config, parse_config
from pipelines.steps.cut import day_start_ns

CONFIG = r"""
[logs]
robot = { path = '/(?P<robot>[^/]+)\.zip$' }

[streams.odometry]
path = "odometry"
time = "ts"
tolerance = "3s"
fields.speed = { type = "float", unit = "m/s" }

[streams.mission]
path = "mission"
time = "$.ts"
tolerance = "20s"
direction = "backward"
fields.state = { type = "string", states = ["Executing", "Aborted"] }

[streams.errors]
kind = "events"
path = "errors"
time = "ts"
fields.code = "string"

[join]
every = "5s"

[failure]
on = [{ stream = "mission", when = { state = "Aborted" } }]

[lookback]
windows = ["10s", "42s", "2m"]
every = "30s"
event_cap = "15m"
signals = ["bands", "zero_crossings"]
signal_every = "5s"
"""
DAYS = ("2026-03-01", "2026-03-02", "2026-03-03")
REACH_NS = (120 + 3) * 10**9
TOLERANCE_NS = 3 * 10**9
NOON, LAST = 180, -1  # places of messages in a day


@pytest.fixture(scope="module")
def config() -> Config:
    return parse_config(CONFIG)


def message(ms: int) -> dict[str, Any]:
    second = ms // 1_000
    return {
        "ts": ms,
        "odometry": [{"ts": ms + 700, "speed": float(second % 7)}],
        "mission": {"state": "Aborted" if second % 86_400 == 12 * 3_600 + 60 else "Executing"},
        "errors": [{"ts": ms + 10, "code": "E1"}] if second % 240 == 0 else [],
    }


def fleet() -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Ten minutes on either side of midnight, and ten at noon: a robot for three days, another for one."""
    messages = {}
    seconds = [*range(0, 600, 5), *range(43_200, 43_800, 5), *range(85_800, 86_400, 5)]
    for robot, day in (*(("r1", day) for day in DAYS), ("r2", DAYS[1])):
        start = day_start_ns(day) // 10**6
        messages[robot, day] = [message(start + second * 1_000) for second in seconds]
    return messages


def test_correcting_a_message_reaches_only_the_windows_after_it(run_steps: Any, config: Config) -> None:
    before = run_steps(fleet(), config)
    for place, again in ((NOON, {("r1", DAYS[0])}), (LAST, {("r1", DAYS[0]), ("r1", DAYS[1])})):
        corrected = deepcopy(fleet())
        sent = corrected["r1", DAYS[0]]
        wrong = sent[place]
        wrong["odometry"][0]["speed"] = 99.0
        after = run_steps(corrected, config)
        assert before.changed(after, "features") == again
        at = wrong["odometry"][0]["ts"] * 10**6
        for key in before.inputs["features"]:
            old, new = before.windows(*key), after.windows(*key)
            if key not in again:
                assert new.equals(old)
                continue
            cutoffs = old.column("cutoff").cast(pa.int64()).to_pylist()
            assert new.column("cutoff").equals(old.column("cutoff"))
            moved = [c for i, c in enumerate(cutoffs) if not new.slice(i, 1).equals(old.slice(i, 1))]
            assert moved
            assert all(at - TOLERANCE_NS < cutoff <= at + REACH_NS for cutoff in moved)


def test_windows_over_midnight_are_those_of_undivided_logs(run_steps: Any, config: Config) -> None:
    divided = run_steps(fleet(), config)
    whole = run_steps(fleet(), parse_config(CONFIG.replace("[logs]", '[logs]\npartition = "all"')))
    days = pa.concat_tables([divided.windows("r1", day) for day in DAYS])
    expected = whole.windows("r1", "all")
    by_cutoff = [("is_failure_cutoff", "ascending"), ("cutoff", "ascending")]
    assert days.sort_by(by_cutoff).equals(expected.sort_by(by_cutoff))
    assert "odometry__speed__band1_energy__2m" in expected.column_names


def test_a_late_message_of_another_day_finds_its_day(run_steps: Any, config: Config) -> None:
    """An archive may hold a message of the day before; windows are of event time, not of files."""
    sent = fleet()
    moved = deepcopy(sent)
    moved["r1", DAYS[1]] = [*moved["r1", DAYS[0]][-20:], *moved["r1", DAYS[1]]]
    moved["r1", DAYS[0]] = moved["r1", DAYS[0]][:-20]
    one, other = run_steps(sent, config), run_steps(moved, config)
    for key in one.inputs["features"]:
        assert other.windows(*key).equals(one.windows(*key))
