from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from pipelines.demo.scoring import Caught, score_against_truth
from pipelines.demo.truth import FailureTruth, RobotTruth, Truth

START = datetime(2026, 3, 1, tzinfo=UTC)
FROM = START + timedelta(hours=12)
MINUTE = timedelta(minutes=1)


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000)


def _failure(robot: str, minutes: float, cause: str) -> FailureTruth:
    ts = _ms(FROM + minutes * MINUTE)
    return FailureTruth(robot, ts, cause, planted=cause != "random", since=ts)


TRUTH = Truth(
    seed=1,
    start="2026-03-01",
    days=1,
    start_ms=_ms(START),
    messages=0,
    robots=(
        RobotTruth("amr-001", "battery_sag", "1", "a"),
        RobotTruth("amr-002", "firmware", "2", "a"),
        RobotTruth("amr-003", "", "1", "a"),
    ),
    failures=(
        _failure("amr-001", -60, "battery_sag"),
        _failure("amr-001", 60, "battery_sag"),
        _failure("amr-001", 180, "battery_sag"),
        _failure("amr-002", 60, "firmware"),
        _failure("amr-003", 60, "random"),
    ),
    near_misses=(),
    dirt=(),
)
RISK = {"amr-001": 0.5, "amr-002": 0.2, "amr-003": 0.1}


def _alerts(*alerts: tuple[str, float]) -> pa.Table:
    return pa.table(
        {
            "robot_id": pa.array([robot for robot, _ in alerts], pa.string()),
            "cutoff": pa.array(
                [FROM + minutes * MINUTE for _, minutes in alerts], pa.timestamp("ns", tz="UTC")
            ),
        }
    )


def _reasons(*told: tuple[str, float, int, str]) -> pa.Table:
    at = _alerts(*((robot, minutes) for robot, minutes, _, _ in told))
    ranks, fields = ([row[place] for row in told] for place in (2, 3))
    return at.append_column("rank", pa.array(ranks, pa.int32())).append_column(
        "field", pa.array(fields, pa.string())
    )


def _score(*alerts, lead=0, risk=RISK, reasons=()):
    return score_against_truth(
        TRUTH,
        _alerts(*alerts),
        from_time=FROM,
        horizon=10 * MINUTE,
        lead=lead * MINUTE,
        risk_by_robot=risk,
        reasons=_reasons(*reasons),
    )


def test_failures_warned_of_are_counted_by_cause():
    score = _score(("amr-001", 55), ("amr-003", 59), ("amr-002", 20))
    assert score.by_cause == (
        Caught("battery_sag", 1, 2),
        Caught("wheel_slip", 0, 0),
        Caught("localization", 0, 0),
        Caught("firmware", 0, 1),
        Caught("random", 1, 1),
    )
    assert (score.warned, score.announced) == (1, 2)
    assert (score.warnings, score.false_alarms) == (3, 1)
    assert score.robot_days == pytest.approx(1.5)
    assert score.false_alarms_per_robot_day == pytest.approx(1 / 1.5)


@pytest.mark.parametrize(
    ("minutes", "lead", "warned"),
    [
        (50, 0, 0),
        (50.001, 0, 1),
        (60, 0, 1),
        (60.001, 0, 0),
        (45, 5, 0),
        (45.001, 5, 1),
        (55, 5, 1),
        (55.001, 5, 0),
    ],
)
def test_a_warning_counts_in_the_half_open_horizon_after_its_lead(minutes, lead, warned):
    assert _score(("amr-001", minutes), lead=lead).warned == warned


def test_alerts_within_the_refractory_time_are_one_warning():
    score = _score(("amr-001", 0), ("amr-001", 29), ("amr-001", 30), ("amr-001", 31), ("amr-002", 1))
    assert (score.warnings, score.false_alarms) == (3, 3)


def test_alerts_before_the_test_period_and_beyond_the_logs_are_not_judged():
    score = _score(("amr-001", -65), ("amr-003", 12 * 60 - 9))
    assert (score.warnings, score.false_alarms, score.warned) == (1, 0, 0)


def test_a_true_warning_is_explained_when_its_first_reason_is_the_sign_of_its_cause():
    alerts = (("amr-001", 55), ("amr-001", 175), ("amr-003", 59), ("amr-001", 300))
    told = (("amr-001", 50, 1, "wheel_slip"), ("amr-001", 54, 1, "battery_voltage"))
    later = (("amr-001", 175, 2, "battery_voltage"), ("amr-001", 176, 1, "battery_voltage"))
    score = _score(*alerts, reasons=(*told, *later))
    assert (score.true_warnings, score.explained) == (2, 1)
    assert _score(*alerts, reasons=[("amr-001", 25, 1, "battery_voltage")]).explained == 0


def test_ranking_compares_every_planted_robot_with_every_other():
    assert _score().planted_rank_above
    assert _score().ranking == ("amr-001", "amr-002", "amr-003")
    upset = _score(risk={"amr-001": 0.5, "amr-003": 0.3})
    assert (upset.pairs_in_order, upset.pairs, upset.planted_rank_above) == (1, 2, False)
    assert upset.ranking == ("amr-001", "amr-003", "amr-002")


def test_words_say_the_figures_are_synthetic_and_name_every_count():
    by_cause = "battery sag 1 of 2, wheel slip 0 of 0, localization 0 of 0"
    assert _score(("amr-001", 55), ("amr-002", 20)).words() == [
        "Scored against the truth of this synthetic fleet; the figures say nothing about real robots.",
        "From 2026-03-01 12:00 UTC on, time the model was not trained on:",
        f"  planted failures with a precursor: a warning preceded 1 of 2 ({by_cause})",
        "  firmware failures, nothing to see before them: 0 of 1",
        "  random failures, nothing to see before them: 0 of 1",
        "  false alarms: 0.67 per robot-day (1 of 2 warnings)",
        "  the first reason names the planted cause in 0 of 1 true warnings",
        "  every robot with a planted cause ranks above every other",
    ]
    upset = _score(risk={"amr-003": 1.0})
    assert upset.words()[-1] == "  robots with a planted cause rank above the others in 0 of 2 pairs"
