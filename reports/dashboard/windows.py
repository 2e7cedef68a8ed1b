"""A window of time of one robot: read from its request, cut into the robot-days that hold it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pyarrow as pa

from features.errors import UsageError
from reports.dashboard.source import Kind, Source
from reports.words import iso

LONGEST: Final = timedelta(days=2)
DAYS: Final = 14
_EPOCH: Final = re.compile(r"(?<!\d)(1\d{9})(\d{3})?(?!\d)")


def parse(start: str, end: str) -> tuple[int, int]:
    """Two moments in ns since the epoch. Raises UsageError unless `start < end ≤ start + 2 d`."""
    try:
        first, last = (datetime.fromisoformat(text) for text in (start, end))
        first, last = (moment if moment.tzinfo else moment.replace(tzinfo=UTC) for moment in (first, last))
    except ValueError as error:
        raise UsageError("a moment cannot be read", got=error, expected="ISO 8601") from error
    if not timedelta(0) < last - first <= LONGEST:
        raise UsageError(
            "the window does not fit", got=f"{start} to {end}", expected="more than 0 s, up to 2 d"
        )
    return nanoseconds(first), nanoseconds(last)


def nanoseconds(moment: datetime) -> int:
    """Ns since the epoch, exact to the microsecond."""
    since = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000_000 + since.microseconds * 1_000


def days(start: int, end: int) -> list[str]:
    """UTC days that `[start, end)` touches, as paths name them; `all` for projects without days."""
    first, last = (datetime.fromtimestamp(at // 10**9, UTC).date() for at in (start, end - 1))
    return [(first + timedelta(days=n)).isoformat() for n in range((last - first).days + 1)] + ["all"]


def last_days(start: str | None, end: str | None) -> list[str]:
    """UTC days that `[start, end)` touches, the last 14 at most, oldest first; none where one is unknown."""
    if start is None or end is None:
        return []
    first = datetime.fromisoformat(start).date()
    last = (datetime.fromisoformat(end) - timedelta.resolution).date()
    ago = min((last - first).days, DAYS - 1)
    return [(last - timedelta(days=n)).isoformat() for n in range(ago, -1, -1)]


@dataclass(frozen=True)
class Window:
    """What is known of a robot in `[start, end)`, ns since the epoch: the tables of the days it touches."""

    start: int
    end: int
    observations: tuple[pa.Table, ...] = ()
    failures: tuple[pa.Table, ...] = ()
    risk: tuple[pa.Table, ...] = ()
    operation: tuple[pa.Table, ...] = ()
    events: Mapping[str, tuple[pa.Table, ...]] = field(default_factory=dict)


def read(source: Source, robot: str, start: int, end: int) -> Window:
    """A robot's window, from the robot-days it touches and nothing else."""
    named = days(start, end)

    def of(kind: Kind) -> tuple[pa.Table, ...]:
        return tuple(table for day in named if (table := source.table(kind, robot, day)) is not None)

    events: dict[str, tuple[pa.Table, ...]] = {}
    for day in named:
        for stream, table in source.events(robot, day).items():
            events[stream] = (*events.get(stream, ()), table)
    return Window(start, end, of("observations"), of("failures"), of("risk"), of("operation"), events)


def around(moment: str, before: timedelta, after: timedelta) -> tuple[str, str]:
    """The window around a moment, as ISO 8601. Raises UsageError where the moment cannot be read."""
    try:
        at = datetime.fromisoformat(moment)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        first, last = at - before, at + after
    except (ValueError, OverflowError) as error:
        raise UsageError("a moment cannot be read", got=moment[:40], expected="ISO 8601") from error
    return iso(nanoseconds(first)) or "", iso(nanoseconds(last)) or ""


def placed(pieces: Iterable[Mapping[str, Any]], start: int, end: int) -> list[dict[str, Any]]:
    """Refused pieces of `[start, end)`, ns, with `at` in s since the epoch, and those whose time is unknown.

    A piece's time is what its member's name tells, as seconds or milliseconds since the epoch.
    """
    found = []
    for piece in pieces:
        told = _EPOCH.search(str(piece.get("member") or ""))
        at = int(told[1]) + int(told[2] or 0) / 1_000 if told else None
        if at is None or start <= at * 1e9 < end:
            found.append({**piece, "at": at})
    return found
