from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.labels import episodes
from features.schema import CUTOFF, FAILURES, ROBOT, TIMESTAMP
from models.explain import REASONS
from reports.inputs import RISK, ReportInputs
from reports.ranking import Robot, rank
from reports.series import Series, Trend

Fleet = Callable[..., ReportInputs]
HOUR = 3_600 * 10**9
T0 = 1_772_323_200_000_000_000
NOTHING: dict[str, Any] = {
    "failures": FAILURES.empty_table(),
    "reasons": REASONS.empty_table(),
    "accounting": pa.table({}),
    "join_quality": pa.table({}),
    "clocks": pa.table({}),
    "facts": pa.table({}),
}


def risk(rows: list[tuple[str, float, float, bool]]) -> pa.Table:
    """Rows of (robot, hours after the start, risk, alert)."""
    names, hours, risks, alerts = zip(*rows, strict=True) if rows else ((), (), (), ())
    cutoffs = pa.array([T0 + int(hour * HOUR) for hour in hours], pa.int64()).cast(TIMESTAMP)
    return pa.table(
        [pa.array(names, pa.string()), cutoffs, pa.array(risks, pa.float64()), pa.array(alerts, pa.bool_())],
        schema=RISK,
    )


def ranked(fleet: Fleet, rows: list[tuple[str, float, float, bool]], **changes: Any) -> dict[str, Robot]:
    inputs = fleet(1, 0.1, **({**NOTHING, "risk": risk(rows)} | changes)).conformed()
    series = Series.of(inputs.risk)
    found = episodes(inputs.failures, inputs.duration("labels", "episode_gap"))
    return {robot.robot_id: robot for robot in rank(inputs, series, Trend.over(series), found)}


def with_report(inputs: ReportInputs, **report: Any) -> dict[str, Any]:
    return {**inputs.settings, "report": {**inputs.settings["report"], **report}}


ROWS = st.lists(
    st.tuples(
        st.sampled_from("abc"), st.integers(0, 200).map(lambda n: n / 4), st.floats(0, 1), st.booleans()
    ),
    min_size=1,
    max_size=60,
    unique_by=lambda row: row[:2],
)


@settings(max_examples=60)
@given(ROWS, st.data())
def test_figures_equal_a_plain_loop_whatever_the_order(
    fleet: Fleet, rows: list[Any], data: st.DataObject
) -> None:
    found = ranked(fleet, data.draw(st.permutations(rows)))
    for name in {row[0] for row in rows}:
        mine = sorted((hour, r, alert) for robot, hour, r, alert in rows if robot == name)
        last = mine[-1][0]
        day = [(r, hour) for hour, r, _ in mine if hour > last - 24]
        before = [r for hour, r, _ in mine if last - 48 < hour <= last - 24]
        quiet_until, alerts = -1.0, 0
        for hour, _, alert in mine:
            if alert and hour >= quiet_until:
                quiet_until = hour + 0.5
                alerts += hour > last - 24
        robot = found[name]
        assert robot.risk_now == mine[-1][1]
        assert robot.risk_day == pytest.approx(np.mean([r for r, _ in day]))
        assert robot.risk_before == (pytest.approx(np.mean(before)) if before else None)
        assert robot.risk_peak == max(r for r, _ in day)
        assert robot.peak_at == T0 + int(min(hour for r, hour in day if r == robot.risk_peak) * HOUR)
        assert robot.last_cutoff == T0 + int(last * HOUR)
        assert robot.alerts_day == alerts
    order = [robot.risk for robot in found.values()]
    assert order == sorted(order, reverse=True)
    assert [robot.rank for robot in found.values()] == list(range(1, len(found) + 1))


def test_ranked_by_now_uses_the_latest_cutoff(fleet: Fleet) -> None:
    rows = [("a", 0, 0.9, False), ("a", 1, 0.1, False), ("b", 0, 0.2, False), ("b", 1, 0.3, False)]
    settings = with_report(fleet(), rank_by="now")
    assert [(r.robot_id, r.risk) for r in ranked(fleet, rows, settings=settings).values()] == [
        ("b", 0.3),
        ("a", 0.1),
    ]
    assert next(iter(ranked(fleet, rows))) == "a"


def test_equal_risks_are_ordered_by_name(fleet: Fleet) -> None:
    assert list(ranked(fleet, [("b", 0, 0.5, False), ("a", 0, 0.5, False)])) == ["a", "b"]


def test_states(fleet: Fleet) -> None:
    rows = [
        *[("hot", hour, 0.2, hour == 30) for hour in range(31)],
        *[("was hot", hour, 0.2, hour == 20) for hour in range(31)],
        *[("long ago", hour, 0.2, hour == 6) for hour in range(31)],
        *[("gone", hour, 0.2, True) for hour in range(20)],
    ]
    found = ranked(fleet, rows)
    assert {name: (robot.status, robot.why) for name, robot in found.items()} == {
        "hot": ("alert", "above the alert threshold now"),
        "was hot": ("alerted", "1 alert in the last 24 h, below the threshold now"),
        "long ago": ("calm", "below the alert threshold for 24 h"),
        "gone": ("silent", "no data for 11 h; was above the alert threshold"),
    }


