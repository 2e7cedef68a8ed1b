"""Compiled statistics of sliding windows that depend on nothing but the rows inside each window.

Plain running sums carry the rounding of every row before, so their last bits change with how data was cut.
Here each cut-off c has a border, the multiple of the window length w in (c − w, c]. What lies before it is
accumulated backwards from the border, what lies after it forwards, and the two are added: nothing of another
window is ever subtracted (van Herk 1992, Gil and Werman 1993, here with borders in time).

Window k uses rows `begin[k]:core[k]`, and those of `core[k]:tail[k]` with `available <= cut[k]`; `middle[k]`
is its first row at or after the border. Cut-offs of a robot ascend, so all of these do. Times are int64 ns.

Most columns are complete and most rows arrive in order: `valid` and `following` may be None where every row
is valid, `tail` where it is `core`, `up` where it is `down`; for these kernels are compiled on their own,
without the loads. Columns whose windows hold the same rows are taken four at a time (`features.lanes`).
"""

import numpy as np
from numba import njit

from features.lanes import WIDTH, greater, keep, lesser, load, recall, root, spread, store, where

LOWEST = np.iinfo(np.int64).min


@njit(nogil=True)
def has(valid, i):  # type: ignore[no-untyped-def]
    """Whether a row is valid."""
    return True if valid is None else valid[i]


@njit(nogil=True)
def next_valid(following, i):  # type: ignore[no-untyped-def]
    """The valid row at or after a row."""
    return i if following is None else following[i]


@njit(nogil=True)
def end_of(tail, k, core):  # type: ignore[no-untyped-def]
    """Where the rows of a window end."""
    return core if tail is None else tail[k]


@njit(nogil=True)
def load_either(columns, others, i):  # type: ignore[no-untyped-def]
    """A row of the columns, or of the others where they are the same."""
    return load(others if columns is None else columns, i)


@njit(cache=True, nogil=True)
def spans(times, available, first, last, cut, bounds, since, length, begin, middle, core, tail):  # type: ignore[no-untyped-def]
    """Fill begin, middle, core and tail of the windows `[since[k], cut[k])`.

    Cut-offs of robot i are `bounds[i]:bounds[i + 1]`, its observations `first[i]:last[i]`.
    """
    for robot in range(bounds.size - 1):
        start, stop = first[robot], last[robot]
        low = half = high = start
        edge = LOWEST
        for k in range(bounds[robot], bounds[robot + 1]):
            if low + 2 < stop:  # a window mostly loses up to two rows: which of them, no branch has to guess
                low += times[low] < since[k]
                low += times[low] < since[k]
            while low < stop and times[low] < since[k]:
                low += 1
            if edge <= since[k]:
                beyond = cut[k] % length
                edge = cut[k] - beyond if cut[k] >= LOWEST + beyond else LOWEST
            while half < stop and times[half] < edge:
                half += 1
            while high < stop and times[high] < cut[k]:
                high += 1
            begin[k], middle[k], core[k], tail[k] = low, half, high, high
        punctual = ascending = True
        for i in range(start, stop):
            punctual &= available[i] <= times[i]
        if punctual:
            continue
        for i in range(start + 1, stop):
            ascending &= available[i - 1] <= available[i]
        own = slice(bounds[robot], bounds[robot + 1])
        if ascending:
            limit_ascending(available[start:stop], start, cut[own], begin[own], core[own], tail[own])
        else:
            known = np.maximum(times[start:stop], available[start:stop])
            limit_ragged(known, start, cut[own], begin[own], core[own], tail[own])


@njit(cache=True, nogil=True)
def limit_ascending(available, start, cut, begin, core, tail):  # type: ignore[no-untyped-def]
    """End core and tail where availability does; it ascends, so no later row is available."""
    high = 0
    for k in range(cut.size):
        while high < available.size and available[high] <= cut[k]:
            high += 1
        core[k] = tail[k] = max(begin[k], min(core[k], start + high))


@njit(cache=True, nogil=True)
def limit_ragged(known, start, cut, begin, core, tail):  # type: ignore[no-untyped-def]
    """End core before the first row not available, and tail after the last that is.

    Rows are struck off as they become available; `ahead` leads from each to the next that is not (union-find
    with path halving).
    """
    arriving = np.argsort(known)
    ahead = np.arange(known.size + 1)
    arrived = furthest = 0
    for k in range(cut.size):
        while arrived < arriving.size and known[arriving[arrived]] <= cut[k]:
            row = arriving[arrived]
            ahead[row] = row + 1
            furthest = max(furthest, start + row + 1)
            arrived += 1
        i = begin[k] - start
        while ahead[i] != i:
            ahead[i] = ahead[ahead[i]]
            i = ahead[i]
        core[k] = max(begin[k], min(core[k], start + i))
        tail[k] = max(core[k], min(tail[k], furthest))


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
def running_count(flagged):  # type: ignore[no-untyped-def]
    """How many rows before each are flagged."""
    before = np.zeros(flagged.size + 1, np.int64)
    for i in range(flagged.size):
        before[i + 1] = before[i] + flagged[i]
    return before


