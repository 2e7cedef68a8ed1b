"""What rules see of a report and of jobs, and which robots they are about."""

from datetime import UTC, datetime
from typing import Any

import pytest

from pipelines.alerts.findings import of_job, of_report
from pipelines.config.alerts import RuleSection

AT = datetime(2026, 3, 2, tzinfo=UTC)


def robot(name: str, rank: int | None, risk: float | None, **more: Any) -> dict[str, Any]:
    return {
        "robot_id": name,
        "rank": rank,
        "risk": risk,
        "risk_peak": risk,
        "risk_now": None if risk is None else risk / 2,
        "peak_at": "2026-03-01T10:00:00Z",
        "last_cutoff": "2026-03-01T23:50:00Z",
        "status": "calm",
        "why": "below the threshold",
        "reasons": [{"words": f"{name} vibrates"}],
    } | more


SUMMARY: dict[str, Any] = {
    "rank_by": "day",
    "robots": [
        robot("amr-1", 1, 0.9),
        robot("amr-2", 2, 0.55),
        robot("agv-1", 3, 0.6, status="silent", why="no data for 5 h"),
        robot("agv-2", None, None, status="cannot score", why="no window"),
    ],
    "watch": {
        "silent_streams": [{"robot_id": "amr-2", "stream": "battery", "day": "2026-03-01", "anchors": 9}],
        "drift": {
            "risk": {"feature": "risk", "psi": 0.1},
            "most": [{"feature": "pose__x__mean__42s", "psi": 0.4}, {"feature": "y", "psi": 0.2}],
        },
    },
}
FACTS = {"amr-1": {"facts__site": "hall 1"}, "amr-2": {"facts__site": "hall 2"}}


def seen(when: dict[str, Any], summary: dict[str, Any] = SUMMARY, **more: Any) -> list[tuple[str, bool]]:
    rule = RuleSection.model_validate({"when": when, **more})
    found = of_report(summary, FACTS, {"r": rule}, commit="c", at=AT)
    return [(finding.subject, finding.firing) for finding in found.findings["r"]]


@pytest.mark.parametrize(
    ("when", "more", "expected"),
    [
        ({"risk_above": 0.6}, {}, [("amr-1", True), ("agv-1", True)]),
        (
            {"risk_above": 0.6},
            {"resolve_below": 0.5},
            [("amr-1", True), ("agv-1", True), ("amr-2", False)],
        ),
        ({"risk_above": 0.5}, {"robots": ["amr-*"]}, [("amr-1", True), ("amr-2", True)]),
        ({"risk_above": 0.5}, {"where": {"facts__site": ["hall 2"]}}, [("amr-2", True)]),
        ({"top": 2}, {}, [("amr-1", True), ("amr-2", True)]),
        ({"cannot_score": True}, {}, [("agv-2", True)]),
        ({"silent_stream": True}, {}, [("agv-1", True), ("amr-2/battery", True)]),
        ({"silent_stream": True}, {"robots": ["agv-*"]}, [("agv-1", True)]),
        ({"drift_above": 0.25}, {}, [("pose__x__mean__42s", True)]),
        ({"drift_above": 0.25}, {"resolve_below": 0.2}, [("pose__x__mean__42s", True), ("y", False)]),
    ],
)
def test_each_condition(when: dict[str, Any], more: dict[str, Any], expected: list[tuple[str, bool]]) -> None:
    assert seen(when, **more) == expected


def test_ranked_by_now_the_latest_risk_counts() -> None:
    assert seen({"risk_above": 0.4}, SUMMARY | {"rank_by": "now"}) == [("amr-1", True)]


def test_what_is_told_says_how_much_why_and_at_which_cut_off() -> None:
    rule = RuleSection.model_validate({"when": {"risk_above": 0.8}})
    [found] = of_report(SUMMARY, {}, {"r": rule}, commit="c", at=AT).findings["r"]
    assert found.told == "amr-1: risk of failure 90 %; amr-1 vibrates"
    assert (found.cutoff, found.evidence) == (
        "2026-03-01T10:00:00Z",
        datetime(2026, 3, 1, 10, tzinfo=UTC),
    )


def test_jobs_speak_of_their_own_pipeline_and_only_when_they_worked_or_failed() -> None:
    rules = {
        "jobs": RuleSection.model_validate({"when": {"job_failed": True}}),
        "risk": RuleSection.model_validate({"when": {"risk_above": 0.5}}),
    }
    failed = of_job("train", "FAILURE", "datum 7", rules, commit="c", at=AT)
    assert failed is not None
    assert failed.findings["jobs"][0].told == "a job of train failed: datum 7"
    assert (failed.subjects, set(failed.findings)) == (frozenset({"train"}), {"jobs"})
    well = of_job("train", "SUCCESS", "", rules, commit="c", at=AT)
    assert well is not None
    assert well.findings["jobs"] == ()
    assert of_job("train", "KILLED", "", rules, commit="c", at=AT) is None
