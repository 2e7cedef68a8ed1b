"""ISO 8601 times read straight from a buffer: dates alone, times to the minute or finer, offset or none."""

from typing import Final

from numba import njit

from pipelines.logs.scan.lanes import byte

INVALID: Final = 0
LOCAL: Final = 1
EXACT: Final = 2


@njit(cache=True, nogil=True)
def iso_times(text, cells, found, kinds):  # type: ignore[no-untyped-def]
    """Nanoseconds of each `start << 32 | size`: EXACT since the epoch, or LOCAL when it has no offset.

    Digits of a second beyond the ninth are cut off. All else, and years outside 1700 … 2199, is INVALID.
    """
    for row in range(cells.size):
        found[row], kinds[row] = _time(text, cells[row] >> 32, cells[row] & 0xFFFFFFFF)


@njit(cache=True, nogil=True)
def _digits(text, at, count):  # type: ignore[no-untyped-def]
    """A number of exactly `count` digits, -1 where there is none."""
    value = 0
    for place in range(at, at + count):
        digit = byte(text, place) - 48
        if digit < 0 or digit > 9:
            return -1
        value = value * 10 + digit
    return value


@njit(cache=True, nogil=True)
def _time(text, at, size):  # type: ignore[no-untyped-def]
    """`2026-03-01[(T| )12:00[:00[(.|,)123456789]][ ][Z|+01[[:]00]]]`."""
    end = at + size
    if size < 10 or byte(text, at + 4) != 45 or byte(text, at + 7) != 45:
        return 0, INVALID
    year, month, day = _digits(text, at, 4), _digits(text, at + 5, 2), _digits(text, at + 8, 2)
    if not (1700 <= year < 2200 and 1 <= month <= 12 and 1 <= day <= _longest(year, month)):
        return 0, INVALID
    seconds = _days(year, month, day) * 86_400
    if size == 10:
        return seconds * 1_000_000_000, LOCAL
    mark = byte(text, at + 10)
    hour, minute = _digits(text, at + 11, 2), _digits(text, at + 14, 2)
    if size < 16 or (mark != 84 and mark != 116 and mark != 32) or byte(text, at + 13) != 58:
        return 0, INVALID
    if not (0 <= hour < 24 and 0 <= minute < 60):
        return 0, INVALID
    seconds += hour * 3_600 + minute * 60
    fraction, place = 0, at + 16
    if place < end and byte(text, place) == 58:
        second = _digits(text, place + 1, 2)
        place += 3
        if place > end or not 0 <= second < 60:
            return 0, INVALID
        seconds += second
        if place < end and (byte(text, place) == 46 or byte(text, place) == 44):
            place += 1
            first, scale = place, 100_000_000
            while place < end and 48 <= byte(text, place) <= 57:
                fraction += (byte(text, place) - 48) * scale
                scale //= 10
                place += 1
            if place == first:
                return 0, INVALID
    if place == end:
        return seconds * 1_000_000_000 + fraction, LOCAL
    offset = _offset(text, place, end)
    if offset == 1:
        return 0, INVALID
    return (seconds - offset) * 1_000_000_000 + fraction, EXACT


@njit(cache=True, nogil=True)
def _longest(year, month):  # type: ignore[no-untyped-def]
    """Days of a month."""
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month == 4 or month == 6 or month == 9 or month == 11 else 31


@njit(cache=True, nogil=True)
def _days(year, month, day):  # type: ignore[no-untyped-def]
    """Days since the epoch (Hinnant, "chrono-compatible low-level date algorithms", days_from_civil)."""
    years = year - 1 if month <= 2 else year
    era = years // 400
    of_era = years - era * 400
    of_year = (153 * (month + (9 if month <= 2 else -3)) + 2) // 5 + day - 1
    return era * 146_097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719_468


@njit(cache=True, nogil=True)
def _offset(text, at, end):  # type: ignore[no-untyped-def]
    """Seconds east of UTC, a multiple of 60; 1 where it is no offset."""
    if byte(text, at) == 32:
        at += 1
    mark, size = byte(text, at), end - at
    if size == 1 and (mark == 90 or mark == 122):
        return 0
    if (mark != 43 and mark != 45) or not (
        size == 3 or size == 5 or (size == 6 and byte(text, at + 3) == 58)
    ):
        return 1
    hours = _digits(text, at + 1, 2)
    minutes = 0 if size == 3 else _digits(text, end - 2, 2)
    if not (0 <= hours < 24 and 0 <= minutes < 60):
        return 1
    seconds = hours * 3_600 + minutes * 60
    return seconds if mark == 43 else -seconds
