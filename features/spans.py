"""Which rows a window uses: those in `[c − w, c)` that were available by `c`, found without rescanning them.

Rows of a window are a core, all of it available, and a short tail after the first row that is not: late
arrivals leave holes there, so the tail is walked row by row. Cut-offs of a robot ascend, so do the ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features import window_kernels as kernels
from features.columns import bitmap, column, empty
from features.contract import Int64s, arrivals, require_table, times
from features.deduplicate import distinct_rows
from features.errors import UsageError
from features.lanes import beside
from features.order import Order, latest_arrivals, order_rows
from features.schema import AVAILABLE_AT, CUTOFF, TIMESTAMP
from features.times import MAX, MIN, Duration, nanoseconds, shifted

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Valid:
    """The rows with a value of a column; for each row the next of them (or itself) and the one before."""

    flags: Flags
    following: Int64s
    preceding: Int64s


@dataclass(frozen=True)
class Presence:
    """Where windows have values: how many rows, the first and last of them, 0 where none.

    As validity bitmaps: `found` where there is a value, `several` where more than one, `distinct` where more
    than one time.
    """

    count: Int64s
    head: Int64s
    foot: Int64s
    found: pa.Buffer
    several: pa.Buffer
    distinct: pa.Buffer

    @cached_property
    def nowhere(self) -> Int64s:
        """The windows without a value."""
        return np.flatnonzero(self.count == 0)

    def ends_as(self, other: "Presence") -> bool:
        """Whether every window's last value is the other's."""
        return self.found.equals(other.found) and np.array_equal(self.foot, other.foot)


@dataclass(frozen=True)
class Windows:
    """The windows `[c − length, c)` of every cut-off, over observations in order. All times in ns.

    Window k uses rows `begin[k]:core[k]` and those of `core[k]:tail[k]` with `available <= cut[k]`;
    `middle[k]` is its first row at or after the multiple of `length` in `(c − length, c]`.
    """

    length: int
    times: Int64s
    available: Int64s
    cut: Int64s
    begin: Int64s
    middle: Int64s
    core: Int64s
    tail: Int64s

    @property
    def spans(self) -> tuple[Int64s, ...]:
        """What kernels without a border need."""
        return self.available, self.cut, self.begin, self.core, self.tail

    @cached_property
    def late(self) -> Int64s | None:
        """The tails; None where no window has one."""
        return None if np.array_equal(self.core, self.tail) else self.tail

    @property
    def halves(self) -> tuple[Int64s | None, ...]:
        """What kernels need that accumulate from the border."""
        return self.available, self.cut, self.begin, self.middle, self.core, self.late

    @cached_property
    def rows(self) -> int:
        """Rows of all windows together, those not yet available included."""
        return int(self.tail.sum() - self.begin.sum())

    @cached_property
    def all_rows(self) -> Presence:
        """Presence of a column without nulls."""
        if self.late is None:
            found = self._unfilled()
            kernels.presence_of_all(self.times, self.begin, self.core, *found)
            return _presence(*found)
        rows = np.arange(-1, len(self.times) + 1)
        return self.presence(Valid(np.ones(len(self.times), dtype=np.bool_), rows[1:], rows[:-1]))

    def presence(self, valid: Valid) -> Presence:
        """Where the windows have valid rows."""
        found = self._unfilled()
        kernels.presence(valid.flags, valid.following, valid.preceding, self.times, *self.spans, *found)
        return _presence(*found)

    def _unfilled(self) -> tuple[Int64s, Int64s, Int64s, Flags]:
        count, head, foot = (empty(len(self.cut), np.int64) for _ in range(3))
        return count, head, foot, empty(len(self.cut), np.bool_)

    def latest_used(self) -> pa.Array:
        """The largest `available` each window uses, as a timestamp; null where it uses no row."""
        present = self.all_rows
        least, most = (empty(len(self.cut), np.int64) for _ in range(2))
        sides = (beside([self.available]), None, *self.halves, MIN, MAX, beside([least]), beside([most]))
        kernels.extremes(*sides)
        most[present.nowhere] = 0
        return column(most, TIMESTAMP, present.found)


def observed(observations: pa.Table) -> tuple[Order, Int64s]:
    """The rows of a table of observations in order, each once, and when each was available (ns)."""
    order = distinct_rows(order_rows(observations, "observations"), observations, AVAILABLE_AT)
    if AVAILABLE_AT in observations.column_names:
        return order, order.arrange(times(observations, AVAILABLE_AT, "observations"))
    return order, np.maximum(order.times, order.arrange(arrivals(observations, "observations")))


def asked(cutoffs: pa.Table) -> Order:
    """The cut-offs of a table in order, each once."""
    order = order_rows(require_table(cutoffs, "cutoffs"), "cutoffs", time=CUTOFF)
    return latest_arrivals(order, times(cutoffs, CUTOFF, "cutoffs"))


def _presence(count: Int64s, head: Int64s, foot: Int64s, distinct: Flags) -> Presence:
    return Presence(count, head, foot, bitmap(count > 0), bitmap(count > 1), bitmap(distinct))


def valid_rows(flags: Flags) -> Valid:
    """The rows flagged as having a value."""
    return Valid(flags, *kernels.neighbours(flags))


def windows(observations: Order, available: Int64s, cutoffs: Order, length: int) -> Windows:
    """The windows of `length` ns before each cut-off; `available` in the order of the observations."""
    first, last = observations.segments(cutoffs.robots)
    begin, middle, core, tail = (empty(len(cutoffs), np.int64) for _ in range(4))
    since = shifted(cutoffs.times, -length)
    kernels.spans(
        observations.times,
        available,
        first,
        last,
        cutoffs.times,
        cutoffs.bounds,
        since,
        length,
        begin,
        middle,
        core,
        tail,
    )
    return Windows(length, observations.times, available, cutoffs.times, begin, middle, core, tail)


def window_lengths(durations: Sequence[Duration]) -> list[int]:
    """Window lengths in ns, in the order given; UsageError unless they are positive and all different."""
    lengths = [nanoseconds(duration, "window") for duration in durations]
    if not lengths or min(lengths) <= 0 or len(set(lengths)) < len(lengths):
        raise UsageError("windows must be different and above zero", got=list(durations), hint="such as 42 s")
    return lengths
