"""Compiled quantiles of sliding windows, without sorting any window again.

Values are ranked once per robot. A window is then a set of ranks, held as bits in three levels of 64-bit
words (a bit of a level tells that a word below it is not empty), so that adding, removing and finding
the next rank cost a few instructions whatever the window holds. Per quantile a cursor stays where it was and
moves by the one or two places that a step of the window shifts it.
"""

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

ALL = np.uint64(2**64 - 1)


@intrinsic
def trailing_zeros(_context, _word):  # type: ignore[no-untyped-def]
    """Zero bits below the lowest set bit of a word that is not 0."""

    def generate(_target, builder, _signature, arguments):  # type: ignore[no-untyped-def]
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), generate


@njit(cache=True, nogil=True)
def bit(place):  # type: ignore[no-untyped-def]
    """The word with only the bit `place` modulo 64."""
    return np.uint64(1) << np.uint64(place & 63)


@njit(cache=True, nogil=True)
def from_bit(place):  # type: ignore[no-untyped-def]
    """The word with the bit `place` modulo 64 and all above it."""
    return ALL << np.uint64(place & 63)


@njit(cache=True, nogil=True)
def insert(bottom, middle, top, rank):  # type: ignore[no-untyped-def]
    """Add a rank to the set."""
    bottom[rank >> 6] |= bit(rank)
    middle[rank >> 12] |= bit(rank >> 6)
    top[rank >> 18] |= bit(rank >> 12)


@njit(cache=True, nogil=True)
def remove(bottom, middle, top, rank):  # type: ignore[no-untyped-def]
    """Take a rank out of the set."""
    bottom[rank >> 6] &= ~bit(rank)
    if bottom[rank >> 6] == 0:
        middle[rank >> 12] &= ~bit(rank >> 6)
        if middle[rank >> 12] == 0:
            top[rank >> 18] &= ~bit(rank >> 12)


@njit(cache=True, nogil=True)
def at_or_after(bottom, middle, top, rank):  # type: ignore[no-untyped-def]
    """The least rank of the set that is not below `rank`; there must be one."""
    i = rank >> 6
    word = bottom[i] & from_bit(rank)
    if word == 0:
        i += 1
        j = i >> 6
        word = middle[j] & from_bit(i)
        if word == 0:
            j += 1
            k = j >> 6
            word = top[k] & from_bit(j)
            while word == 0:
                k += 1
                word = top[k]
            j = (k << 6) + trailing_zeros(word)
            word = middle[j]
        i = (j << 6) + trailing_zeros(word)
        word = bottom[i]
    return (i << 6) + trailing_zeros(word)


@njit(cache=True, nogil=True)
def interpolate(low, high, rest):  # type: ignore[no-untyped-def]
    """The value `rest` of the way from low to high."""
    step = high - low
    if not np.isfinite(step):
        return low if low == high else low * (1.0 - rest) + high * rest
    return low + step * rest if rest < 0.5 else high - step * (1.0 - rest)


@njit(cache=True, nogil=True)
def link(bottom, middle, top, links, rank, cursor, below):  # type: ignore[no-untyped-def]
    """Add a rank to the set and the list; `below` counts the ranks below each cursor."""
    after = at_or_after(bottom, middle, top, rank)
    before = links[after, 0]
    links[rank, 0], links[rank, 1] = before, after
    links[before, 1] = links[after, 0] = rank
    insert(bottom, middle, top, rank)
    for q in range(cursor.size):
        below[q] += rank < cursor[q]


@njit(cache=True, nogil=True)
def unlink(bottom, middle, top, links, rank, cursor, below):  # type: ignore[no-untyped-def]
    """Take a rank out of the set and the list; a cursor on it moves to the next."""
    remove(bottom, middle, top, rank)
    before, after = links[rank, 0], links[rank, 1]
    links[before, 1], links[after, 0] = after, before
    for q in range(cursor.size):
        below[q] -= rank < cursor[q]
        cursor[q] = after if cursor[q] == rank else cursor[q]


@njit(cache=True, nogil=True)
def rolling(rank, ordered, valid, available, cut, begin, core, tail, shares, result):  # type: ignore[no-untyped-def]
    """`result[q, k]`: quantile `shares[q]` of window k, linear between neighbours; 0 where it has no value.

    `rank` places each valid row in `ordered`, its values ascending within a robot. The set is also a linked
    list: `links[r]` holds the ranks before and after r in it, and one past the last rank closes it to a ring.
    """
    end = ordered.size
    bottom = np.zeros((end >> 6) + 2, np.uint64)
    middle = np.zeros((end >> 12) + 2, np.uint64)
    top = np.zeros((end >> 18) + 2, np.uint64)
    links = np.empty((end + 1, 2), np.int32)
    insert(bottom, middle, top, end)
    links[end] = end
    cursor = np.full(shares.size, end)
    below = np.zeros(shares.size, np.int64)
    low = high = n = 0
    for k in range(cut.size):
        if tail[k] <= begin[k]:
            result[:, k] = 0.0
            continue
        stop = begin[k]
        if begin[k] >= high or begin[k] < low:
            stop, high = high, begin[k]
        for i in range(low, stop):
            if valid[i]:
                n -= 1
                unlink(bottom, middle, top, links, rank[i], cursor, below)
        low = begin[k]
        for i in range(high, tail[k]):
            if valid[i] and (i < core[k] or available[i] <= cut[k]):
                n += 1
                link(bottom, middle, top, links, rank[i], cursor, below)
        high = max(high, core[k])
        for q in range(shares.size):
            place = max(n - 1, 0) * shares[q]
            target = int(place)
            while below[q] > target:
                cursor[q] = links[cursor[q], 0]
                below[q] -= 1
            while below[q] < target:
                cursor[q] = links[cursor[q], 1]
                below[q] += 1
            value = ordered[cursor[q]] if n else 0.0
            if place > target:
                value = interpolate(value, ordered[links[cursor[q], 1]], place - target)
            result[q, k] = value
        for i in range(core[k], tail[k]):
            if valid[i] and available[i] <= cut[k]:
                n -= 1
                unlink(bottom, middle, top, links, rank[i], cursor, below)
