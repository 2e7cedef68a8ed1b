"""JSON numbers from their digits, correctly rounded: the same double Python's `float` gives.

Small mantissas take one exact multiplication or division (Clinger 1990); the rest take the 128-bit product of
Eisel and Lemire ("Number Parsing at a Gigabyte per Second", 2021). What neither settles is left to Python.
"""

from typing import Final

import numpy as np
from numba import njit

from pipelines.logs.scan.lanes import as_float, byte, high_product, leading_zeros, trailing_zeros, word

ODD: Final = -1
INT: Final = 4
FLOAT: Final = 5
LOWEST: Final = -342
HIGHEST: Final = 308
MAX_LENGTH: Final = 4_000
EXACT_MANTISSA: Final = np.uint64(1 << 53)
INT64_MAX: Final = np.uint64(2**63 - 1)


def _powers_of_five() -> np.ndarray:
    """Leading 128 bits of 5**q, rounded as the method requires: rows q = -342 … 308, high word and low."""
    table = []
    for q in range(LOWEST, HIGHEST + 1):
        power = 5 ** abs(q)
        if q >= 0:
            scaled = power << 128 >> power.bit_length()
        else:
            bits = (power - 1).bit_length()
            scaled = (1 << (bits + 127 if q >= -27 else 2 * bits + 128)) // power + 1
            scaled >>= max(scaled.bit_length() - 128, 0)
        table.append((scaled >> 64, scaled & (2**64 - 1)))
    return np.array(table, np.uint64)


FIVES: Final = _powers_of_five()
TENS: Final = np.array([10.0**power for power in range(23)])
ROOM: Final = np.array([10 ** (19 - count) for count in range(9)], np.uint64)
POWERS: Final = np.array([10**power for power in range(9)], np.uint64)


@njit(cache=True, nogil=True)
def to_double(mantissa, power):  # type: ignore[no-untyped-def]
    """`mantissa * 10**power` and whether it is known to be rounded correctly."""
    if mantissa == np.uint64(0):
        return 0.0, True
    if mantissa <= EXACT_MANTISSA and -22 <= power <= 22:
        value = np.float64(mantissa)
        return (value * TENS[power] if power >= 0 else value / TENS[-power]), True
    if power < LOWEST or power > HIGHEST:
        return 0.0, False
    shift = leading_zeros(mantissa)
    shifted = mantissa << np.uint64(shift)
    first, second = FIVES[power - LOWEST, 0], FIVES[power - LOWEST, 1]
    low, high = shifted * first, high_product(shifted, first)
    if high & np.uint64(0x1FF) == np.uint64(0x1FF):
        more = high_product(shifted, second)
        low += more
        if low < more:
            high += np.uint64(1)
    if low == np.uint64(0xFFFFFFFFFFFFFFFF) and not -27 <= power <= 55:
        return 0.0, False
    upper = np.int64(high >> np.uint64(63))
    bits = high >> np.uint64(upper + 9)
    exponent = ((217706 * power) >> 16) + 63 + upper - shift + 1023
    if exponent <= 0:
        return 0.0, False
    if (
        low <= np.uint64(1)
        and -4 <= power <= 23
        and bits & np.uint64(3) == np.uint64(1)
        and bits << np.uint64(upper + 9) == high
    ):
        bits &= ~np.uint64(1)
    bits = (bits + (bits & np.uint64(1))) >> np.uint64(1)
    if bits >= np.uint64(1 << 53):
        bits = np.uint64(1 << 52)
        exponent += 1
    if exponent >= 2047:
        return 0.0, False
    return as_float((bits & ~np.uint64(1 << 52)) | (np.uint64(exponent) << np.uint64(52))), True


@njit(cache=True, nogil=True)
def _digits(text, at):  # type: ignore[no-untyped-def]
    """How many digits stand at `at`, up to 8, and the number they say: all eight bytes at once.

    Digits are found and joined pairwise inside a word, as in Lemire's "Quickly parsing eight digits" (2018).
    """
    lanes = word(text, at) ^ np.uint64(0x3030303030303030)
    others = ((lanes & np.uint64(0x7F7F7F7F7F7F7F7F)) + np.uint64(0x7676767676767676)) | lanes
    count = trailing_zeros(others & np.uint64(0x8080808080808080)) >> 3
    if count == 0:
        return 0, np.uint64(0)
    lanes = (lanes << np.uint64(64 - 8 * count)) & np.uint64(0x0F0F0F0F0F0F0F0F)
    lanes = (lanes * np.uint64(2561)) >> np.uint64(8)
    lanes = ((lanes & np.uint64(0x00FF00FF00FF00FF)) * np.uint64(6553601)) >> np.uint64(16)
    lanes = ((lanes & np.uint64(0x0000FFFF0000FFFF)) * np.uint64(42949672960001)) >> np.uint64(32)
    return count, lanes


@njit(cache=True, nogil=True)
def number(text, at):  # type: ignore[no-untyped-def]
    """The JSON number that starts at `at`: where it ends, INT or FLOAT (else ODD), and its value as both."""
    start = at
    negative = byte(text, at) == 45
    if negative:
        at += 1
    count, mantissa = _digits(text, at)
    if count == 0 or (count > 1 and byte(text, at) == 48):
        return at, ODD, 0, 0.0
    at += count
    fits = True
    while count == 8:
        count, more = _digits(text, at)
        fits &= mantissa < word(ROOM, 8 * count)
        mantissa = mantissa * word(POWERS, 8 * count) + more
        at += count
    mark = byte(text, at)
    if mark != 46 and mark != 101 and mark != 69:
        if not fits or mantissa > INT64_MAX:
            return at, ODD, 0, 0.0
        whole = -np.int64(mantissa) if negative else np.int64(mantissa)
        return at, INT, whole, np.float64(whole)
    power = 0
    if mark == 46:
        at += 1
        first = at
        count = 8
        while count == 8:
            count, more = _digits(text, at)
            fits &= mantissa < word(ROOM, 8 * count)
            mantissa = mantissa * word(POWERS, 8 * count) + more
            at += count
        power = first - at
        if power == 0:
            return at, ODD, 0, 0.0
        mark = byte(text, at)
    if mark == 101 or mark == 69:
        at += 1
        mark = byte(text, at)
        down = mark == 45
        if down or mark == 43:
            at += 1
        count, written = _digits(text, at)
        if count == 0 or count == 8:
            return at, ODD, 0, 0.0
        at += count
        power += -np.int64(written) if down else np.int64(written)  # type: ignore[assignment]
    if not fits or at - start > MAX_LENGTH:
        return at, ODD, 0, 0.0
    value, known = to_double(mantissa, power)
    return at, FLOAT if known else ODD, 0, -value if negative else value
