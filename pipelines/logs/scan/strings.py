"""JSON strings, keys and white space in a byte buffer that ends in zeros."""

import numpy as np
from numba import njit

from pipelines.logs.scan.lanes import LANES, byte, get, string_stops, trailing_zeros, word
from pipelines.logs.scan.tree import NONE, WORDS


@njit(cache=True, nogil=True)
def after_space(text, at):  # type: ignore[no-untyped-def]
    """The first position from `at` on that is no white space."""
    mark = byte(text, at)
    while mark <= 32 and (mark == 32 or mark == 10 or mark == 13 or mark == 9):
        at += 1
        mark = byte(text, at)
    return at


@njit(cache=True, nogil=True)
def string_end(text, at):  # type: ignore[no-untyped-def]
    """Where the closing quote of a string is (NONE: it is not valid), and whether it holds no escape."""
    plain = True
    while True:
        stops = string_stops(text, at)
        if stops == np.uint64(0):
            at += LANES
            continue
        at += trailing_zeros(stops)
        mark = byte(text, at)
        if mark == 34:
            return at, plain
        if mark != 92:
            return NONE, plain
        plain = False
        mark = byte(text, at + 1)
        if mark == 117:
            for digit in range(at + 2, at + 6):
                if not is_hex(byte(text, digit)):
                    return NONE, plain
            at += 6
        elif (
            mark == 34 or mark == 92 or mark == 47 or mark == 98
            or mark == 102 or mark == 110 or mark == 114 or mark == 116
        ):  # fmt: skip
            at += 2
        else:
            return NONE, plain


@njit(cache=True, nogil=True)
def is_hex(mark):  # type: ignore[no-untyped-def]
    """Whether a byte is a hexadecimal digit."""
    return 48 <= mark <= 57 or 65 <= mark <= 70 or 97 <= mark <= 102


@njit(cache=True, nogil=True)
def is_key(text, at, words, masks, length, child):  # type: ignore[no-untyped-def]
    """Whether a child's key and a closing quote stand at `at`."""
    for part in range(get(length, child) // 8 + 1):
        place = WORDS * child + part
        if (word(text, at + 8 * part) ^ word(words, 8 * place)) & word(masks, 8 * place) != np.uint64(0):
            return False
    return True


@njit(cache=True, nogil=True)
def find_key(text, at, size, words, masks, length, first, last):  # type: ignore[no-untyped-def]
    """The child among `first:last` whose key of `size` bytes stands at `at`, or NONE."""
    for child in range(first, last):
        if get(length, child) == size and is_key(text, at, words, masks, length, child):
            return child
    return NONE


@njit(cache=True, nogil=True)
def is_literal(text, at, letters, size):  # type: ignore[no-untyped-def]
    """Whether the word `letters` (little-endian) of `size` bytes stands at `at`."""
    mask = (np.uint64(1) << np.uint64(8 * size)) - np.uint64(1)
    return word(text, at) & mask == np.uint64(letters)
