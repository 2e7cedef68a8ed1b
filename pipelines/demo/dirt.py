"""The dirt of real logs, planted where it can be told apart later: late, doubled, torn and wrong messages.

Defects keep away from messages around a failure, so that the truth about failures stays the truth. Most kinds
hit every robot-day of the fleet's first robot and about half of the others.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from pipelines.demo.archive import Member, compress
from pipelines.demo.messages import Clocks, Message
from pipelines.demo.plan import DAY_S, MESSAGE_S, Plan
from pipelines.demo.truth import Dirt

HOUR_S: Final = 3_600
SPARED_S: Final = 1_200.0
OUTAGE_S: Final = 540
MIDNIGHT_OUTAGE_S: Final = DAY_S - OUTAGE_S // 2
SILENT_STATS: Final = (9.0 * HOUR_S, 12.0 * HOUR_S)
SHUFFLED: Final = 12
CLOCKS_AHEAD_MS: Final = (("odometry", -1_200), ("systemStats", 1_800), ("keyValues", 700), ("", 0))


def clocks(plan: Plan) -> Clocks:
    """Which of a robot's clocks is off; on every fifth robot systemStats fall silent for three hours."""
    source, ahead = CLOCKS_AHEAD_MS[plan.index % len(CLOCKS_AHEAD_MS)]
    return Clocks(source, ahead, SILENT_STATS if plan.index % 5 == 0 else (0.0, 0.0))


def clock_dirt(plan: Plan, start_ms: int) -> list[Dirt]:
    """What `clocks` did, for the truth."""
    off, found = clocks(plan), []
    if off.source:
        detail = f"{off.ahead_ms:+d} ms"
        found.append(Dirt("clock_offset", plan.robot_id, source=off.source, detail=detail))
    start, end = (start_ms + round(second * 1_000) for second in off.silent_stats)
    if end > start:
        found.append(Dirt("missing_source", plan.robot_id, source="systemStats", start=start, end=end))
    return found


