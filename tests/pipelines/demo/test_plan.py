from itertools import pairwise

import numpy as np
import pytest

from pipelines.demo.causes import BATTERY, CAUSES, FIRMWARE, LOCALIZATION, RANDOM, SLIP, cause_of
from pipelines.demo.plan import DAY_S, DRIVE, FAULT, plan_robot, way_done
from pipelines.demo.signals import Signals

SEED = 11


@pytest.fixture(scope="module")
def plans():
    return [plan_robot(index, robots=12, days=2, seed=SEED) for index in range(12)]


def test_seven_of_twelve_robots_have_a_cause_and_every_cause_is_there():
    causes = [cause_of(rank, 12) for rank in range(12)]
    assert causes == [BATTERY, SLIP, LOCALIZATION, FIRMWARE, SLIP, LOCALIZATION, BATTERY, *[""] * 5]
    assert [cause_of(0, 1)] == [BATTERY]


def test_a_robot_is_planned_from_its_arguments_alone(plans):
    assert plan_robot(3, robots=12, days=2, seed=SEED) == plans[3]
    assert plan_robot(3, robots=12, days=2, seed=SEED + 1) != plans[3]


@pytest.mark.parametrize("seed", range(5))
def test_a_fleet_fails_often_enough_to_learn_from_and_mostly_where_planted(seed):
    plans = [plan_robot(index, robots=12, days=2, seed=seed) for index in range(12)]
    failures = [failure for plan in plans for failure in plan.failures]
    planted = [failure for failure in failures if failure.cause != RANDOM]
    assert 55 <= len(failures) <= 110
    assert 0.65 <= len(planted) / len(failures) <= 0.9
    for plan in plans:
        own = sum(failure.cause == plan.cause for failure in plan.failures)
        worn = plan.cause in (BATTERY, SLIP, LOCALIZATION)
        others = {BATTERY, SLIP, LOCALIZATION} if worn else {plan.cause}
        assert {failure.cause for failure in plan.failures} <= {RANDOM, *others}
        assert own >= 2 or not plan.cause


def test_legs_follow_each_other_without_a_jump(plans):
    for plan in plans:
        assert plan.legs[0].start == 0
        assert plan.legs[-1].start + plan.legs[-1].length >= 2 * DAY_S
        for leg, following in pairwise(plan.legs):
            took = following.start - leg.start
            assert 0 < took <= leg.length + 1e-6
            way = float(way_done(took, leg.length)) if leg.activity == DRIVE else 0.0
            for place, onward in ((leg.x, following.x), (leg.y, following.y)):
                assert place[0] + way * (place[1] - place[0]) == pytest.approx(onward[0], abs=1e-6)
            assert 0 < leg.charge <= 100


def test_failures_strike_a_mission_on_the_message_grid_and_stop_the_robot(plans):
    for plan in plans:
        starts = {leg.start: leg for leg in plan.legs}
        ends = {mission.end: mission for mission in plan.missions}
        for failure in plan.failures:
            assert failure.ts % 5 == 0
            assert (ends[failure.ts].state, ends[failure.ts].status) == ("Aborted", "Error")
            assert starts[failure.ts].activity == FAULT
            assert 180 <= failure.until - failure.ts <= 480
        aborted = [mission for mission in plan.missions if mission.status == "Error"]
        assert len(aborted) == len(plan.failures)


def test_precursors_take_minutes_and_none_else_shows_before_a_failure(plans):
    for plan in plans:
        for failure in plan.failures:
            ramp = CAUSES[failure.cause].ramp_s
            took = failure.ts - failure.since
            assert (ramp[0] <= took <= ramp[1] + 5) if ramp else took == 0
            shown = [
                precursor
                for precursor in plan.precursors
                if (precursor.failed and precursor.peak == failure.ts)
                or (not precursor.failed and failure.ts - 1_200 < precursor.end <= failure.ts + 1_200)
            ]
            assert [precursor.failed for precursor in shown] == ([True] if ramp else [])


def test_some_precursors_recover(plans):
    recovered = [precursor for plan in plans for precursor in plan.precursors if not precursor.failed]
    assert len(recovered) > 4
    assert len({plan.robot_id for plan in plans for p in plan.precursors if not p.failed}) > 3


@pytest.mark.parametrize(
    ("cause", "signal", "sign"),
    [(BATTERY, "volts", -1), (SLIP, "slip", 1), (LOCALIZATION, "score", -1)],
)
def test_a_cause_shows_in_its_signal_before_the_failure_and_in_no_other_robot(plans, cause, signal, sign):
    def driving(plan, spans):
        signals = Signals(plan, np.random.default_rng(0), SEED)
        t = np.concatenate([np.arange(a, b, 1.0) for a, b in spans])
        state = signals.motion(t)
        values = {
            "volts": lambda: signals.battery(t, state)[1],
            "slip": lambda: signals.wheel_slip(t),
            "score": lambda: signals.localization_score(t, state),
        }[signal]()
        return float(np.median(values[state.speed > 0.2]))

    faulty = next(plan for plan in plans if plan.cause == cause)
    sound = next(plan for plan in plans if not plan.cause)
    failures = [failure for failure in faulty.failures if failure.cause == cause]
    before = driving(faulty, [(failure.ts - 120, failure.ts) for failure in failures])
    calm = driving(faulty, [(failure.since - 600, failure.since) for failure in failures])
    elsewhere = driving(sound, [(failure.ts - 120, failure.ts) for failure in failures])
    spread = {"volts": 0.6, "slip": 0.08, "score": 0.12}[signal]
    assert sign * (before - calm) > spread
    assert sign * (before - elsewhere) > spread
    assert abs(calm - elsewhere) < spread
