"""What a robot's sources would measure at given times: motion, battery, wheels, localization, computer.

Causes show here and nowhere else: a sagging battery loses voltage under load, slipping wheels make odometry
outrun the pose, a degrading localization lowers its score and makes the pose jump.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipelines.demo.causes import BATTERY, LOCALIZATION, SLIP
from pipelines.demo.plan import CHARGE, DISCHARGE, DRIVE, TURN_S, Floats, Plan, way_done

SAG_V: Final = 3.4
SLIP_SHARE: Final = 0.38
SCORE_LOSS: Final = 0.5
JUMP_M: Final = 0.35


@dataclass(frozen=True)
class Motion:
    """True state at times: activity, pose (m, rad), speeds (m/s, rad/s), charge (%), motor load (0–1)."""

    activity: NDArray[np.int64]
    x: Floats
    y: Floats
    yaw: Floats
    speed: Floats
    turn: Floats
    charge: Floats
    load: Floats


class Signals:
    """The sources of one robot; the noise of every call comes from `rng`."""

    def __init__(self, plan: Plan, rng: np.random.Generator, seed: int) -> None:
        self.rng = rng
        self._precursors = plan.precursors
        legs = plan.legs
        self._start = np.array([leg.start for leg in legs])
        self._length = np.array([leg.length for leg in legs])
        self._activity = np.array([leg.activity for leg in legs])
        self._x = np.array([leg.x for leg in legs])
        self._y = np.array([leg.y for leg in legs])
        self._yaw = np.array([leg.yaw for leg in legs])
        self._charge = np.array([leg.charge for leg in legs])
        self._drain = np.array([DISCHARGE[activity] for activity in range(len(DISCHARGE))])
        habit = np.random.default_rng([seed, 3, plan.index])
        self._volts_off = habit.uniform(-0.15, 0.15)
        self._slip_base = habit.uniform(0.01, 0.035)
        self._score_base = habit.uniform(0.88, 0.95)
        self._ram_base = habit.uniform(0.35, 0.6)

    def motion(self, t: Floats) -> Motion:
        """The true state at times `t` (s)."""
        i = np.clip(np.searchsorted(self._start, t, side="right") - 1, 0, None)
        since = np.maximum(t - self._start[i], 0.0)
        activity = self._activity[i]
        dx, dy = self._x[i, 1] - self._x[i, 0], self._y[i, 1] - self._y[i, 0]
        swing = (self._yaw[i, 1] - self._yaw[i, 0] + np.pi) % (2 * np.pi) - np.pi
        driving = activity == DRIVE
        length = np.where(driving, self._length[i], TURN_S + 1.0)
        way = np.where(driving, way_done(since, length), 0.0)
        u = np.clip((since - TURN_S) / (length - TURN_S), 0.0, 1.0)
        speed = 6 * u * (1 - u) * np.hypot(dx, dy) / (length - TURN_S)
        turned = np.clip(since / TURN_S, 0.0, 1.0)
        turn = np.where(since < TURN_S, swing / TURN_S, 0.0)
        yaw = (self._yaw[i, 0] + turned * swing + np.pi) % (2 * np.pi) - np.pi
        charge = self._charge[i] - self._drain[activity] * since
        load = np.clip(0.12 + 0.75 * speed + 0.15 * np.abs(turn), 0.0, 1.2)
        load = np.where(activity == CHARGE, 0.05, load)
        x, y = self._x[i, 0] + way * dx, self._y[i, 0] + way * dy
        return Motion(activity, x, y, yaw, speed, turn, charge, load)

    def severity(self, cause: str, t: Floats) -> Floats:
        """How far a cause has come at times `t`: 0 none, 1 at its worst."""
        found = np.zeros(len(t))
        for precursor in self._precursors:
            if precursor.cause != cause or precursor.end < t[0] or precursor.start > t[-1]:
                continue
            rising = np.clip((t - precursor.start) / (precursor.peak - precursor.start), 0.0, 1.0)
            falling = np.clip((precursor.end - t) / (precursor.end - precursor.peak), 0.0, 1.0)
            found += precursor.height * rising**precursor.shape * falling
        return found

    def pose(self, t: Floats, state: Motion) -> tuple[Floats, Floats, Floats]:
        """Localized x, y (m) and yaw (rad): true within 1 cm, jumping while localization degrades."""
        scale = 0.008 + JUMP_M * self.severity(LOCALIZATION, t) ** 2
        return (
            state.x + scale * self._noise(t),
            state.y + scale * self._noise(t),
            state.yaw + 0.3 * scale * self._noise(t),
        )

    def odometry_speed(self, t: Floats, state: Motion) -> tuple[Floats, Floats]:
        """Linear and angular speed as the wheels count it."""
        share = np.clip(self._slip_base + SLIP_SHARE * self.severity(SLIP, t), 0.0, 0.6)
        moving = state.speed > 0
        linear = np.where(moving, state.speed / (1 - share) + 0.012 * self._noise(t), 0.0)
        angular = np.where(moving | (state.turn != 0), state.turn + 0.01 * self._noise(t), 0.0)
        return np.maximum(linear, 0.0), angular

    def battery(self, t: Floats, state: Motion) -> tuple[Floats, Floats, Floats]:
        """Charge (%), voltage (V) and motor current (A)."""
        sag = SAG_V * self.severity(BATTERY, t) * (0.25 + 0.75 * state.load) * (1 + 0.12 * self._noise(t))
        volts = 24.2 + 0.014 * state.charge + self._volts_off - 0.35 * state.load - sag
        volts += np.where(state.activity == CHARGE, 1.6, 0.0) + 0.06 * self._noise(t)
        current = 0.4 + 9.0 * state.load * (1 + 0.5 * self.severity(SLIP, t) * self.rng.random(len(t)))
        return state.charge, volts, current + 0.25 * np.abs(self._noise(t))

    def wheel_slip(self, t: Floats) -> Floats:
        """Share of wheel turn lost (0–1): a running estimate, kept at rest."""
        share = self._slip_base + SLIP_SHARE * self.severity(SLIP, t) + 0.012 * self._noise(t)
        return np.clip(share, 0.0, 1.0)

    def localization_score(self, t: Floats, state: Motion) -> Floats:
        """Match of scan and map (0–1); some corners of the hall are always worse."""
        corner = 0.05 * np.sin(state.x / 6) * np.cos(state.y / 5)
        loss = SCORE_LOSS * self.severity(LOCALIZATION, t)
        return np.clip(self._score_base + corner - loss + 0.025 * self._noise(t), 0.02, 1.0)

    def computer(self, t: Floats, state: Motion) -> tuple[Floats, Floats, Floats]:
        """Shares (0–1) of CPU, RAM and disk in use."""
        cpu = np.where(state.activity == DRIVE, 0.45, 0.25) + 0.06 * self._noise(t)
        ram = self._ram_base + 0.05 * np.sin(t / 9_000) + 0.01 * self._noise(t)
        return np.clip(cpu, 0.02, 1.0), np.clip(ram, 0.05, 1.0), 0.40 + 1e-7 * t

    def _noise(self, t: Floats) -> Floats:
        return self.rng.standard_normal(len(t))
