"""Compiled statistics of sliding windows that depend on nothing but the rows inside each window.

Plain running sums carry the rounding of every row before, so their last bits change with how data was cut.
Here each cut-off c has a border T, the multiple of the window length w in (c − w, c]. What lies before T is
accumulated backwards from T, what lies after it forwards from T, and the two are combined: nothing is ever
subtracted, and only rows of the window are touched (van Herk 1992, Gil and Werman 1993, here in time).

Rows of window k are `begin[k]:core[k]` and those of `core[k]:tail[k]` whose `available <= cut[k]`. Cut-offs
of robot i, ascending, are `bounds[i]:bounds[i + 1]`, its observations `first[i]:last[i]`. Times are int64 ns.
"""

import numpy as np
from numba import njit

LOWEST = np.iinfo(np.int64).min


@njit(cache=True, nogil=True)
def spans(times, available, first, last, cut, bounds, since, begin, core, tail):  # type: ignore[no-untyped-def]
    """Fill begin, core and tail of the windows `[since[k], cut[k])`."""
    for robot in range(bounds.size - 1):
        start, stop = first[robot], last[robot]
        ascending = True
        for i in range(start + 1, stop):
            ascending &= available[i - 1] <= available[i]
        if ascending:
            ascending_spans(
                times, available, start, stop, cut, bounds[robot], bounds[robot + 1], since, begin, core, tail
            )
        else:
            ragged_spans(
                times, available, start, stop, cut, bounds[robot], bounds[robot + 1], since, begin, core, tail
            )


@njit(cache=True, nogil=True)
def ascending_spans(times, available, start, stop, cut, k_first, k_last, since, begin, core, tail):  # type: ignore[no-untyped-def]
    """Spans where availability ascends with time: no tail."""
    low = high = start
    for k in range(k_first, k_last):
        while low < stop and times[low] < since[k]:
            low += 1
        while high < stop and times[high] < cut[k] and available[high] <= cut[k]:
            high += 1
        begin[k] = low
        core[k] = tail[k] = max(low, high)


@njit(cache=True, nogil=True)
def ragged_spans(times, available, start, stop, cut, k_first, k_last, since, begin, core, tail):  # type: ignore[no-untyped-def]
    """Spans where some rows arrive out of order.

    Rows are struck off as they become available; `ahead` leads from each to the next that is not (union-find
    with path halving).
    """
    known = np.maximum(times[start:stop], available[start:stop])
    arriving = np.argsort(known)
    ahead = np.arange(stop - start + 1)
    low = high = start
    arrived = 0
    furthest = start
    for k in range(k_first, k_last):
        while low < stop and times[low] < since[k]:
            low += 1
        while high < stop and times[high] < cut[k]:
            high += 1
        while arrived < arriving.size and known[arriving[arrived]] <= cut[k]:
            row = arriving[arrived]
            ahead[row] = row + 1
            furthest = max(furthest, start + row + 1)
            arrived += 1
        i = min(low, stop) - start
        while ahead[i] != i:
            ahead[i] = ahead[ahead[i]]
            i = ahead[i]
        begin[k] = low
        core[k] = max(low, min(start + i, high))
        tail[k] = max(core[k], min(furthest, high))


@njit(cache=True, nogil=True)
def border(c, length):  # type: ignore[no-untyped-def]
    """The multiple of `length` in `(c − length, c]`."""
    beyond = c % length
    return c - beyond if c >= LOWEST + beyond else LOWEST


@njit(cache=True, nogil=True)
def count_flagged(flagged, available, cut, begin, core, tail):  # type: ignore[no-untyped-def]
    """How many rows of each window are flagged."""
    before = np.zeros(flagged.size + 1, np.int64)
    for i in range(flagged.size):
        before[i + 1] = before[i] + flagged[i]
    count = np.empty(cut.size, np.int64)
    for k in range(cut.size):
        count[k] = before[core[k]] - before[begin[k]]
        for i in range(core[k], tail[k]):
            count[k] += flagged[i] and available[i] <= cut[k]
    return count


@njit(cache=True, nogil=True)
def neighbours(valid):  # type: ignore[no-untyped-def]
    """The valid row at or after each row, and the one before it; the number of rows, or -1, for none."""
    following = np.empty(valid.size + 1, np.int64)
    preceding = np.empty(valid.size + 1, np.int64)
    following[valid.size] = valid.size
    preceding[0] = -1
    for i in range(valid.size):
        preceding[i + 1] = i if valid[i] else preceding[i]
    for i in range(valid.size - 1, -1, -1):
        following[i] = i if valid[i] else following[i + 1]
    return following, preceding


