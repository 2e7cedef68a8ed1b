"""What the report says of the model since it was taught, against figures made the slow way."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from features.labels import episodes
from reports.risk_report import ReportInputs
from reports.series import Series
from reports.watch import watch

Fleet = Callable[..., ReportInputs]
MINUTE = 60 * 10**9


def watched(inputs: ReportInputs) -> dict[str, Any]:
    inputs = inputs.conformed()
    found = episodes(inputs.failures, inputs.duration("labels", "episode_gap"))
    return watch(inputs, Series.of(inputs.risk), found)


def test_outcomes_are_those_counted_by_hand(fleet: Fleet) -> None:
    inputs = fleet()
    found = watched(inputs)["outcomes"]
    failures = [(row["robot_id"], row["ts"]) for row in as_ns(inputs.failures, "ts")]
    rows = as_ns(inputs.risk, "cutoff")
    last = {row["robot_id"]: row["cutoff"] for row in rows}
    closed = [row for row in rows if row["cutoff"] + 10 * MINUTE <= last[row["robot_id"]]]
    came = [
        any(robot == row["robot_id"] and 0 <= ts - row["cutoff"] < 10 * MINUTE for robot, ts in failures)
        for row in closed
    ]
    assert found["rows"] == len(closed)
    assert found["came_true"] == pytest.approx(np.mean(came))
    assert found["foretold"] == pytest.approx(np.mean([row["risk"] for row in closed]))
    assert 0 <= found["true_alerts"] <= found["alerts"]


def test_risks_twice_too_high_are_said_to_be(fleet: Fleet) -> None:
    inputs = fleet(robots=30)
    place = inputs.risk.column_names.index("risk")
    risk = pa.array(np.minimum(inputs.risk["risk"].to_numpy() + 0.2, 1.0))
    high = replace(inputs, risk=inputs.risk.set_column(place, "risk", risk))
    assert watched(high)["outcomes"]["state"] == "risks are too high"


def test_only_time_after_the_teaching_counts(fleet: Fleet) -> None:
    inputs = fleet()
    card = dict(inputs.card) | {"split": {"borders": {"test starts": "2026-03-02T12:00:00Z"}}}
    found = watched(replace(inputs, card=card))
    assert found["outcomes"]["from"] == "2026-03-02T12:00:00Z"
    assert found["drift"]["from"] == "2026-03-02"
    assert watched(inputs)["drift"]["from"] == "2026-03-01"


def test_a_moved_feature_is_named(fleet: Fleet) -> None:
    drift = watched(fleet())["drift"]
    assert (drift["features"], drift["drifted"], drift["shifted"]) == (1, 0, 1)
    moved = drift["most"][0]
    assert moved["feature"] == "battery__voltage__mean__42s"
    assert moved["psi"] == pytest.approx(
        0.2 * np.log(1.4) - 0.205 * np.log(0.59) + 0.0049 * np.log(50), abs=1e-4
    )
    assert moved["missing_now"] == pytest.approx(10 / 2_000)
    assert drift["risk"]["state"] == "stable"


def test_a_stream_gone_silent_on_the_newest_day_is_named(fleet: Fleet) -> None:
    inputs = fleet()
    joined = pa.table(
        {
            "robot_id": ["amr-001", "amr-001", "amr-002"],
            "day": ["2026-03-01", "2026-03-02", "2026-03-02"],
            "stream": ["battery"] * 3,
            "anchors": [100, 90, 80],
            "matched": [100, 0, 80],
        }
    )
    found = watched(replace(inputs, join_quality=joined))["silent_streams"]
    assert found == [{"robot_id": "amr-001", "stream": "battery", "day": "2026-03-02", "anchors": 90}]


def test_failures_alike_are_told_with_what_marks_them(fleet: Fleet) -> None:
    assert watched(fleet())["recurring"] == [
        {
            "failures": 3,
            "robots": 2,
            "codes": ["E_UNDERVOLTAGE"],
            "first": "2026-03-01T00:00:00Z",
            "last": "2026-03-01T02:00:00Z",
            "marks": ["battery voltage low"],
        }
    ]


def test_without_a_model_nothing_is_claimed(fleet: Fleet) -> None:
    empty = pa.table({})
    found = watched(fleet(card={}, evaluation={}, risk=empty, reasons=empty, similar=empty, watch=empty))
    assert found["outcomes"] == {"rows": 0, "state": "no outcome is known yet"}
    assert found["drift"]["features"] == 0
    assert found["recurring"] == []


def as_ns(table: pa.Table, name: str) -> list[dict[str, Any]]:
    place = table.column_names.index(name)
    return list(table.set_column(place, name, table[name].cast(pa.int64())).to_pylist())