@njit(cache=True, nogil=True)
def count_flagged(flagged, available, cut, begin, core, tail):  # type: ignore[no-untyped-def]
    """How many rows of each window are flagged."""
    before = running_count(flagged)
    count = np.empty(cut.size, np.int64)
    for k in range(cut.size):
        count[k] = before[core[k]] - before[begin[k]]
        for i in range(core[k], tail[k]):
            count[k] += flagged[i] and available[i] <= cut[k]
    return count


@njit(cache=True, nogil=True)
def presence(  # type: ignore[no-untyped-def]
    valid, following, preceding, times, available, cut, begin, core, tail, count, head, foot, distinct
):
    """How many valid rows each window has, the first and last (0 for none), and if their times differ."""
    before = running_count(valid)
    for k in range(cut.size):
        b, c = begin[k], core[k]
        n = before[c] - before[b]
        i, j = following[b], preceding[c]
        for row in range(c, tail[k]):
            if valid[row] and available[row] <= cut[k]:
                i = row if n == 0 else i
                j = row
                n += 1
        count[k] = n
        head[k] = i if n else 0
        foot[k] = j if n else 0
        distinct[k] = n > 1 and times[i] != times[j]


@njit(cache=True, nogil=True)
def presence_of_all(times, begin, core, count, head, foot, distinct):  # type: ignore[no-untyped-def]
    """The same where every row is valid, and available once it is past."""
    for k in range(begin.size):
        b, c = begin[k], core[k]
        count[k] = c - b
        head[k] = b if c > b else 0
        foot[k] = c - 1 if c > b else 0
        distinct[k] = c - b > 1 and times[b] != times[c - 1]


@njit(cache=True, nogil=True)
def scratch(begin, middle, dtype):  # type: ignore[no-untyped-def]
    """Four numbers for each row a window may have before its border: made once, for memory costs each row."""
    most = 0
    for k in range(begin.size):
        most = max(most, middle[k] - begin[k])
    return np.empty((most, WIDTH), dtype)


@njit(cache=True, nogil=True)
def moments(x, valid, following, count, head, available, cut, begin, middle, core, tail, mean, std):  # type: ignore[no-untyped-def]
    """Mean and standard deviation (ddof 1) of each window, 0 where undefined.

    Sums are of deviations from a row of the window itself: the first valid one after the border, else the
    first. That bounds the cancellation in `ss − s²/n` by the number of rows, for the squared deviation of
    that row from the mean is part of what remains.
    """
    zero, rows = spread(0.0), x[0].size
    kind = x[0].dtype
    left_s, left_ss = scratch(begin, middle, kind), scratch(begin, middle, kind)
    base = reached = 0
    half, origin = -1, 0
    x0 = s = ss = zero
    for k in range(cut.size):
        b, c, n = begin[k], core[k], count[k]
        if middle[k] != half:
            base, half = b, middle[k]
            origin = next_valid(following, half)
            s = ss = zero
            if origin < rows:
                x0 = load(x, origin)
                for i in range(half - 1, base - 1, -1):
                    d = where(has(valid, i), load(x, i) - x0, zero)
                    s += d
                    ss += d * d
                    keep(left_s, i - base, s)
                    keep(left_ss, i - base, ss)
            reached = half
            s = ss = zero
        if n == 0:
            store(mean, k, zero)
            store(std, k, zero)
            continue
        if origin < c:
            while reached < c:
                d = where(has(valid, reached), load(x, reached) - x0, zero)
                s += d
                ss += d * d
                reached += 1
            y0, r, rr = x0, s, ss
            if b < half:
                r += recall(left_s, b - base)
                rr += recall(left_ss, b - base)
        else:
            y0, r, rr = load(x, head[k]), zero, zero
            for i in range(b, c):
                d = where(has(valid, i), load(x, i) - y0, zero)
                r += d
                rr += d * d
        for i in range(c, end_of(tail, k, c)):
            if has(valid, i) and available[i] <= cut[k]:
                d = load(x, i) - y0
                r += d
                rr += d * d
        shift = r / spread(float(n))
        store(mean, k, y0 + shift)
        spare = spread(float(max(n - 1, 1)))
        store(std, k, where(n > 1, root(greater(rr - r * shift, zero) / spare), zero))


