"""Writes the archives of one robot, day by day, carrying over what arrives late."""

from datetime import timedelta

import numpy as np

from pipelines.demo.archive import write_archive
from pipelines.demo.causes import RANDOM
from pipelines.demo.dirt import clock_dirt, clocks, hold_back, soil
from pipelines.demo.fleet import RobotOrder, RobotResult, epoch_ms
from pipelines.demo.messages import Message, day_messages
from pipelines.demo.plan import DAY_S, Plan, plan_robot
from pipelines.demo.truth import DAY_MS, Dirt, FailureTruth, NearMiss, RobotTruth


def write_robot(order: RobotOrder) -> RobotResult:
    """Write `<day>/<robot>.zip` for every day; the folders of the days exist."""
    start_ms = epoch_ms(order.start)
    plan = plan_robot(order.index, robots=order.robots, days=order.days, seed=order.seed)
    dirt: list[Dirt] = clock_dirt(plan, start_ms)
    messages, carried = 0, list[tuple[int, Message]]()
    for day in range(order.days):
        rng = np.random.default_rng([order.seed, 5, order.index, day])
        sent = day_messages(plan, day, start_ms=start_ms, seed=order.seed, clocks=clocks(plan))
        today, tomorrow, outage = hold_back(sent, plan, day, start_ms=start_ms, rng=rng)
        file = f"{order.start + timedelta(days=day)}/{plan.robot_id}.zip"
        members, defects = soil(carried + today, plan, file, start_ms=start_ms, rng=rng)
        write_archive(order.logs / file, members)
        messages += len(members)
        dirt += outage + defects
        carried = tomorrow
    return _result(plan, start_ms, messages, dirt)


def _result(plan: Plan, start_ms: int, messages: int, dirt: list[Dirt]) -> RobotResult:
    def ms(second: float) -> int:
        return start_ms + round(second * 1_000)

    end = plan.days * DAY_S
    failures = tuple(
        FailureTruth(plan.robot_id, ms(f.ts), f.cause, f.cause != RANDOM, ms(f.since))
        for f in plan.failures
        if f.ts < end
    )
    dirt = dirt + [
        Dirt("midnight_crossing", f.robot_id, start=f.since, end=f.ts)
        for f in failures
        if (f.since - start_ms) // DAY_MS < (f.ts - start_ms) // DAY_MS
    ]
    near_misses = tuple(
        NearMiss(plan.robot_id, p.cause, ms(p.start), ms(p.end)) for p in plan.precursors if not p.failed
    )
    robot = RobotTruth(plan.robot_id, plan.cause, plan.firmware, plan.site)
    return RobotResult(robot, messages, failures, near_misses, tuple(dirt))
