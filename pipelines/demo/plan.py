"""A robot's days before anything is measured: where it drives, when it charges, when and why it fails.

All times are seconds since the start of the fleet's first day. Failures fall on the 5 s grid of the messages,
so that no message shows the standstill after a fault before it shows the fault.
"""

from dataclasses import dataclass
from math import atan2, ceil, hypot
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipelines.demo.causes import (
    CAUSES,
    FAILING_FIRMWARE,
    FIRMWARE,
    NEAR_MISSES_PER_DAY,
    OTHER_WEAR_SHARE,
    RANDOM,
    SITES,
    SOUND_FIRMWARE,
    WEAR,
    cause_of,
)

Floats = NDArray[np.float64]

DAY_S: Final = 86_400
MESSAGE_S: Final = 5
TURN_S: Final = 4.0
IDLE, DRIVE, DWELL, CHARGE, FAULT = range(5)
DISCHARGE: Final = {IDLE: 0.0012, DRIVE: 0.0065, DWELL: 0.0020, CHARGE: -0.05, FAULT: 0.0012}
LOW_CHARGE, FULL_CHARGE = 30.0, 90.0
FIRST_MIDNIGHT: Final = float(DAY_S)
KEEP_CLEAR_S: Final = 4_800.0


@dataclass(frozen=True)
class Leg:
    """What the robot does from `start` until the next leg; `length` is the time it meant to take."""

    start: float
    length: float
    activity: int
    x: tuple[float, float]
    y: tuple[float, float]
    yaw: tuple[float, float]
    charge: float


@dataclass(frozen=True)
class Mission:
    """One mission in [start, end]: its last state and the share of it that was done."""

    number: int
    label: str
    start: float
    length: float
    end: float
    state: str
    status: str


@dataclass(frozen=True)
class Failure:
    """A mission aborted at `ts` by a cause; the precursor begins at `since` (= ts without one)."""

    ts: float
    cause: str
    since: float
    until: float


@dataclass(frozen=True)
class Precursor:
    """Severity from 0 at `start` to `height` at `peak`, as a power of time, and back to 0 at `end`."""

    cause: str
    start: float
    peak: float
    end: float
    height: float
    shape: float
    failed: bool


@dataclass(frozen=True)
class Plan:
    """A robot's whole time in the fleet."""

    index: int
    robot_id: str
    cause: str
    firmware: str
    site: str
    days: int
    legs: tuple[Leg, ...]
    missions: tuple[Mission, ...]
    failures: tuple[Failure, ...]
    precursors: tuple[Precursor, ...]


def plan_robot(index: int, *, robots: int, days: int, seed: int) -> Plan:
    """The plan of the robot at an index of the fleet; depends on the arguments alone."""
    rank = int(np.argsort(np.random.default_rng([seed, 0]).permutation(robots))[index])
    cause = cause_of(rank, robots)
    rng = np.random.default_rng([seed, 1, index])
    crosses_midnight = rank == 0 and days > 1
    timeline = _Timeline(rng, _stations(seed, index % len(SITES)), crosses_midnight)
    timeline.run(_due(rng, cause, days, crosses_midnight), days * DAY_S)
    firmware = FAILING_FIRMWARE if cause == FIRMWARE else SOUND_FIRMWARE[rank % len(SOUND_FIRMWARE)]
    return Plan(
        index,
        f"amr-{index + 1:03d}",
        cause,
        firmware,
        SITES[index % len(SITES)],
        days,
        tuple(timeline.legs),
        tuple(timeline.missions),
        tuple(timeline.failures),
        tuple(_precursors(rng, cause, timeline.failures, days * DAY_S)),
    )


def _stations(seed: int, site: int) -> list[tuple[float, float]]:
    points = np.random.default_rng([seed, 2, site]).uniform((2.0, 2.0), (58.0, 38.0), (9, 2))
    return [(float(x), float(y)) for x, y in points]


def _due(rng: np.random.Generator, cause: str, days: int, crosses_midnight: bool) -> list[tuple[float, str]]:
    """When failures want to happen: gaps of half the mean and an exponential rest.

    Wear seldom comes alone: a worn robot also fails of the other kinds of wear.
    """
    others = [name for name in WEAR if name != cause]
    due = []
    for name in filter(None, (cause, RANDOM)):
        mean = DAY_S / CAUSES[name].per_day
        shortest = mean / 2
        at = float(rng.uniform(0, mean))
        while at < days * DAY_S:
            other = name in WEAR and rng.random() < OTHER_WEAR_SHARE
            due.append((at, others[int(rng.integers(2))] if other else name))
            at += shortest + float(rng.exponential(mean - shortest))
    if crosses_midnight:
        due = [item for item in due if not FIRST_MIDNIGHT - KEEP_CLEAR_S < item[0] < FIRST_MIDNIGHT + 1_200]
        due.append((FIRST_MIDNIGHT + 60, cause))
    return sorted(due)


def _precursors(rng: np.random.Generator, cause: str, failures: list[Failure], end: float) -> list[Precursor]:
    """The precursors of failures, and some that recover well away from any failure."""
    found = [
        Precursor(f.cause, f.since, f.ts, f.until, rng.uniform(0.6, 1.0), rng.uniform(0.4, 1.2), failed=True)
        for f in failures
        if f.since < f.ts
    ]
    per_day = NEAR_MISSES_PER_DAY["faulty" if cause else "sound"]
    for start in np.sort(rng.uniform(0, end, rng.poisson(per_day * end / DAY_S))).tolist():
        peak = start + rng.uniform(90, 240)
        stop = peak + rng.uniform(60, 180)
        height, name = rng.uniform(0.12, 0.35), WEAR[int(rng.integers(len(WEAR)))]
        if all(stop + 1_200 < f.since or start > f.until + 1_200 for f in failures) and stop < end:
            found.append(Precursor(name, start, peak, stop, height, 1.0, failed=False))
    return found


