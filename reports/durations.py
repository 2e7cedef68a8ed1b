"""Durations as the configuration writes them (`42s`, `10m`), because reports import no pipeline."""

import re
from datetime import timedelta
from typing import Final

from features.errors import DataError

_SECONDS: Final = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_TEXT: Final = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s|m|h|d)")


def parse(text: str, name: str) -> timedelta:
    """Read `<number><unit>`, the unit us, ms, s, m, h or d. Raises DataError naming the key."""
    match = _TEXT.fullmatch(text)
    if match is None:
        raise DataError(f"{name} is not a duration", got=repr(text), expected="a number with a unit, as 42s")
    return timedelta(seconds=float(match[1]) * _SECONDS[match[2]])


def nanoseconds(duration: timedelta) -> int:
    """A duration as whole nanoseconds."""
    return duration // timedelta(microseconds=1) * 1_000
