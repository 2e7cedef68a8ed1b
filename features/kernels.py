"""Compiled loops over rows in (robot, time) order: what numpy cannot say in one pass.

All times are int64 ns; rows of robot i are `bounds[i]:bounds[i + 1]`. Kernels are cached on disk beside this
file (or in `NUMBA_CACHE_DIR`), so a process compiles them once per machine.
"""

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def bucket(codes, n_robots):  # type: ignore[no-untyped-def]
    """Stable counting sort of robot codes: bounds of each robot, and the rows in order."""
    bounds = np.zeros(n_robots + 1, np.int64)
    for code in codes:
        bounds[code + 1] += 1
    bounds = np.cumsum(bounds)
    free = bounds[:-1].copy()
    rows = np.empty(codes.size, np.int64)
    for row in range(codes.size):
        rows[free[codes[row]]] = row
        free[codes[row]] += 1
    return bounds, rows


@njit(cache=True, nogil=True)
def same_steps(values, step):  # type: ignore[no-untyped-def]
    """Whether each value is `step` above the one before."""
    differs = values[0] ^ values[0]
    for i in range(values.size - 1):
        differs |= (values[i + 1] - values[i]) ^ step
    return differs == 0


@njit(cache=True, nogil=True)
def same_bytes(one, other):  # type: ignore[no-untyped-def]
    """Whether two arrays of bytes, the second no shorter, begin alike."""
    differs = np.uint8(0)
    for i in range(one.size):
        differs |= one[i] ^ other[i]
    return differs == 0


@njit(cache=True, nogil=True)
def text_runs(offsets, data):  # type: ignore[no-untyped-def]
    """First row of each run of equal texts, in Arrow's layout (`data[offsets[i]:offsets[i + 1]]`).

    Equal texts in a row repeat their bytes with the period of their length, which is checked for many rows at
    once without a branch; only a block where it fails is looked at row by row.
    """
    size = offsets.size - 1
    starts = np.empty(min(size, 1024), np.int64)
    runs = 0
    for block in range(0, size, 512):
        stop = min(block + 512, size)
        if block > 0:
            length = offsets[block] - offsets[block - 1]
            here, before = offsets[block : stop + 1], data[offsets[block - 1] : offsets[stop] - length]
            if same_steps(here, length) and same_bytes(data[offsets[block] : offsets[stop]], before):
                continue
        for i in range(block, stop):
            here, length = offsets[i], offsets[i + 1] - offsets[i]
            same = i > 0 and here - offsets[i - 1] == length
            j = 0
            while same and j < length:
                same = data[here + j] == data[here - length + j]
                j += 1
            if not same:
                if runs == starts.size:
                    starts = np.concatenate((starts, np.empty(runs, np.int64)))
                starts[runs] = i
                runs += 1
    return starts[:runs]


@njit(cache=True, nogil=True)
def steps(times, bounds):  # type: ignore[no-untyped-def]
    """Which robots' times step back anywhere, and how many rows have the time of the row before."""
    back = np.zeros(bounds.size - 1, np.bool_)
    equal = 0
    for robot in range(back.size):
        down = 0
        for i in range(bounds[robot] + 1, bounds[robot + 1]):
            down += times[i] < times[i - 1]
            equal += times[i] == times[i - 1]
        back[robot] = down > 0
    return back, equal


@njit(cache=True, nogil=True)
def last_to_arrive(times, bounds, arrival):  # type: ignore[no-untyped-def]
    """True at one row per robot and time: the greatest arrival, the last of equals."""
    kept = np.zeros(times.size, np.bool_)
    for robot in range(bounds.size - 1):
        i = bounds[robot]
        while i < bounds[robot + 1]:
            best, j = i, i + 1
            while j < bounds[robot + 1] and times[j] == times[i]:
                if arrival[j] >= arrival[best]:
                    best = j
                j += 1
            kept[best] = True
            i = j
    return kept


NEAREST, BACKWARD, FORWARD = 0, 1, 2