class _Timeline:
    """Grows a plan leg by leg."""

    def __init__(
        self, rng: np.random.Generator, stations: list[tuple[float, float]], crosses_midnight: bool
    ) -> None:
        self.rng, self.stations, self.crosses_midnight = rng, stations, crosses_midnight
        self.legs: list[Leg] = []
        self.missions: list[Mission] = []
        self.failures: list[Failure] = []
        self._now, self._at, self._yaw = 0.0, stations[0], 0.0
        self._charge = float(rng.uniform(45, 90))
        self._undisturbed_since = 0.0

    def run(self, due: list[tuple[float, str]], end: float) -> None:
        """Fill [0, end) with missions, idling, charging, and the failures that are due."""
        due = list(due)
        while self._now < end:
            if self._charge < LOW_CHARGE and not self._near_midnight():
                self._drive(self.stations[0])
                self._rest(CHARGE, (FULL_CHARGE - self._charge) / -DISCHARGE[CHARGE])
                self._undisturbed_since = self._now
            failure = self._mission(due[0] if due else None, end)
            if failure is not None:
                due.pop(0)
                self.failures.append(failure)
                self._rest(FAULT, failure.until - failure.ts)
                self._undisturbed_since = self._now
            self._rest(IDLE, float(self.rng.uniform(30, 170)))

    def _near_midnight(self) -> bool:
        return (
            self.crosses_midnight
            and abs(self._now + KEEP_CLEAR_S / 2 - FIRST_MIDNIGHT) < KEEP_CLEAR_S / 2 + 600
        )

    def _mission(self, due: tuple[float, str] | None, end: float) -> Failure | None:
        """Drive to pick up and drop off; cut short where the due failure strikes or somebody cancels."""
        rng, start, first = self.rng, self._now, len(self.legs)
        pick, drop = rng.choice(len(self.stations), 2, replace=False).tolist()
        self._drive(self.stations[pick])
        self._rest(DWELL, float(rng.uniform(12, 35)))
        self._drive(self.stations[drop])
        self._rest(DWELL, float(rng.uniform(12, 35)))
        length = self._now - start
        failure = self._strike(due, start, min(self._now, end)) if due else None
        canceled = failure is None and rng.random() < 0.03
        if failure is not None:
            self._cut(failure.ts, first)
        elif canceled:
            self._cut(start + length * float(rng.uniform(0.3, 0.9)), first)
        state = "Aborted" if failure else "Canceled" if canceled else "Completed"
        label = f"Carry from S{pick} to S{drop}"
        status = "Error" if failure else "OK"
        self.missions.append(Mission(len(self.missions), label, start, length, self._now, state, status))
        return failure

    def _strike(self, due: tuple[float, str], start: float, end: float) -> Failure | None:
        """The failure, when it can happen in this mission with its whole precursor undisturbed."""
        ramp_s = CAUSES[due[1]].ramp_s
        ramp = float(self.rng.uniform(*ramp_s)) if ramp_s else 0.0
        earliest = max(due[0], start + 20, self._undisturbed_since + max(ramp, 60.0))
        ts = float(ceil(earliest / MESSAGE_S) * MESSAGE_S)
        if ts > end - 20:
            return None
        return Failure(ts, due[1], ts - ramp, ts + float(self.rng.uniform(180, 480)))

    def _cut(self, ts: float, first: int) -> None:
        """Forget everything from `ts` on; the robot stands where its leg has taken it by then."""
        while self.legs[-1].start >= ts and len(self.legs) > first + 1:
            self.legs.pop()
        leg = self.legs[-1]
        share = float(way_done(ts - leg.start, leg.length))
        self._now, self._yaw = ts, leg.yaw[1]
        self._at = (leg.x[0] + share * (leg.x[1] - leg.x[0]), leg.y[0] + share * (leg.y[1] - leg.y[0]))
        self._charge = leg.charge - DISCHARGE[leg.activity] * (ts - leg.start)

    def _drive(self, to: tuple[float, float]) -> None:
        way = hypot(to[0] - self._at[0], to[1] - self._at[1])
        length = TURN_S + 1.0 + way / float(self.rng.uniform(0.5, 0.8))
        self._add(DRIVE, length, to, atan2(to[1] - self._at[1], to[0] - self._at[0]))

    def _rest(self, activity: int, length: float) -> None:
        self._add(activity, length, self._at, self._yaw)

    def _add(self, activity: int, length: float, to: tuple[float, float], yaw: float) -> None:
        x, y = (self._at[0], to[0]), (self._at[1], to[1])
        self.legs.append(Leg(self._now, length, activity, x, y, (self._yaw, yaw), self._charge))
        self._now, self._at, self._yaw = self._now + length, to, yaw
        self._charge -= DISCHARGE[activity] * length


def way_done(since: ArrayLike, length: ArrayLike) -> Floats:
    """Share of a drive done after `since` of its `length` seconds: a turn first, then a smooth S in time."""
    u = np.clip((np.asarray(since) - TURN_S) / (np.asarray(length) - TURN_S), 0.0, 1.0)
    return u * u * (3 - 2 * u)
