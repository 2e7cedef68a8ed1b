"""Scores warnings against the truth of a synthetic fleet: what was foretold, and at what price."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import pyarrow as pa

from features.schema import CUTOFF, ROBOT
from features.times import instant, nanoseconds
from pipelines.demo.causes import BATTERY, FIRMWARE, LOCALIZATION, RANDOM, SIGNS, SLIP
from pipelines.demo.truth import DAY_MS, Truth

MS: Final = 1_000_000
IN_WORDS: Final = {
    BATTERY: "battery sag",
    SLIP: "wheel slip",
    LOCALIZATION: "localization",
    FIRMWARE: "firmware",
    RANDOM: "random",
}


@dataclass(frozen=True)
class Caught:
    """Failures of one cause in the test period, and how many of them a warning preceded."""

    cause: str
    warned: int
    failures: int


@dataclass(frozen=True)
class TruthScore:
    """What the warnings were worth in [from_time, end of the logs).

    `pairs_in_order` of `pairs` (a robot with a planted cause, one without) have the higher risk first;
    of `true_warnings`, those before a failure with a precursor, `explained` had its sign as first reason;
    `ranking` lists the robots by falling risk. All figures are of a synthetic fleet.
    """

    from_time: datetime
    robot_days: float
    by_cause: tuple[Caught, ...]
    warnings: int
    false_alarms: int
    ranking: tuple[str, ...]
    pairs_in_order: int
    pairs: int
    true_warnings: int
    explained: int

    @property
    def warned(self) -> int:
        """Failures with a planted precursor that a warning preceded."""
        return sum(caught.warned for caught in self._announced)

    @property
    def announced(self) -> int:
        """Failures with a planted precursor."""
        return sum(caught.failures for caught in self._announced)

    @property
    def _announced(self) -> list[Caught]:
        return [caught for caught in self.by_cause if caught.cause not in (FIRMWARE, RANDOM)]

    @property
    def false_alarms_per_robot_day(self) -> float:
        """Warnings that no failure followed in time, per robot and day."""
        return self.false_alarms / self.robot_days if self.robot_days else 0.0

    @property
    def planted_rank_above(self) -> bool:
        """Every robot with a planted cause has a higher risk than every one without."""
        return self.pairs_in_order == self.pairs

    def words(self) -> list[str]:
        """Lines for people, which say that the figures are synthetic."""
        causes = {caught.cause: caught for caught in self.by_cause}
        apart = ", ".join(
            f"{IN_WORDS[caught.cause]} {caught.warned} of {caught.failures}" for caught in self._announced
        )
        firmware, chance = causes[FIRMWARE], causes[RANDOM]
        announced = f"a warning preceded {self.warned} of {self.announced} ({apart})"
        false = f"{self.false_alarms} of {self.warnings} warnings"
        return [
            "Scored against the truth of this synthetic fleet; the figures say nothing about real robots.",
            f"From {self.from_time:%Y-%m-%d %H:%M} UTC on, time the model was not trained on:",
            f"  planted failures with a precursor: {announced}",
            f"  firmware failures, nothing to see before them: {firmware.warned} of {firmware.failures}",
            f"  random failures, nothing to see before them: {chance.warned} of {chance.failures}",
            f"  false alarms: {self.false_alarms_per_robot_day:.2f} per robot-day ({false})",
            self._reasons_in_words(),
            self._ranking_in_words(),
        ]

    def _reasons_in_words(self) -> str:
        if not self.true_warnings:
            return "  no warning of a planted cause came true, so no explanation can be judged"
        share = f"{self.explained} of {self.true_warnings}"
        return f"  the first reason names the planted cause in {share} true warnings"

    def _ranking_in_words(self) -> str:
        if not self.pairs:
            return "  robots with and without a planted cause cannot be compared: the fleet has one kind only"
        if self.planted_rank_above:
            return "  every robot with a planted cause ranks above every other"
        share = f"{self.pairs_in_order} of {self.pairs}"
        return f"  robots with a planted cause rank above the others in {share} pairs"


def score_against_truth(
    truth: Truth,
    alerts: pa.Table,
    *,
    from_time: datetime,
    horizon: timedelta,
    lead: timedelta = timedelta(0),
    refractory: timedelta = timedelta(minutes=30),
    risk_by_robot: Mapping[str, float],
    reasons: pa.Table,
) -> TruthScore:
    """Score `alerts` (`robot_id`, `cutoff` timestamp[ns, UTC]; in any order) raised from `from_time` on.

    An alert within `refractory` of its robot's last warning is part of that warning. A warning at *c*
    precedes a failure in [c + lead, c + lead + horizon); it is a false alarm when none starts there,
    provided the logs reach that far.
    Failures count from `from_time + lead` on, and those of a robot's episode each count. Robots missing
    from `risk_by_robot` rank last. `reasons` (`robot_id`, `cutoff`, `rank`, `field`) explain a warning at its
    cut-off or, within `refractory`, before it. Alerts before `from_time` are ignored.
    """
    start = instant(from_time, "from_time")
    ahead, reach = nanoseconds(lead, "lead"), nanoseconds(horizon, "horizon")
    warnings = _warnings(alerts, start, nanoseconds(refractory, "refractory"))
    failures = [(f.robot_id, f.ts * MS, f.cause) for f in truth.failures if f.ts * MS >= start + ahead]

    def precedes(cutoff: int, ts: int) -> bool:
        return cutoff + ahead <= ts < cutoff + ahead + reach

    foretold = {
        (robot, ts)
        for robot, ts, _ in failures
        if any(mine == robot and precedes(cutoff, ts) for mine, cutoff in warnings)
    }
    false = sum(
        not any(mine == robot and precedes(cutoff, ts) for mine, ts, _ in failures)
        for robot, cutoff in warnings
        if cutoff + ahead + reach <= truth.end_ms * MS
    )
    first = _first_reasons(reasons)
    told = [
        (cause, _field_at(first.get(robot, []), cutoff, nanoseconds(refractory, "refractory")))
        for robot, cutoff in warnings
        if (cause := next((c for mine, ts, c in failures if mine == robot and precedes(cutoff, ts)), ""))
        in SIGNS
    ]
    by_cause = tuple(
        Caught(
            cause,
            sum(mine == cause and (robot, ts) in foretold for robot, ts, mine in failures),
            sum(mine == cause for _, _, mine in failures),
        )
        for cause in IN_WORDS
    )
    risk = {robot.robot_id: risk_by_robot.get(robot.robot_id, -1.0) for robot in truth.robots}
    planted, others = truth.planted_robots, risk.keys() - truth.planted_robots
    return TruthScore(
        from_time=from_time,
        robot_days=len(risk) * max(0.0, (truth.end_ms - start / MS) / DAY_MS),
        by_cause=by_cause,
        warnings=len(warnings),
        false_alarms=false,
        ranking=tuple(sorted(risk, key=lambda robot: (-risk[robot], robot))),
        pairs_in_order=sum(risk[one] > risk[other] for one in planted for other in others),
        pairs=len(planted) * len(others),
        true_warnings=len(told),
        explained=sum(field == SIGNS[cause] for cause, field in told),
    )


def _first_reasons(reasons: pa.Table) -> dict[str, list[tuple[int, str]]]:
    """Robot → cut-off and field of each first reason, in time order."""
    columns = [reasons.column(name).to_pylist() for name in (ROBOT, "rank", "field")]
    cutoffs = reasons.column(CUTOFF).cast(pa.int64()).to_pylist()
    found: dict[str, list[tuple[int, str]]] = {}
    for robot, rank, field, cutoff in sorted(zip(*columns, cutoffs, strict=True), key=lambda row: row[3]):
        if rank == 1:
            found.setdefault(robot, []).append((cutoff, field))
    return found


def _field_at(first: list[tuple[int, str]], cutoff: int, within: int) -> str | None:
    """The field of the newest first reason in `(cutoff - within, cutoff]`."""
    return next((field for at, field in reversed(first) if cutoff - within < at <= cutoff), None)


def _warnings(alerts: pa.Table, start: int, refractory: int) -> list[tuple[str, int]]:
    robots = alerts.column(ROBOT).to_pylist()
    cutoffs = alerts.column(CUTOFF).cast(pa.int64()).to_pylist()
    warnings: list[tuple[str, int]] = []
    for robot, cutoff in sorted(zip(robots, cutoffs, strict=True)):
        quiet = warnings and warnings[-1][0] == robot and cutoff < warnings[-1][1] + refractory
        if cutoff >= start and not quiet:
            warnings.append((robot, cutoff))
    return warnings