@njit(cache=True, nogil=True)
def apart(a, b):  # type: ignore[no-untyped-def]
    """The distance of two times; unsigned, because that of two int64 may not fit int64."""
    return np.uint64(a) - np.uint64(b) if a >= b else np.uint64(b) - np.uint64(a)


@njit(cache=True, nogil=True)
def match(  # type: ignore[no-untyped-def]
    times, bounds, other, available, first, last, tolerance, direction, rows, gap, latest
):
    """The record of another stream nearest to each time, within `tolerance` (ns, inclusive).

    Fills `rows` (position in `other`, -1 for none), `gap` (signed seconds, 0 for none) and raises `latest` to
    the matched record's `available`. `other` holds strictly ascending times per robot, those of robot i at
    `first[i]:last[i]`.

    Distances to ascending times fall, then rise, so the nearest is found by stepping on while the next one is
    strictly nearer: of two at equal distance the earlier stays.
    """
    reach = np.uint64(tolerance)
    for robot in range(bounds.size - 1):
        near, final = first[robot], last[robot] - 1
        if near > final:
            rows[bounds[robot] : bounds[robot + 1]] = -1
            gap[bounds[robot] : bounds[robot + 1]] = 0.0
            continue
        here, following = other[near], other[min(near + 1, final)]
        for i in range(bounds[robot], bounds[robot + 1]):
            t = times[i]
            distance = apart(here, t)
            if direction == NEAREST:
                ahead = apart(following, t)
                while ahead < distance:
                    near += 1
                    here, distance = following, ahead
                    following = other[min(near + 1, final)]
                    ahead = apart(following, t)
                found = distance <= reach
            else:
                while near < final and (following <= t if direction == BACKWARD else here < t):
                    near += 1
                    here, following = following, other[min(near + 1, final)]
                found = apart(here, t) <= reach and (here <= t if direction == BACKWARD else here >= t)
            rows[i] = near if found else -1
            gap[i] = (here - t) / 1e9 if found else 0.0
            latest[i] = max(latest[i], available[near]) if found else latest[i]


@njit(cache=True, nogil=True)
def rises(times, bounds, up, silence):  # type: ignore[no-untyped-def]
    """True where `up` holds and the time before, unless more than `silence` ns ago, was not up.

    Rows of one time count together: it is up when any of them is.
    """
    risen = np.zeros(times.size, np.bool_)
    for robot in range(bounds.size - 1):
        before = False
        i = bounds[robot]
        while i < bounds[robot + 1]:
            j, now = i, False
            while j < bounds[robot + 1] and times[j] == times[i]:
                now |= up[j]
                j += 1
            silent = i > bounds[robot] and np.uint64(times[i]) - np.uint64(times[i - 1]) > np.uint64(silence)
            if now and (silent or not before):
                risen[i:j] = up[i:j]
            i, before = j, now
    return risen


@njit(cache=True, nogil=True)
def begins(times, bounds, gap):  # type: ignore[no-untyped-def]
    """True at the first of each run of rows closer than `gap` ns, each to the next."""
    first = np.zeros(times.size, np.bool_)
    for robot in range(bounds.size - 1):
        for i in range(bounds[robot], bounds[robot + 1]):
            first[i] = i == bounds[robot] or np.uint64(times[i]) - np.uint64(times[i - 1]) >= np.uint64(gap)
    return first


@njit(cache=True, nogil=True)
def any_between(bounds, begin, end, other, first, last):  # type: ignore[no-untyped-def]
    """Whether `other`, ascending per robot at `first[i]:last[i]`, has a time in `[begin, end)`.

    `begin` ascends per robot.
    """
    found = np.zeros(begin.size, np.bool_)
    for robot in range(bounds.size - 1):
        j = first[robot]
        for i in range(bounds[robot], bounds[robot + 1]):
            while j < last[robot] and other[j] < begin[i]:
                j += 1
            found[i] = j < last[robot] and other[j] < end[i]
    return found
