"""Durations and instants as int64 nanoseconds, because every comparison of times here must be exact.

A duration is a `datetime.timedelta` (so also `pandas.Timedelta`) or a `numpy.timedelta64`; an instant is an
aware `datetime` (so also `pandas.Timestamp`) or a `numpy.datetime64`, which counts as UTC.
"""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from features.errors import UsageError

Duration: TypeAlias = timedelta | np.timedelta64
Instant: TypeAlias = datetime | np.datetime64

MIN: Final = -(2**63)
MAX: Final = 2**63 - 1
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
UNITS: Final = (
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
)


def nanoseconds(duration: Duration, name: str) -> int:
    """Length of a duration in nanoseconds; `name` is what an error calls it.

    Raises UsageError for anything that is not a duration, for NaT, and beyond ±292 years.
    """
    if isinstance(duration, timedelta):
        whole = (duration.days * 86_400 + duration.seconds) * 1_000_000 + duration.microseconds
        result = whole * 1_000 + getattr(duration, "nanoseconds", 0)
    elif isinstance(duration, np.timedelta64) and not np.isnat(duration):
        result = _counted(duration, np.dtype("timedelta64[ns]"))
    else:
        raise UsageError(
            f"{name} is not a duration",
            got=f"{duration!r} ({type(duration).__name__})",
            expected="datetime.timedelta, pandas.Timedelta or numpy.timedelta64",
            hint="write timedelta(seconds=42), for instance",
        )
    if not MIN <= result <= MAX:
        raise UsageError(f"{name} is too long", got=duration, expected="at most 292 years")
    return result


def instant(moment: Instant, name: str) -> int:
    """Nanoseconds from the epoch to an instant; `name` is what an error calls it.

    Raises UsageError for a naive datetime, NaT, another type, and outside 1677–2262.
    """
    if isinstance(moment, datetime) and moment.tzinfo is not None:
        return nanoseconds(moment - EPOCH, name)
    if isinstance(moment, np.datetime64) and not np.isnat(moment):
        return _counted(moment, np.dtype("datetime64[ns]"))
    raise UsageError(
        f"{name} is not an instant",
        got=f"{moment!r} ({type(moment).__name__})",
        expected="a datetime with a time zone, or numpy.datetime64 (UTC)",
        hint="write datetime(2026, 3, 1, tzinfo=UTC), for instance",
    )


def shifted(times: npt.NDArray[np.int64], by: int) -> npt.NDArray[np.int64]:
    """`times + by`, stopping at the ends of int64 instead of wrapping round."""
    return np.clip(times, MIN - min(by, 0), MAX - max(by, 0)) + by


def window_text(length: int) -> str:
    """How column names write a window of `length` ns: the largest unit, up to hours, that divides it.

    42 s is `42s`, 120 s is `2m`, 0.5 s is `500ms`, a day is `24h`.
    """
    unit, size = next((unit, size) for unit, size in UNITS if length % size == 0)
    return f"{length // size}{unit}"


def _counted(value: np.timedelta64 | np.datetime64, dtype: np.dtype[np.generic]) -> int:
    with suppress(OverflowError):  # numpy 2.5 refuses what it wrapped round before
        exact = value.astype(dtype)
        if exact.astype(value.dtype) == value or np.datetime_data(value.dtype)[0] in ("ps", "fs", "as"):
            return int(exact.astype(np.int64))
    raise UsageError("time beyond what nanoseconds can hold", got=value, expected="1677 to 2262")