def test_a_robot_ten_steps_behind_is_not_yet_silent(fleet: Fleet) -> None:
    rows = [("a", hour, 0.1, False) for hour in range(21)] + [("b", hour, 0.1, False) for hour in range(11)]
    assert ranked(fleet, rows)["b"].status == "calm"
    assert ranked(fleet, [*rows, ("a", 20.5, 0.1, False)])["b"].status == "silent"


def test_a_robot_whose_windows_hold_its_failure_is_not_silent(fleet: Fleet) -> None:
    rows = [(name, hour, 0.1, False) for name in "ab" for hour in range(11)] + [
        ("c", hour, 0.1, False) for hour in range(25)
    ]
    moments = pa.array([T0 + 11 * HOUR, T0 + 9 * HOUR], pa.int64()).cast(TIMESTAMP)
    failures = pa.table([["a", "b"], moments, ["E", "E"]], schema=FAILURES)
    settings = fleet(1, 0.1).settings
    labels = {**settings["labels"], "windows": ["42s", "14h"]}
    found = ranked(fleet, rows, failures=failures, settings={**settings, "labels": labels})
    assert (found["a"].status, found["a"].why) == (
        "failed",
        "not scored for 14 h: its windows hold a failure",
    )
    assert found["b"].status == "silent"


def test_why_a_robot_cannot_be_scored(fleet: Fleet) -> None:
    counts = {"received": 5, "duplicates": 0}
    found = ranked(
        fleet,
        [("fine", 0, 0.1, False), ("numberless", 0, float("nan"), False)],
        accounting=pa.Table.from_pylist(
            [
                {ROBOT: "refused", "unit": "record", "accepted": 0, "quarantined": 5, **counts},
                {ROBOT: "unseen", "unit": "record", "accepted": 5, "quarantined": 0, **counts},
            ]
        ),
        join_quality=pa.table({ROBOT: ["excluded"], "anchors": [7], "matched": [7], "stream": ["pose"]}),
        facts=pa.table({ROBOT: ["only a fact"]}),
    )
    assert {name: robot.why for name, robot in found.items() if robot.rank is None} == {
        "excluded": "observations, but every window before a cut-off was excluded",
        "numberless": "the model gave no number",
        "only a fact": "no records",
        "refused": "all of its 5 records are in quarantine",
        "unseen": "records, but no observation could be made of them",
    }
    assert {robot.why for robot in ranked(fleet, [], card={}, facts=pa.table({ROBOT: ["a"]})).values()} == {
        "there is no model yet"
    }


def test_episodes_not_failures_are_counted(fleet: Fleet) -> None:
    moments = [T0, T0 + 60 * 10**9, T0 + 2 * HOUR]
    failures = pa.table(
        [["a"] * 3, pa.array(moments, pa.int64()).cast(TIMESTAMP), ["E"] * 3], schema=FAILURES
    )
    robot = ranked(fleet, [("a", 3, 0.5, False)], failures=failures)["a"]
    assert (robot.episodes, robot.last_failure) == (2, T0 + 2 * HOUR)


def reason(hour: float, rank: int, words: str) -> dict[str, Any]:
    return {ROBOT: "a", CUTOFF: T0 + int(hour * HOUR), "rank": rank, "words": words, "contribution": 1.0}


def test_reasons_come_from_the_riskiest_explained_cutoff_of_the_day_or_from_the_latest(fleet: Fleet) -> None:
    rows = [("a", 0, 0.99, False), ("a", 30, 0.4, False), ("a", 40, 0.8, False), ("a", 48, 0.1, False)]
    told = [reason(0, 1, "too old"), reason(40, 2, "second"), reason(40, 1, "first"), reason(48, 1, "latest")]
    reasons = pa.Table.from_pylist(told).set_column(
        1, CUTOFF, pa.array([entry[CUTOFF] for entry in told], pa.int64()).cast(TIMESTAMP)
    )
    robot = ranked(fleet, rows, reasons=reasons)["a"]
    assert [entry["words"] for entry in robot.reasons] == ["first", "second"]
    assert robot.reasons_at == T0 + 40 * HOUR
    few = ranked(fleet, rows, reasons=reasons, settings=with_report(fleet(), reasons=1))["a"]
    assert [entry["words"] for entry in few.reasons] == ["first"]
    now = ranked(fleet, rows, reasons=reasons, settings=with_report(fleet(), rank_by="now"))["a"]
    assert [entry["words"] for entry in now.reasons] == ["latest"]


@settings(max_examples=60)
@given(ROWS)
def test_trend_bins_hold_the_highest_risk_of_their_time(rows: list[Any]) -> None:
    series = Series.of(risk(rows))
    trend = Trend.over(series)
    assert 1 <= trend.bins <= 60
    for index, name in enumerate(series.robots):
        mine = series.rows(index)
        for place, peak in enumerate(trend.peaks(series.cutoff[mine], series.risk[mine])):
            begin = trend.start + place * trend.width
            inside = [
                r
                for robot, hour, r, _ in rows
                if robot == name and begin < T0 + int(hour * HOUR) <= begin + trend.width
            ]
            assert peak == (max(inside) if inside else None)
    assert trend.end == series.as_of
    assert trend.start < series.cutoff.min()


def test_a_trend_reaches_back_thirty_days_at_most() -> None:
    series = Series.of(risk([("a", hour, 0.5, False) for hour in range(0, 24 * 90, 6)]))
    trend = Trend.over(series)
    assert trend.end - trend.start <= 31 * 24 * HOUR
    assert trend.bins == 60
