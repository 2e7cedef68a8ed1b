"""Numbers as people read them: percentages, durations, moments and counts, one form for every page."""

from datetime import UTC, datetime
from typing import Final

import numpy as np

from models import naming

UNKNOWN: Final = "–"


def percent(share: float | None) -> str:
    """A share as a percentage: `61 %`, one decimal below ten, `< 0.1 %` for little but not nothing."""
    if share is None:
        return UNKNOWN
    if 0 < share < 0.001:
        return "< 0.1 %"
    if 0.999 < share < 1:
        return "> 99.9 %"
    hundredths = share * 100
    return (
        f"{hundredths:.0f} %" if hundredths in (0, 100) or abs(hundredths) >= 9.95 else f"{hundredths:.1f} %"
    )


def tenths(share: float | None) -> str:
    """A share near one, whose tenths of a percent matter: `98.3 %`; `100 %` only when it is whole."""
    if share is None or not 0.0995 <= share <= 0.999:
        return percent(share)
    return f"{share * 100:.1f} %"


def points(difference: float | None) -> str:
    """A difference of two shares in percentage points, signed: `+2.1`; `±0` when it rounds to nothing."""
    if difference is None:
        return UNKNOWN
    text = f"{difference * 100:+.1f}"
    return "±0" if text in ("+0.0", "-0.0") else text.replace("-", "−")


def signed(value: float | None) -> str:
    """A figure as `decimal` writes it, with its sign: `+0.159`."""
    return f"+{decimal(value)}" if value is not None and value > 0 else decimal(value)


def decimal(value: float | None) -> str:
    """A figure with three decimals below one, three significant digits above; `0` when it is nothing."""
    if value is None:
        return UNKNOWN
    if value == 0 or abs(value) >= 1_000:
        return count(value)
    return (f"{value:.3g}" if abs(value) >= 1 else f"{value:.3f}").replace("-", "−")


def chance(p: float | None) -> str:
    """A p-value: three decimals, `< 0.001` below them."""
    return "< 0.001" if p is not None and p < 0.001 else decimal(p)


def count(number: float | None) -> str:
    """A whole number with thousands separated by a thin space: `415 000`."""
    return UNKNOWN if number is None else f"{round(number):,}".replace(",", "\u2009").replace("-", "−")


def plural(number: int, noun: str) -> str:
    """`1 robot`, `12 robots`."""
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def span(seconds: float | None) -> str:
    """A duration in its two largest units: `6 min 30 s`, `24 h`, `3 d 4 h`; finer below ten seconds."""
    if seconds is None:
        return UNKNOWN
    return naming.span(seconds)


def hours(value: float | None) -> str:
    """Hours with their unit: `7.6 min` or `25 min` below one hour, three significant digits up to 1,000 h."""
    if value is None:
        return UNKNOWN
    if 0 < value < 1:
        return f"{value * 60:.{1 if value * 60 < 9.95 else 0}f} min"
    return f"{value:.3g} h" if value < 1_000 else f"{count(value)} h"


def feature(name: str) -> str:
    """A feature's column in words: `battery voltage, mean, 42 s`."""
    parts = naming.parse(name)
    told = [
        parts.source.replace("__", " "),
        parts.statistic if parts.statistic != "since_last_s" else "time since",
    ]
    told += [naming.span(parts.seconds)] if parts.window else []
    return ", ".join(part.replace("_", " ") for part in told if part)


def moment(iso: str | None) -> str:
    """An ISO 8601 moment to the minute, in UTC: `2026-03-02 14:32`."""
    return UNKNOWN if iso is None else iso[:16].replace("T", " ")


def clock(seconds: float) -> str:
    """A moment, in seconds since the epoch, as the time of its day in UTC: `14:32:07`."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%H:%M:%S")


def iso(nanoseconds: int | None) -> str | None:
    """Nanoseconds since the epoch as ISO 8601 with `Z`; the fraction only where there is one."""
    if nanoseconds is None:
        return None
    whole, fraction = divmod(int(nanoseconds), 1_000_000_000)
    text = datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{fraction:09d}".rstrip("0") + "Z" if fraction else f"{text}Z"


def listed(names: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""


def significant(value: object, digits: int = 6) -> object:
    """Floats of JSON values to six significant digits, NaN and infinity as null; the rest as it is."""
    if isinstance(value, dict):
        return {key: significant(entry, digits) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [significant(entry, digits) for entry in value]
    if isinstance(value, float | np.floating):
        return float(f"{value:.{digits}g}") if np.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value