@njit(cache=True, nogil=True)
def ends(valid, available, cut, begin, core, tail):  # type: ignore[no-untyped-def]
    """First and last valid row of each window, -1 where it has none."""
    following, preceding = neighbours(valid)
    head = np.empty(cut.size, np.int64)
    foot = np.empty(cut.size, np.int64)
    for k in range(cut.size):
        head[k] = following[begin[k]] if following[begin[k]] < core[k] else -1
        foot[k] = preceding[core[k]] if preceding[core[k]] >= begin[k] else -1
        for i in range(core[k], tail[k]):
            if valid[i] and available[i] <= cut[k]:
                if head[k] < 0:
                    head[k] = i
                foot[k] = i
    return head, foot


@njit(cache=True, nogil=True)
def add(a, x, t):  # type: ignore[no-untyped-def]
    """One more value x at time t. Sums are of deviations from the first value and time (seconds) added."""
    n, origin, epoch, s, ss, u, uu, us = a
    if n == 0:
        return 1, x, t, 0.0, 0.0, 0.0, 0.0, 0.0
    d = x - origin
    e = (t - epoch) * 1e-9
    return n + 1, origin, epoch, s + d, ss + d * d, u + e, uu + e * e, us + e * d


@njit(cache=True, nogil=True)
def combine(a, b):  # type: ignore[no-untyped-def]
    """The sums of both, about the origin of `a`."""
    n, origin, epoch, s, ss, u, uu, us = a
    m, other, later, r, rr, v, vv, vr = b
    if m == 0:
        return a
    if n == 0:
        return b
    d = other - origin
    e = (later - epoch) * 1e-9
    return (
        n + m,
        origin,
        epoch,
        s + (r + m * d),
        ss + (rr + d * (2.0 * r + m * d)),
        u + (v + m * e),
        uu + (vv + e * (2.0 * v + m * e)),
        us + (vr + e * r + d * v + m * d * e),
    )


@njit(cache=True, nogil=True)
def moments(times, x, valid, available, cut, bounds, last, length, begin, core, tail, mean, std, slope):  # type: ignore[no-untyped-def]
    """Mean, standard deviation (ddof 1) and least-squares slope per second; 0 where undefined.

    The origin of the sums is a value of the window itself, which bounds the cancellation in `ss − s²/n` by
    the number of rows: the origin's own squared deviation is part of what remains.
    """
    empty = (0, 0.0, 0, 0.0, 0.0, 0.0, 0.0, 0.0)
    left = np.empty((0, 8))
    epochs = np.empty(0, np.int64)
    for robot in range(bounds.size - 1):
        at, base, middle, reached = LOWEST, 0, 0, 0
        right = empty
        for k in range(bounds[robot], bounds[robot + 1]):
            b, c = begin[k], core[k]
            t = border(cut[k], length)
            if t != at or k == bounds[robot]:
                at, base = t, b
                middle = max(middle, b)
                while middle < last[robot] and times[middle] < t:
                    middle += 1
                if middle - base > left.shape[0]:
                    left = np.empty((2 * (middle - base), 8))
                    epochs = np.empty(2 * (middle - base), np.int64)
                sums = empty
                for i in range(middle - 1, base - 1, -1):
                    if valid[i]:
                        sums = add(sums, x[i], times[i])
                    n, left[i - base, 1], epochs[i - base], s, ss, u, uu, us = sums
                    left[i - base, 0] = n
                    left[i - base, 3], left[i - base, 4] = s, ss
                    left[i - base, 5], left[i - base, 6], left[i - base, 7] = u, uu, us
                right, reached = empty, middle
            while reached < c:
                if valid[reached]:
                    right = add(right, x[reached], times[reached])
                reached += 1
            after = right
            before = empty
            if c < middle:
                after = empty
                for i in range(b, c):
                    if valid[i]:
                        after = add(after, x[i], times[i])
            elif b < middle:
                j = b - base
                before = (
                    int(left[j, 0]), left[j, 1], epochs[j], left[j, 3],
                    left[j, 4], left[j, 5], left[j, 6], left[j, 7],
                )  # fmt: skip
            for i in range(c, tail[k]):
                if valid[i] and available[i] <= cut[k]:
                    after = add(after, x[i], times[i])
            n, origin, _, s, ss, u, uu, us = combine(before, after)
            mean[k] = origin + s / n if n else 0.0
            std[k] = np.sqrt(max(ss - s * s / n, 0.0) / (n - 1)) if n > 1 else 0.0
            spread = uu - u * u / n if n > 1 else 0.0
            slope[k] = (us - u * s / n) / spread if spread > 0.0 else 0.0


