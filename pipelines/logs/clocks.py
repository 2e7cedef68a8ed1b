"""Takes the offset of a wrong clock out of event times, where `[logs.clock]` asks for it.

A clock is wrong when records keep arriving equally late, or early, while time goes by. Records a robot held
back also arrive late, but together: their delays differ as much as their times do, and nothing is corrected.

What is known of a clock at a moment comes from arrivals up to that moment, or the correction would tell the
past what happened later. Arrivals are looked at in blocks of `settle`; records of a block that changes the
correction count as arrived when the block was complete, which is when anybody could have known.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.schema import CLOCK_TS, RECV_TS, ROBOT, TIMESTAMP, TS
from pipelines.config import ClockSection, StreamSection

Ints = npt.NDArray[np.int64]


def correct_clocks(
    streams: Mapping[str, pa.Table], declared: Mapping[str, StreamSection], clock: ClockSection
) -> dict[str, pa.Table]:
    """Streams with `ts` put right and `clock_ts` beside it, sorted again; as they are unless asked for.

    Streams are tables as `finish` makes them. Offsets are measured per robot and clock over all streams that
    name the clock, from records with an arrival time. A record without one stays as it is; a stream that has
    none gets no `clock_ts`.
    """
    if not clock.correct:
        return dict(streams)
    read = {
        name: _Times.of(table) for name, table in streams.items() if {TS, RECV_TS} <= {*table.column_names}
    }
    found: dict[tuple[str, str], list[tuple[Ints, Ints]]] = defaultdict(list)
    for name, times in read.items():
        for code, robot in enumerate(times.robots):
            rows = times.rows(code)
            found[robot, declared[name].clock].append((times.recv[rows], times.recv[rows] - times.ts[rows]))
    offsets = {
        key: Offsets.measured(np.concatenate(recv), np.concatenate(delay), clock)
        for key, parts in found.items()
        for recv, delay in [zip(*parts, strict=True)]
    }
    corrected = {
        name: _corrected(streams[name], times, offsets, declared[name].clock) for name, times in read.items()
    }
    return {name: corrected.get(name, table) for name, table in streams.items()}


@dataclass(frozen=True, eq=False)
class Offsets:
    """A clock's offset by blocks of arrival time: `shift[i]` in the i-th block with arrivals, `keys[i]`.

    Blocks are `width` long and counted from `first`, the first arrival; all in ns. `complete[i]` is the
    block's last arrival where the offset changed with it, else 0.
    """

    first: int
    width: int
    keys: Ints
    shift: Ints
    complete: Ints

    @classmethod
    def measured(cls, recv: Ints, delay: Ints, clock: ClockSection) -> "Offsets":
        """From arrivals and how much later than their event each was, in any order.

        A block is believed when its arrivals span half of it and the middle half of its delays lies within
        `beyond`; its offset is then their median. Once known, an offset stays until one that differs by more
        than `beyond`, or one within half of `beyond`, which is none.
        """
        width, beyond = _nanoseconds(clock.settle), _nanoseconds(clock.beyond)
        if not len(recv):
            return cls(0, width, recv, recv, recv)
        first = int(recv.min())
        order = np.lexsort((delay, (recv - first) // width))
        recv, delay = recv[order], delay[order]
        keys, starts, counts = np.unique((recv - first) // width, return_index=True, return_counts=True)
        last = np.maximum.reduceat(recv, starts)
        low, middle, high = (delay[starts + (counts - 1) * quarter // 4] for quarter in (1, 2, 3))
        believed = (2 * (last - np.minimum.reduceat(recv, starts)) >= width) & (high - low <= beyond)
        shift, now = np.zeros_like(keys), 0
        for block in range(len(keys)):
            if believed[block]:
                now = _next(now, int(middle[block]), beyond)
            shift[block] = now
        return cls(first, width, keys, shift, np.where(np.diff(shift, prepend=0) != 0, last, 0))

    def block(self, recv: Ints) -> Ints:
        """Which block each of the measured arrivals lies in."""
        return np.searchsorted(self.keys, (recv - self.first) // self.width)


def _next(now: int, seen: int, beyond: int) -> int:
    """The offset to go on with, having seen one."""
    if now == 0:
        return seen if abs(seen) > beyond else 0
    if 2 * abs(seen) <= beyond:
        return 0
    return seen if abs(seen - now) > beyond else now


@dataclass(frozen=True, eq=False)
class _Times:
    """A stream's robots, and of each row which one it is of, its times in ns, if its arrival is known."""

    robots: tuple[str, ...]
    codes: Ints
    ts: Ints
    recv: Ints
    known: npt.NDArray[np.bool_]

    @classmethod
    def of(cls, table: pa.Table) -> "_Times":
        robots = table.column(ROBOT).combine_chunks().dictionary_encode()
        recv = table.column(RECV_TS).combine_chunks()
        return cls(
            tuple(robots.dictionary.to_pylist()),
            robots.indices.to_numpy(),
            table.column(TS).combine_chunks().view(pa.int64()).to_numpy(),
            pc.fill_null(recv.view(pa.int64()), 0).to_numpy(),
            recv.is_valid().to_numpy(zero_copy_only=False),
        )

    def rows(self, code: int) -> Ints:
        """Rows of one robot that tell their arrival."""
        return np.flatnonzero(self.known & (self.codes == code))


def _corrected(
    table: pa.Table, times: _Times, offsets: Mapping[tuple[str, str], Offsets], clock: str
) -> pa.Table:
    """The table with its times put right, by (robot, ts, arrival), then as it was."""
    ts, recv = times.ts.copy(), times.recv.copy()
    for code, robot in enumerate(times.robots):
        rows, of = times.rows(code), offsets[robot, clock]
        block = of.block(recv[rows])
        ts[rows] += of.shift[block]
        recv[rows] = np.maximum(recv[rows], of.complete[block])
    order = np.lexsort((np.where(times.known, times.recv, ts), ts, times.codes))
    arrival = pa.array(recv, mask=None if times.known.all() else ~times.known).view(TIMESTAMP)
    return (
        table.append_column(CLOCK_TS, table.column(TS))
        .set_column(table.column_names.index(TS), table.schema.field(TS), pa.array(ts).view(TIMESTAMP))
        .set_column(table.column_names.index(RECV_TS), table.schema.field(RECV_TS), arrival)
        .take(pa.array(order))
    )


def _nanoseconds(span: timedelta) -> int:
    return span // timedelta(microseconds=1) * 1_000
