"""Durations as people write them (`42s`, `2m`, `500ms`), because a bare number hides its unit."""

import re
from datetime import timedelta
from typing import Annotated, Final

from pydantic import BeforeValidator, PlainSerializer

_UNIT_NS: Final = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
}
_TEXT: Final = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(ns|us|ms|s|m|h|d)\s*")


def parse_duration(text: object) -> timedelta:
    """Read `<number><unit>` with unit us, ms, s, m, h or d; whole microseconds, never negative.

    Raises ValueError saying what was expected.
    """
    if isinstance(text, timedelta):
        return text
    match = _TEXT.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"a duration is a number with a unit (ms, s, m, h, d) such as '42s'; got {text!r}")
    nanoseconds = float(match[1]) * _UNIT_NS[match[2]]
    if nanoseconds % 1_000:
        raise ValueError(f"a duration is a whole number of microseconds; got {text!r}")
    return timedelta(microseconds=nanoseconds / 1_000)


def format_duration(value: timedelta) -> str:
    """Write a duration with the largest unit that keeps the number whole: `42s`, `2m`, `500ms`."""
    microseconds = value // timedelta(microseconds=1)
    for unit in ("d", "h", "m", "s", "ms"):
        size = _UNIT_NS[unit] // 1_000
        if microseconds >= size and microseconds % size == 0:
            return f"{microseconds // size}{unit}"
    return f"{microseconds}us" if microseconds else "0s"


Duration = Annotated[timedelta, BeforeValidator(parse_duration), PlainSerializer(format_duration)]