@njit(cache=True, nogil=True)
def extremes(  # type: ignore[no-untyped-def]
    times, x, valid, available, cut, bounds, last, length, begin, core, tail, lowest, highest, least, most
):
    """Least and most value of each window; `highest` and `lowest`, the type's own ends, where it has none."""
    lows, highs = np.empty(0, x.dtype), np.empty(0, x.dtype)
    for robot in range(bounds.size - 1):
        at, base, middle, reached = LOWEST, 0, 0, 0
        low, high = highest, lowest
        for k in range(bounds[robot], bounds[robot + 1]):
            b, c = begin[k], core[k]
            t = border(cut[k], length)
            if t != at or k == bounds[robot]:
                at, base = t, b
                middle = max(middle, b)
                while middle < last[robot] and times[middle] < t:
                    middle += 1
                if middle - base > lows.size:
                    lows, highs = (
                        np.empty(2 * (middle - base), x.dtype),
                        np.empty(2 * (middle - base), x.dtype),
                    )
                low, high = highest, lowest
                for i in range(middle - 1, base - 1, -1):
                    if valid[i]:
                        low, high = min(low, x[i]), max(high, x[i])
                    lows[i - base], highs[i - base] = low, high
                low, high, reached = highest, lowest, middle
            while reached < c:
                if valid[reached]:
                    low, high = min(low, x[reached]), max(high, x[reached])
                reached += 1
            least[k], most[k] = low, high
            if c < middle:
                least[k], most[k] = highest, lowest
                for i in range(b, c):
                    if valid[i]:
                        least[k], most[k] = min(least[k], x[i]), max(most[k], x[i])
            elif b < middle:
                least[k], most[k] = min(low, lows[b - base]), max(high, highs[b - base])
            for i in range(c, tail[k]):
                if valid[i] and available[i] <= cut[k]:
                    least[k], most[k] = min(least[k], x[i]), max(most[k], x[i])


@njit(cache=True, nogil=True)
def interpolate(ordered, share):  # type: ignore[no-untyped-def]
    """Quantile of ascending values, linear between the two nearest."""
    place = (ordered.size - 1) * share
    i = int(place)
    rest = place - i
    low = ordered[i]
    if rest == 0.0 or ordered[i + 1] == low:
        return low
    high = ordered[i + 1]
    step = high - low
    if not np.isfinite(step):
        return low * (1.0 - rest) + high * rest
    return low + step * rest if rest < 0.5 else high - step * (1.0 - rest)


@njit(cache=True, nogil=True)
def quantiles(x, valid, available, cut, begin, core, tail, shares, result):  # type: ignore[no-untyped-def]
    """`result[q, k]`: the quantile `shares[q]` of window k; 0 where it has no value."""
    values = np.empty(x.size)
    for k in range(cut.size):
        n = 0
        for i in range(begin[k], tail[k]):
            if valid[i] and (i < core[k] or available[i] <= cut[k]):
                values[n] = x[i]
                n += 1
        ordered = np.sort(values[:n])
        for q in range(shares.size):
            result[q, k] = interpolate(ordered, shares[q]) if n else 0.0


@njit(cache=True, nogil=True)
def changes(codes, available, cut, begin, core, tail):  # type: ignore[no-untyped-def]
    """How often the code changes from one known (>= 0) row of a window to the next."""
    following, preceding = neighbours(codes >= 0)
    before = np.zeros(codes.size, np.int64)
    for i in range(codes.size):
        j = preceding[i]
        if codes[i] >= 0 and j >= 0:
            before[i] = before[j] + (codes[i] != codes[j])
    count = np.zeros(cut.size, np.int64)
    for k in range(cut.size):
        i, j = following[begin[k]], preceding[core[k]]
        state = -1
        if i < core[k]:
            count[k] = before[j] - before[i]
            state = codes[j]
        for i in range(core[k], tail[k]):
            if codes[i] >= 0 and available[i] <= cut[k]:
                count[k] += state >= 0 and codes[i] != state
                state = codes[i]
    return count