def hold_back(
    messages: list[Message], plan: Plan, day: int, *, start_ms: int, rng: np.random.Generator
) -> tuple[list[tuple[int, Message]], list[tuple[int, Message]], list[Dirt]]:
    """Arrival second and message for a day, those that arrive only the next day, and the outage planted.

    During an outage the robot keeps its messages and sends them, oldest first, when it is over, between the
    new ones. On every third robot, when it is calm then, the first outage spans midnight.
    """
    day_ms = start_ms + day * DAY_S * 1_000
    offline = _offline(plan, day, rng)
    if offline is None:
        return [(message.ts // 1_000, message) for message in messages], [], []
    online = offline + OUTAGE_S
    today: list[tuple[int, Message]] = []
    tomorrow: list[tuple[int, Message]] = []
    held = 0
    for message in messages:
        second = (message.ts - day_ms) // 1_000
        if not offline <= second < online:
            today.append((message.ts // 1_000, message))
            continue
        arrived = online + held // (MESSAGE_S - 1) * MESSAGE_S + held % (MESSAGE_S - 1) + 1
        held += 1
        late = replace(message, recv=day_ms + arrived * 1_000 + 200)
        (today if arrived < DAY_S else tomorrow).append((day_ms // 1_000 + arrived, late))
    start, end = (day_ms + second * 1_000 for second in (offline, min(online, DAY_S)))
    return today, tomorrow, [Dirt("late_messages", plan.robot_id, start=start, end=end)]


def soil(
    arrivals: list[tuple[int, Message]], plan: Plan, file: str, *, start_ms: int, rng: np.random.Generator
) -> tuple[list[Member], list[Dirt]]:
    """The members of a day's archive in the order they are packed, and the defects in them."""
    arrivals = sorted(arrivals, key=lambda arrival: arrival[0])
    places = _places(arrivals, plan, start_ms, rng)
    dirt, torn = [], {}
    for defect in DEFECTS:
        place = next(places)
        if plan.index and rng.random() < 0.5:
            continue
        second, message = arrivals[place]
        torn[place] = defect.apply(message.text)
        where = (plan.robot_id, file, member_name(second), defect.source)
        dirt.append(Dirt(defect.kind, *where, start=message.ts, reason=defect.reason))
    members = [
        Member(member_name(second), torn.get(i) or compress(message.text.encode()))
        for i, (second, message) in enumerate(arrivals)
    ]
    _shuffle(members, next(places), rng)
    dirt.append(Dirt("out_of_order", plan.robot_id, file, detail=f"{SHUFFLED} neighbouring members shuffled"))
    used = {second for second, _ in arrivals}
    for place in (next(places), next(places)):
        second, message = arrivals[place]
        again = next(free for free in range(second + 2, second + DAY_S) if free not in used)
        used.add(again)
        members.append(Member(member_name(again), compress(message.text.encode())))
        dirt.append(Dirt("duplicate", plan.robot_id, file, members[-1].name, start=message.ts))
    return members, dirt


def member_name(second: int) -> str:
    """A member is named by the second it arrived."""
    return f"{second}.json.gz"


@dataclass(frozen=True)
class Defect:
    """A way to spoil one message: the source it hits ('' the whole message) and the quarantine's reason."""

    kind: str
    source: str
    reason: str
    apply: Callable[[str], bytes]


def _truncated(text: str) -> bytes:
    data = compress(text.encode())
    return data[: len(data) // 2]


def _broken(text: str) -> bytes:
    return compress(text[: len(text) * 2 // 3].encode())


def _wrong_type(text: str) -> bytes:
    return compress(re.sub(r'(_voltage","value":)"[^"]*"', r'\1"\\"low\\""', text, count=1).encode())


def _nan(text: str) -> bytes:
    return compress(re.sub(r'("x":)[-0-9.]+', r"\1NaN", text, count=1).encode())


DEFECTS: Final = (
    Defect("truncated_member", "", "truncated_gzip", _truncated),
    Defect("broken_json", "", "bad_json", _broken),
    Defect("wrong_type", "keyValues", "type_mismatch", _wrong_type),
    Defect("nan_token", "pose", "not_finite", _nan),
)


def _places(
    arrivals: list[tuple[int, Message]], plan: Plan, start_ms: int, rng: np.random.Generator
) -> Iterator[int]:
    """Places far from failures and from each other, in random order, of messages that hold a pose."""
    failures = np.array([failure.ts for failure in plan.failures] or [-np.inf])
    seconds = np.array([(message.ts - start_ms) / 1_000 for _, message in arrivals])
    after = np.searchsorted(failures, seconds).clip(0, len(failures) - 1)
    near = np.minimum(np.abs(seconds - failures[after]), np.abs(seconds - failures[(after - 1).clip(0)]))
    candidates = np.flatnonzero(near > SPARED_S)
    spread = candidates[candidates % (2 * SHUFFLED) == 0]
    return (place for place in rng.permutation(spread).tolist() if '"pose"' in arrivals[place][1].body)


def _offline(plan: Plan, day: int, rng: np.random.Generator) -> int | None:
    """The second of the day an outage begins, far from failures; None without one."""
    if plan.index % 3 == 1 and day == 0 and plan.days > 1 and _calm(plan, MIDNIGHT_OUTAGE_S):
        return MIDNIGHT_OUTAGE_S
    tries = rng.integers(HOUR_S, DAY_S - HOUR_S, 20) // MESSAGE_S * MESSAGE_S
    if plan.index and rng.random() < 0.4:
        return None
    return next((second for second in tries.tolist() if _calm(plan, day * DAY_S + second)), None)


def _calm(plan: Plan, start: int) -> bool:
    end = start + OUTAGE_S
    return all(f.ts < start - SPARED_S or f.ts > end + SPARED_S for f in plan.failures)


def _shuffle(members: list[Member], place: int, rng: np.random.Generator) -> None:
    block = members[place : place + SHUFFLED]
    members[place : place + SHUFFLED] = [block[i] for i in rng.permutation(len(block)).tolist()]
