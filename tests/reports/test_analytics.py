"""Every hour and every failure is counted once, however the fleet is cut: robots, cohorts, days."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.labels import episodes
from features.operation import OPERATION
from features.schema import CUTOFF, FAILURES, ROBOT, TIMESTAMP
from reports.analytics import analytics
from reports.inputs import RISK, ReportInputs
from reports.series import Series

Fleet = Callable[..., ReportInputs]
HOUR = 3_600 * 10**9
MONDAY = 1_772_409_600 * 10**9  # 2026-03-02T00:00:00Z
ROBOTS = "abcd"


@pytest.fixture(scope="module")
def inputs(fleet: Fleet) -> ReportInputs:
    return fleet(1, 0.1)


def judged(
    inputs: ReportInputs,
    cutoffs: list[tuple[str, int]],
    failures: list[tuple[str, int]],
    facts: dict[str, list[Any]] | None = None,
) -> dict[str, Any]:
    """Analytics of cut-offs and episodes at whole hours from a Monday."""
    risk = pa.table(
        {
            ROBOT: [name for name, _ in cutoffs],
            CUTOFF: pa.array([MONDAY + hour * HOUR for _, hour in cutoffs], pa.int64()).cast(TIMESTAMP),
            "risk": [0.1] * len(cutoffs),
            "alert": [False] * len(cutoffs),
        },
        schema=RISK,
    )
    found = pa.table(
        [
            pa.array([name for name, _ in failures], pa.string()),
            pa.array([MONDAY + hour * HOUR for _, hour in failures], pa.int64()).cast(TIMESTAMP),
            pa.array(["E"] * len(failures), pa.string()),
        ],
        schema=FAILURES,
    )
    told = pa.table({ROBOT: list(ROBOTS)} | (facts or {}))
    given = replace(inputs.conformed(), facts=told, operation=OPERATION.empty_table())
    return analytics(given, Series.of(risk), episodes(found, timedelta(0)))


events = st.lists(st.tuples(st.sampled_from(ROBOTS), st.integers(0, 400)), unique=True)


@settings(max_examples=60, deadline=None)
@given(cutoffs=events.filter(bool), failures=events)
def test_hours_and_failures_are_the_same_however_cut(
    inputs: ReportInputs, cutoffs: list[tuple[str, int]], failures: list[tuple[str, int]]
) -> None:
    found = judged(inputs, cutoffs, failures, {"site": ["x", "x", "y", None]})
    fleet = found["fleet"]
    assert fleet["robots"] == len({name for name, _ in cutoffs})
    of_scored = [name for name, _ in failures if name in {name for name, _ in cutoffs}]
    cuts = [found["robots"], found["periods"]["rows"]] + [each["groups"] for each in found["cohorts"]]
    for parts in cuts:
        assert sum(part["episodes"] for part in parts) == fleet["episodes"]
        assert sum(part["hours"] for part in parts) == pytest.approx(fleet["hours"])
    assert fleet["episodes"] <= len(of_scored)
    assert fleet["episodes"] + fleet["outside"] == len(failures)
    assert fleet["survival"]["failures"] == fleet["episodes"]


def test_days_give_way_to_weeks_from_monday(inputs: ReportInputs) -> None:
    def of(hours: int) -> Any:
        return judged(inputs, [("a", hour) for hour in range(1, hours + 1)], [("a", 30)])["periods"]

    days = of(14 * 24)
    assert (days["unit"], len(days["rows"])) == ("day", 14)
    assert [row["episodes"] for row in days["rows"][:3]] == [0, 1, 0]
    weeks = of(14 * 24 + 1)
    assert weeks["unit"] == "week"
    assert [row["start"][:10] for row in weeks["rows"]] == ["2026-03-02", "2026-03-09", "2026-03-16"]
    assert [row["hours"] for row in weeks["rows"]] == [168, 168, 1]


def test_a_failure_at_midnight_that_ends_the_record_belongs_to_the_day_it_ends(inputs: ReportInputs) -> None:
    rows = judged(inputs, [("a", hour) for hour in range(1, 24)], [("a", 24)])["periods"]["rows"]
    assert sum(row["episodes"] for row in rows) == 1


def test_only_facts_that_part_the_fleet_are_compared(inputs: ReportInputs) -> None:
    cutoffs = [(name, hour) for name in ROBOTS for hour in range(1, 25)]
    facts = {
        "site": ["x", "y", "x", None],
        "serial": ["1", "2", "3", "4"],
        "maker": ["m", "m", "m", "m"],
    }
    compared = judged(inputs, cutoffs, [("b", 3), ("b", 9)], facts)["cohorts"]
    assert [each["fact"] for each in compared] == ["site"]
    assert [(each["value"], each["robots"], each["episodes"]) for each in compared[0]["groups"]] == [
        ("unknown", 1, 0),
        ("x", 2, 0),
        ("y", 1, 2),
    ]
    assert [test["figure"] for test in compared[0]["tests"]] == ["failure_rate"]
    assert compared[0]["tests"][0]["p_adjusted"] >= compared[0]["tests"][0]["p_value"] > 0.05


def test_comparing_more_facts_asks_for_more(inputs: ReportInputs) -> None:
    cutoffs = [(name, hour) for name in ROBOTS for hour in range(1, 100)]
    failures = [("a", hour) for hour in range(5, 90, 9)] + [("b", hour) for hour in range(5, 90, 9)]
    real, noise = ["x", "x", "y", "y"], ["p", "q", "p", "q"]
    alone = judged(inputs, cutoffs, failures, {"site": real})["cohorts"][0]["tests"][0]
    many = judged(inputs, cutoffs, failures, {"site": real, "hall": noise, "lane": noise})["cohorts"]
    among = many[-1]["tests"][0]
    assert alone["p_adjusted"] == alone["p_value"] == among["p_value"] < among["p_adjusted"]
