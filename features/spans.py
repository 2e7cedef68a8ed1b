"""Which rows a window uses: those in `[c − w, c)` that were available by `c`, found without rescanning them.

Rows of a window are a core, all of it available, and a short tail after the first row that is not: late
arrivals leave holes there, so the tail is walked row by row. Cut-offs of a robot ascend, so do the ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from features import window_kernels as kernels
from features.contract import Int64s
from features.errors import UsageError
from features.order import Order
from features.schema import TIMESTAMP
from features.times import MAX, MIN, Duration, nanoseconds, shifted


@dataclass(frozen=True)
class Windows:
    """The windows `[c − length, c)` of every cut-off, over observations in order. All times in ns.

    Window k uses rows `begin[k]:core[k]` and those of `core[k]:tail[k]` with `available <= cut[k]`. Cut-offs
    `bounds[i]:bounds[i + 1]` are of one robot, whose observations end before `last[i]`.
    """

    length: int
    times: Int64s
    available: Int64s
    cut: Int64s
    bounds: Int64s
    last: Int64s
    begin: Int64s
    core: Int64s
    tail: Int64s

    @property
    def spans(self) -> tuple[Int64s, Int64s, Int64s, Int64s, Int64s]:
        """What kernels need that know no time: available, cut, begin, core, tail."""
        return self.available, self.cut, self.begin, self.core, self.tail

    @property
    def timed(self) -> tuple[Int64s, Int64s, Int64s, Int64s, int, Int64s, Int64s, Int64s]:
        """What kernels need that split windows at a border in time."""
        return self.available, self.cut, self.bounds, self.last, self.length, self.begin, self.core, self.tail


def windows(observations: Order, available: Int64s, cutoffs: Order, length: int) -> Windows:
    """The windows of `length` ns before each cut-off; `available` in the order of the observations."""
    first, last = observations.segments(cutoffs.robots)
    begin, core, tail = np.empty((3, len(cutoffs)), dtype=np.int64)
    since = shifted(cutoffs.times, -length)
    kernels.spans(
        observations.times, available, first, last, cutoffs.times, cutoffs.bounds, since, begin, core, tail
    )
    return Windows(
        length, observations.times, available, cutoffs.times, cutoffs.bounds, last, begin, core, tail
    )


def window_lengths(durations: Sequence[Duration]) -> list[int]:
    """Window lengths in ns, in the order given; UsageError unless they are positive and all different."""
    lengths = [nanoseconds(duration, "window") for duration in durations]
    if not lengths or min(lengths) <= 0 or len(set(lengths)) < len(lengths):
        raise UsageError("windows must be different and above zero", got=list(durations), hint="such as 42 s")
    return lengths


def used_rows(windows: Windows) -> Int64s:
    """How many rows each window uses."""
    rows: Int64s = kernels.count_flagged(np.ones(len(windows.times), dtype=np.bool_), *windows.spans)
    return rows


def latest_used(windows: Windows) -> pa.Array:
    """The largest `available` each window uses, as a timestamp; null where it uses no row."""
    least, most = np.empty((2, len(windows.cut)), dtype=np.int64)
    everything = np.ones(len(windows.times), dtype=np.bool_)
    kernels.extremes(windows.times, windows.available, everything, *windows.timed, MIN, MAX, least, most)
    return pa.array(most, TIMESTAMP, mask=used_rows(windows) == 0)
