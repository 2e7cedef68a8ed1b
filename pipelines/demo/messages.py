"""A robot-day as the JSON messages the robot sends: one every 5 s, names as in InOrbit's edge SDK.

Every source keeps its own clock: its rate, its jitter, and on some robots an offset the robot never notices.
A message holds what its sources measured in the 5 s before it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pipelines.demo.causes import CAUSES
from pipelines.demo.plan import CHARGE, DAY_S, FAULT, IDLE, MESSAGE_S, Floats, Mission, Plan
from pipelines.demo.signals import Signals

PER_DAY: Final = DAY_S // MESSAGE_S
STATUS_EVERY: Final = 3
REST_EVERY: Final = 5
FIRST_S: Final = 10
HOUR_S: Final = 3_600

POSE: Final = '{"ts":%d,"x":%.3f,"y":%.3f,"yaw":%.3f,"frame_id":"map"}'
ODOMETRY: Final = (
    '{"ts_start":%d,"ts":%d,"linear_distance":%.2f,"angular_distance":%.2f,'
    '"linear_speed":%.3f,"angular_speed":%.3f,"speed_available":true}'
)
STATS: Final = (
    ',"systemStats":{"timestamp":%d,"cpu_load_percentage":%.3f,'
    '"ram_usage_percentage":%.3f,"hdd_usage_percentage":%.3f}'
)
KEY_VALUES: Final = ",".join(
    f'{{"key":"{key}","value":"{form}","ts":%d}}'
    for key, form in (
        ("battery_percent", "%.1f"),
        ("battery_voltage", "%.2f"),
        ("motor_current", "%.2f"),
        ("wheel_slip", "%.3f"),
        ("localization_score", "%.3f"),
        ("firmware", '\\"%s\\"'),
        ("site", '\\"%s\\"'),
    )
)
ERROR: Final = '{"ts":%d,"code":"%s","severity":"%s","message":"%s"}'
WARNINGS: Final = (
    ("W_OBSTACLE", "path blocked, waiting"),
    ("W_WIFI", "weak signal"),
    ("W_DOOR", "door did not open at once"),
)


@dataclass(frozen=True)
class Message:
    """A message of time `ts` (epoch ms) that arrived at `recv`: the JSON text around the arrival time."""

    ts: int
    recv: int
    robot_id: str
    body: str

    @property
    def text(self) -> str:
        """The JSON as sent."""
        return f'{{"robotId":"{self.robot_id}","ts":{self.ts},"recvTs":{self.recv}{self.body}}}'


@dataclass(frozen=True)
class Clocks:
    """The source whose clock is `ahead_ms` ahead, and the span (s) in which systemStats are silent."""

    source: str = ""
    ahead_ms: int = 0
    silent_stats: tuple[float, float] = (0.0, 0.0)

    def zero(self, source: str, start_ms: int) -> int:
        """What a source's clock shows when the fleet's first day begins, epoch ms."""
        return start_ms + (self.ahead_ms if source == self.source else 0)


def day_messages(plan: Plan, day: int, *, start_ms: int, seed: int, clocks: Clocks) -> list[Message]:
    """The messages of a robot with times in a day, in order; `day` counts from 0, `start_ms` is day 0.

    The first is sent at 10 s, so that no record is of a time before the fleet's first day.
    """
    rng = np.random.default_rng([seed, 4, plan.index, day])
    signals = Signals(plan, rng, seed)
    ticks = np.arange(PER_DAY, dtype=np.float64) * MESSAGE_S + day * DAY_S
    ticks = ticks[ticks >= FIRST_S]
    sent = start_ms + _ms(ticks + rng.uniform(0.0, 0.08, len(ticks)))
    recv = sent + 30 + _ms(rng.lognormal(-2.0, 0.6, len(ticks)))
    parts = zip(
        _poses(signals, ticks, clocks.zero("pose", start_ms)),
        _odometry(signals, ticks, clocks.zero("odometry", start_ms)),
        _stats(signals, ticks, clocks.zero("systemStats", start_ms), clocks.silent_stats),
        _key_values(signals, ticks, clocks.zero("keyValues", start_ms), plan),
        _missions(plan.missions, plan, ticks, start_ms),
        _errors(signals, plan, ticks, start_ms),
        strict=True,
    )
    return [
        Message(ts, arrived, plan.robot_id, "".join(part))
        for ts, arrived, part in zip(sent.tolist(), recv.tolist(), parts, strict=True)
    ]


def _ms(seconds: Floats) -> NDArray[np.int64]:
    return np.rint(seconds * 1_000).astype(np.int64)


def _clock(signals: Signals, ticks: Floats, period: float, jitter: float) -> Floats:
    """Increasing times of a source with a period of its own, over the messages' span."""
    first, last = ticks[0] - MESSAGE_S, ticks[-1]
    t = np.arange(first + signals.rng.uniform(0.1, period), last, period)
    return np.asarray(t + signals.rng.uniform(-jitter, jitter, len(t)).clip(first + 1e-3 - t, last - t))


