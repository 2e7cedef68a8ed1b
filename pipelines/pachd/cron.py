"""When a cron input ticks: five-field cron expressions, `@hourly` and the like, and `@every 10s`, in UTC."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from features.errors import DataError
from pipelines.pachd.fields import parse_duration

_NAMED = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_YEARS_AHEAD = 5


@dataclass(frozen=True)
class Cron:
    """A schedule: either `every` a fixed time, or the minutes that all five fields allow."""

    every: timedelta | None = None
    minutes: frozenset[int] = frozenset()
    hours: frozenset[int] = frozenset()
    days: frozenset[int] = frozenset()
    months: frozenset[int] = frozenset()
    weekdays: frozenset[int] = frozenset()
    either_day: bool = False

    def after(self, time: datetime) -> datetime | None:
        """The first tick later than `time` (aware), in UTC; None when there is none within five years."""
        time = time.astimezone(UTC)
        if self.every is not None:
            return time + self.every
        tick = time.replace(second=0, microsecond=0) + timedelta(minutes=1)
        end = tick + timedelta(days=366 * _YEARS_AHEAD)
        while tick < end:
            if tick.month not in self.months or not self._on_day(tick):
                tick = tick.replace(hour=0, minute=0) + timedelta(days=1)
            elif tick.hour not in self.hours:
                tick = tick.replace(minute=0) + timedelta(hours=1)
            elif tick.minute not in self.minutes:
                tick += timedelta(minutes=1)
            else:
                return tick
        return None

    def _on_day(self, tick: datetime) -> bool:
        """Cron's old rule: when both days are restricted, either one is enough."""
        monthly, weekly = tick.day in self.days, (tick.weekday() + 1) % 7 in self.weekdays
        return monthly or weekly if self.either_day else monthly and weekly


def parse_cron(text: str) -> Cron:
    """Read a schedule. Raises DataError when it is none."""
    if text.startswith("@every "):
        seconds = parse_duration(text.removeprefix("@every ").strip())
        if not seconds:
            raise _error(text, "@every needs a duration such as 10s or 1h")
        return Cron(every=timedelta(seconds=seconds))
    fields = _NAMED.get(text, text).split()
    if len(fields) != 5:
        raise _error(text, "five fields (minute hour day month weekday), @hourly or @every 10s")
    minutes, hours, days, months, weekdays = fields
    return Cron(
        minutes=_field(text, minutes, 0, 59),
        hours=_field(text, hours, 0, 23),
        days=_field(text, days, 1, 31),
        months=_field(text, months, 1, 12, _MONTHS),
        weekdays=frozenset(day % 7 for day in _field(text, weekdays, 0, 7, _DAYS)),
        either_day=days[0] not in "*?" and weekdays[0] not in "*?",
    )


def _field(text: str, field: str, low: int, high: int, names: Sequence[str] = ()) -> frozenset[int]:
    chosen: set[int] = set()
    for part in field.lower().split(","):
        span, _, step = part.partition("/")
        first, dash, last = span.partition("-")
        try:
            every = int(step) if step else 1
            if span in ("*", "?"):
                start, stop = low, high
            else:
                start = names.index(first) + low if first in names else int(first)
                stop = start
                if dash:
                    stop = names.index(last) + low if last in names else int(last)
                elif step:
                    stop = high
        except ValueError:
            raise _error(text, f"{part!r} is not a number, name or range") from None
        if not (low <= start <= stop <= high and every > 0):
            raise _error(text, f"{part!r} is outside {low}-{high}")
        chosen.update(range(start, stop + 1, every))
    return frozenset(chosen)


def _error(text: str, expected: str) -> DataError:
    return DataError("bad cron expression", got=repr(text), expected=expected)
