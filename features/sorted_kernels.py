"""Compiled quantiles of windows of up to a few thousand values, kept sorted from one window to the next.

A step of the window takes a value out and puts one in. In a sorted array that is two searches and one move of
what lies between the two places, or, for up to a hundred and some values, one sweep over all of them without
a branch to guess wrong. Memory is contiguous, and every quantile is then a look-up. Larger windows are in
`quantile_kernels`, whose steps cost the same whatever the window holds.

The n values held are `held[at:at + n]`, ascending, before them −∞ and behind them ∞. There is room for them
twice, at `at` and at `spare`: a sweep reads the one and writes the other.
"""

import numpy as np
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from features.quantile_kernels import interpolate

ONE = np.uint64(1)
NARROW = np.uint64(16)  # values counted where a search ends; as many, infinite, stand behind those held
FEW = 16  # values sorted by insertion
SWEPT = 160  # values from which searching and moving cost less than a sweep


@intrinsic
def move(_context, values, _to, _start, _count):  # type: ignore[no-untyped-def]
    """Move `count` values of a contiguous array from `start` to `to`; the two may overlap."""

    def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        target, source = (builder.gep(data, [place]) for place in arguments[1:3])
        size = context.get_abi_sizeof(context.get_data_type(signature.args[0].dtype))
        cgutils.raw_memmove(builder, target, source, arguments[3], size)
        return context.get_dummy_value()

    return types.void(values, types.int64, types.int64, types.int64), generate


@njit(cache=True, nogil=True)
def places(held, at, n, out, into):  # type: ignore[no-untyped-def]
    """How many of the values held are below `out`, and how many below `into`.

    Both at once, because a search waits for memory: halving without a branch, then counting always the same
    number of values, so that it is a handful of wide comparisons; those too many are not below. Unsigned, for
    a signed place is first asked whether it counts from the end.
    """
    a, b, left = np.uint64(at), np.uint64(at), np.uint64(n)
    while left > NARROW:
        half = left >> ONE
        a = a + half if held[a + half - ONE] < out else a
        b = b + half if held[b + half - ONE] < into else b
        left -= half
    below_a, below_b = np.int64(a) - at, np.int64(b) - at
    for i in range(NARROW):
        below_a += held[a + i] < out
        below_b += held[b + i] < into
    return below_a, below_b


@njit(cache=True, nogil=True)
def add(held, at, n, value):  # type: ignore[no-untyped-def]
    """Put a value among those held; they are n + 1 then."""
    place, _ = places(held, at, n, value, value)
    move(held, at + place + 1, at + place, n - place)
    held[at + place] = value
    return n + 1


@njit(cache=True, nogil=True)
def drop(held, at, spare, n, value):  # type: ignore[no-untyped-def]
    """Take a value out of those held; they are n - 1 then."""
    place, _ = places(held, at, n, value, value)
    move(held, at + place, at + place + 1, n - place - 1)
    held[at + n - 1] = held[spare + n - 1] = np.inf
    return n - 1


@njit(cache=True, nogil=True)
def replace(held, at, n, out, into):  # type: ignore[no-untyped-def]
    """Take one value out of those held and put another in."""
    a, b = places(held, at, n, out, into)
    if b > a:
        move(held, at + a, at + a + 1, b - a - 1)
        held[at + b - 1] = into
    else:
        move(held, at + b + 1, at + b, a - b)
        held[at + b] = into


@njit(cache=True, nogil=True)
def sweep(held, at, spare, n, out, into):  # type: ignore[no-untyped-def]
    """As `replace`, from `at` to `spare`: the values but one, and among them the other, place by place.

    The conditions are written out, for numba's own `min` and `max` of floats are no single instructions.
    """
    for i in range(np.uint64(n)):
        here = held[np.uint64(at) + i]
        before, after = held[np.uint64(at) + i - ONE], held[np.uint64(at) + i + ONE]
        least = before if before < out else here
        most = here if here < out else after
        least = least if least > into else into  # noqa: FURB136
        held[np.uint64(spare) + i] = least if least < most else most  # noqa: FURB136


@njit(cache=True, nogil=True, forceinline=True)
def slide(x, valid, held, at, spare, n, low, high, begin, core):  # type: ignore[no-untyped-def]
    """From the values of rows `low:high` to those of `begin:core`: `at`, `spare` and n then."""
    while low < begin and high < core:
        if not valid[low]:
            low += 1
        elif not valid[high]:
            high += 1
        else:
            if n <= SWEPT:
                sweep(held, at, spare, n, x[low], x[high])
                at, spare = spare, at
            else:
                replace(held, at, n, x[low], x[high])
            low += 1
            high += 1
    for i in range(low, begin):
        if valid[i]:
            n = drop(held, at, spare, n, x[i])
    for i in range(high, core):
        if valid[i]:
            n = add(held, at, n, x[i])
    return at, spare, n


@njit(cache=True, nogil=True)
def gather(x, valid, held, at, spare, before, begin, core):  # type: ignore[no-untyped-def]
    """In place of `before` values the valid ones of rows `begin:core`, ascending; how many they are."""
    n = 0
    if core - begin <= FEW:
        for i in range(begin, core):
            if valid[i]:
                j = at + n
                while j > at and held[j - 1] > x[i]:
                    held[j] = held[j - 1]
                    j -= 1
                held[j] = x[i]
                n += 1
    else:
        for i in range(begin, core):
            if valid[i]:
                held[at + n] = x[i]
                n += 1
        held[at : at + n].sort()
    for i in range(n, before):
        held[at + i] = held[spare + i] = np.inf
    return n


@njit(cache=True, nogil=True)
def sliding(x, valid, available, cut, begin, core, tail, shares, result):  # type: ignore[no-untyped-def]
    """`result[q, k]`: quantile `shares[q]` of window k, linear between neighbours; 0 where it has no value.

    A window that shares too little with the one before is sorted anew.
    """
    room = 0
    for k in range(cut.size):
        room = max(room, tail[k] - begin[k])
    at, spare = 1, 3 + room + np.int64(NARROW)
    held = np.full(2 * spare, np.inf)
    held[at - 1] = held[spare - 1] = -np.inf
    low = high = n = 0
    for k in range(cut.size):
        b, c = begin[k], core[k]
        if tail[k] <= b:
            result[:, k] = 0.0
            continue
        if b < low or b + (b - low) + (c - high) >= high:
            n = gather(x, valid, held, at, spare, n, b, c)
        else:
            at, spare, n = slide(x, valid, held, at, spare, n, low, high, b, c)
        low, high = b, c
        for i in range(c, tail[k]):
            if valid[i] and available[i] <= cut[k]:
                n = add(held, at, n, x[i])
        for q in range(shares.size):
            place = max(n - 1, 0) * shares[q]
            target = int(place)
            value = held[at + target] if n else 0.0
            if place > target:
                value = interpolate(value, held[at + target + 1], place - target)
            result[q, k] = value
        for i in range(c, tail[k]):
            if valid[i] and available[i] <= cut[k]:
                n = drop(held, at, spare, n, x[i])
