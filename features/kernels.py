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
def descends(times, bounds):  # type: ignore[no-untyped-def]
    """Whether each robot's times step back anywhere."""
    found = np.zeros(bounds.size - 1, np.bool_)
    for robot in range(found.size):
        steps = 0
        for i in range(bounds[robot] + 1, bounds[robot + 1]):
            steps += times[i] < times[i - 1]
        found[robot] = steps > 0
    return found


@njit(cache=True, nogil=True)
def repeats(times, bounds):  # type: ignore[no-untyped-def]
    """How many rows have the time of the row before, same robot."""
    equal = 0
    for robot in range(bounds.size - 1):
        for i in range(bounds[robot] + 1, bounds[robot + 1]):
            equal += times[i] == times[i - 1]
    return equal


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
def match(times, bounds, other, available, first, last, tolerance, direction, rows, gap, latest):  # type: ignore[no-untyped-def]
    """The record of another stream nearest to each time, within `tolerance` (ns, inclusive).

    Fills `rows` (position in `other`, -1 for none), `gap` (signed seconds, 0 for none) and raises `latest` to
    the matched record's `available`. `other` holds strictly ascending times per robot, those of robot i at
    `first[i]:last[i]`. Distances are taken modulo 2**64, which is exact for any two int64 times.
    """
    reach = np.uint64(tolerance)
    for robot in range(bounds.size - 1):
        start, stop = first[robot], last[robot]
        j = start
        for i in range(bounds[robot], bounds[robot + 1]):
            t = times[i]
            while j < stop and other[j] <= t:
                j += 1
            found = -1
            distance = np.uint64(0)
            if j > start and direction != FORWARD:
                found = j - 1
                distance = np.uint64(t) - np.uint64(other[found])
            elif j > start and other[j - 1] == t:
                found = j - 1
            if j < stop and direction != BACKWARD:
                ahead = np.uint64(other[j]) - np.uint64(t)
                if found < 0 or ahead < distance:
                    found, distance = j, ahead
            if found >= 0 and distance <= reach:
                rows[i] = found
                gap[i] = (other[found] - t) / 1e9
                latest[i] = max(latest[i], available[found])
            else:
                rows[i] = -1
                gap[i] = 0.0


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