@njit(cache=True, nogil=True)
def slopes(times, x, valid, following, count, head, available, cut, begin, middle, core, tail, slope):  # type: ignore[no-untyped-def]
    """Least-squares slope per second of each window, 0 where undefined; sums as in `moments`, times alike."""
    zero, rows = spread(0.0), x[0].size
    kind = x[0].dtype
    left_s, left_us = scratch(begin, middle, kind), scratch(begin, middle, kind)
    left_u = np.empty((len(left_s), 2))
    base = reached = 0
    half, origin = -1, 0
    x0, t0 = zero, 0
    s = us = zero
    u = uu = 0.0
    for k in range(cut.size):
        b, c, n = begin[k], core[k], count[k]
        if middle[k] != half:
            base, half = b, middle[k]
            origin = next_valid(following, half)
            s = us = zero
            u = uu = 0.0
            if origin < rows:
                x0, t0 = load(x, origin), times[origin]
                for i in range(half - 1, base - 1, -1):
                    if has(valid, i):
                        d, e = load(x, i) - x0, (times[i] - t0) * 1e-9
                        s += d
                        u += e
                        uu += e * e
                        us += spread(e) * d
                    keep(left_s, i - base, s)
                    keep(left_us, i - base, us)
                    left_u[i - base, 0] = u
                    left_u[i - base, 1] = uu
            reached = half
            s = us = zero
            u = uu = 0.0
        if n < 2:
            store(slope, k, zero)
            continue
        if origin < c:
            while reached < c:
                if has(valid, reached):
                    d, e = load(x, reached) - x0, (times[reached] - t0) * 1e-9
                    s += d
                    u += e
                    uu += e * e
                    us += spread(e) * d
                reached += 1
            y0, z0, r, v, vv, vr = x0, t0, s, u, uu, us
            if b < half:
                r += recall(left_s, b - base)
                v += left_u[b - base, 0]
                vv += left_u[b - base, 1]
                vr += recall(left_us, b - base)
        else:
            y0, z0, r, v, vv, vr = load(x, head[k]), times[head[k]], zero, 0.0, 0.0, zero
        for i in range(c if origin < c else b, end_of(tail, k, c)):
            if has(valid, i) and (i < c or available[i] <= cut[k]):
                d, e = load(x, i) - y0, (times[i] - z0) * 1e-9
                r += d
                v += e
                vv += e * e
                vr += spread(e) * d
        apart = vv - v * v / n
        steep = (vr - spread(v) * r / spread(float(n))) / spread(apart if apart > 0.0 else 1.0)
        store(slope, k, where(apart > 0.0, steep, zero))


@njit(cache=True, nogil=True)
def extremes(down, up, available, cut, begin, middle, core, tail, lowest, highest, least, most):  # type: ignore[no-untyped-def]
    """Least of `down` and most of `up` in each window; without a row the ends of the type.

    Both are the same columns; a missing value is NaN, or in each the integer that does not win. Beside NaN
    the value known stays.
    """
    bottom, top = spread(lowest), spread(highest)
    kind = down[0].dtype
    lows, highs = scratch(begin, middle, kind), scratch(begin, middle, kind)
    base = reached = 0
    half = -1
    low, high = top, bottom
    for k in range(cut.size):
        b, c = begin[k], core[k]
        if middle[k] != half:
            base, half = b, middle[k]
            low, high = top, bottom
            for i in range(half - 1, base - 1, -1):
                low, high = lesser(low, load(down, i)), greater(high, load_either(up, down, i))
                keep(lows, i - base, low)
                keep(highs, i - base, high)
            low, high, reached = top, bottom, half
        while reached < c:
            low, high = lesser(low, load(down, reached)), greater(high, load_either(up, down, reached))
            reached += 1
        if c < half:
            first, last = top, bottom
            for i in range(b, c):
                first, last = lesser(first, load(down, i)), greater(last, load_either(up, down, i))
        elif b < half:
            first, last = lesser(low, recall(lows, b - base)), greater(high, recall(highs, b - base))
        else:
            first, last = low, high
        for i in range(c, end_of(tail, k, c)):
            if available[i] <= cut[k]:
                first, last = lesser(first, load(down, i)), greater(last, load_either(up, down, i))
        store(least, k, first)
        store(most, k, last)


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