def _grouped(ticks: Floats, t: Floats, texts: Sequence[str], form: str) -> list[str]:
    """The texts of the records in the 5 s before each tick, joined and put in `form`; '' where none."""
    bounds = np.searchsorted(t, np.append(ticks[0] - MESSAGE_S, ticks), side="right").tolist()
    return [form % ",".join(texts[a:b]) if b > a else "" for a, b in pairwise(bounds)]


def _sparse_at_rest(moving: NDArray[np.bool_]) -> NDArray[np.bool_]:
    often: NDArray[np.bool_] = np.arange(len(moving)) % REST_EVERY == 0
    return moving | often


def _poses(signals: Signals, ticks: Floats, zero_ms: int) -> list[str]:
    t = _clock(signals, ticks, signals.rng.uniform(0.96, 1.04), 0.03)
    state = signals.motion(t)
    keep = _sparse_at_rest((state.speed > 0) | (state.turn != 0))
    x, y, yaw = signals.pose(t, state)
    rows = zip(*(column[keep].tolist() for column in (zero_ms + _ms(t), x, y, yaw)), strict=True)
    return _grouped(ticks, t[keep], [POSE % row for row in rows], ',"pose":[%s]')


def _odometry(signals: Signals, ticks: Floats, zero_ms: int) -> list[str]:
    """Distances add up from `ts_start`, which moves on every hour and when the day's first message begins."""
    t = _clock(signals, ticks, signals.rng.uniform(0.85, 0.99), 0.05)
    state = signals.motion(t)
    linear, angular = signals.odometry_speed(t, state)
    step = np.diff(t, prepend=t[0])
    began = np.maximum(t // HOUR_S * HOUR_S, ticks[0] - MESSAGE_S)
    opening = np.searchsorted(began, began)
    distances = [np.cumsum(np.abs(speed) * step) for speed in (linear, angular)]
    linear_m, angular_rad = (distance - distance[opening] for distance in distances)
    keep = _sparse_at_rest((linear > 0) | (angular != 0))
    columns = (zero_ms + _ms(began), zero_ms + _ms(t), linear_m, angular_rad, linear, angular)
    rows = zip(*(column[keep].tolist() for column in columns), strict=True)
    return _grouped(ticks, t[keep], [ODOMETRY % row for row in rows], ',"odometry":[%s]')


def _stats(signals: Signals, ticks: Floats, zero_ms: int, silent: tuple[float, float]) -> list[str]:
    t = ticks - signals.rng.uniform(0.5, 4.5) + signals.rng.uniform(-0.1, 0.1, len(ticks))
    rows = zip(zero_ms + _ms(t), *signals.computer(t, signals.motion(t)), strict=True)
    quiet = (t >= silent[0]) & (t < silent[1])
    return ["" if mute else STATS % row for row, mute in zip(rows, quiet.tolist(), strict=True)]


def _key_values(signals: Signals, ticks: Floats, zero_ms: int, plan: Plan) -> list[str]:
    t = ticks - signals.rng.uniform(0.3, 4.0) + signals.rng.uniform(-0.2, 0.2, len(ticks))
    state = signals.motion(t)
    columns = [
        *signals.battery(t, state),
        signals.wheel_slip(t),
        signals.localization_score(t, state),
    ]
    rows = zip((zero_ms + _ms(t)).tolist(), *(column.tolist() for column in columns), strict=True)
    form = f',"keyValues":[{KEY_VALUES}]'
    return [
        form % (percent, ts, volts, ts, amps, ts, slip, ts, score, ts, plan.firmware, ts, plan.site, ts)
        for ts, percent, volts, amps, slip, score in rows
    ]


def _missions(missions: Sequence[Mission], plan: Plan, ticks: Floats, zero_ms: int) -> list[str]:
    """A mission's state at its changes and every 15 s; an aborted one again while the robot stands."""
    texts = [""] * len(ticks)
    first = int(ticks[0]) // MESSAGE_S
    for mission in missions:
        opening, closing = ceil(mission.start / MESSAGE_S), max(ceil(mission.end / MESSAGE_S), 1)
        if closing < first - PER_DAY or opening >= first + len(ticks):
            continue
        closing = max(closing, opening + 1)
        again = (12, 24) if mission.state == "Aborted" else ()
        for k in (*range(opening, closing, STATUS_EVERY), closing, *(closing + more for more in again)):
            if 0 <= k - first < len(ticks):
                texts[k - first] = _mission(mission, plan, k, opening, closing, zero_ms)
    return texts


def _mission(mission: Mission, plan: Plan, k: int, opening: int, closing: int, zero_ms: int) -> str:
    over = k >= closing
    state = mission.state if over else "Starting" if k == opening else "Executing"
    ended = f',"endTs":{zero_ms + round(mission.end * 1_000)}' if over else ""
    done = min(1.0, max(0.0, (min(k * MESSAGE_S, mission.end) - mission.start) / mission.length))
    tasks = ",".join(
        f'{{"taskId":"{task}","inProgress":{_json(not over and begins <= done < ends)},'
        f'"completed":{_json(done >= ends)}}}'
        for task, begins, ends in (("pick", 0.0, 0.5), ("drop", 0.5, 1.0))
    )
    return (
        f',"mission":{{"missionId":"{plan.robot_id}-{mission.number:05d}","inProgress":{_json(not over)},'
        f'"state":"{state}","status":"{mission.status if over else "OK"}","label":"{mission.label}",'
        f'"startTs":{zero_ms + round(mission.start * 1_000)}{ended},"completedPercent":{done:.2f},'
        f'"tasks":[{tasks}]}}'
    )


def _json(value: bool) -> str:
    return "true" if value else "false"


def _errors(signals: Signals, plan: Plan, ticks: Floats, zero_ms: int) -> list[str]:
    """Errors after every fault, and warnings that mean nothing."""
    rng, texts, times = signals.rng, [], []
    for failure in plan.failures:
        cause = CAUSES[failure.cause]
        for code, severity, text, delay in (
            (cause.code, "error", cause.message, 0.4),
            ("E_MISSION_ABORTED", "error", "mission aborted", 1.5),
        ):
            times.append(failure.ts + delay)
            texts.append((code, severity, text))
    warned = np.sort(rng.uniform(ticks[0] - MESSAGE_S, ticks[-1], rng.poisson(30)))
    busy = ~np.isin(signals.motion(warned).activity, (IDLE, CHARGE, FAULT))
    for t in warned[busy].tolist():
        code, text = WARNINGS[int(rng.integers(len(WARNINGS)))]
        times.append(t)
        texts.append((code, "warning", text))
    order = np.argsort(times, kind="stable").tolist()
    t = np.array(times)[order] if times else np.array([])
    rows = [ERROR % (zero_ms + round(times[i] * 1_000), *texts[i]) for i in order]
    return _grouped(ticks, t, rows, ',"errors":[%s]')
