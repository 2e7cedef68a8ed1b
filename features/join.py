"""Nearest-time join: beside each anchor record, what every other stream of the robot said closest to it.

Streams of one robot tick at their own rates. The join is two pointers walking each robot's times once, so
it costs a pass over the data whatever the rates, and the result is the same however the input was cut or
shuffled.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal, TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features import kernels
from features.columns import column, empty, gather, take
from features.contract import Int64s, arrivals, require_table
from features.deduplicate import Deduplicated, deduplicate
from features.errors import DataError, UsageError
from features.order import Order, latest_arrivals, order_rows
from features.schema import AVAILABLE_AT, RECV_TS, ROBOT, TIMESTAMP, TS
from features.times import Duration, Instant, instant, nanoseconds

__all__ = ["Deduplicated", "Direction", "deduplicate", "grid", "nearest_join"]

Direction: TypeAlias = Literal["nearest", "backward", "forward"]
GAP: Final = "gap_s"
KEYS: Final = (ROBOT, TS, RECV_TS)
BLOCK: Final = 1 << 16
DIRECTIONS: Final = {"nearest": kernels.NEAREST, "backward": kernels.BACKWARD, "forward": kernels.FORWARD}
Value = TypeVar("Value")


def nearest_join(
    anchor: pa.Table,
    streams: Mapping[str, pa.Table],
    *,
    tolerance: Duration | Mapping[str, Duration],
    direction: Direction | Mapping[str, Direction] = "nearest",
) -> pa.Table:
    """Join each stream's record nearest in time to each anchor record of the same robot.

    `anchor` and every stream: `robot_id` string, `ts` timestamp[ns, UTC], optionally `recv_ts` (same type,
    null where unknown), then fields of any type; rows in any order. Anchor and streams are deduplicated first
    (see `deduplicate`). `tolerance` and `direction` hold for all streams, or name each one's own.

    A record r matches anchor time a when |r.ts − a| ≤ tolerance (inclusive) and, for `backward`, r.ts ≤ a,
    for `forward`, r.ts ≥ a. The nearest is taken; of two at equal distance the earlier.

    Returns one row per anchor record, sorted by (robot_id, ts): the anchor's columns, then for each stream in
    the order given `<stream>__<field>` (the field's own type, null where nothing matched) and
    `<stream>__gap_s` (float64, r.ts − a in seconds, null where nothing matched), then `available_at`
    (timestamp[ns, UTC]): the latest event or arrival time of all that is in the row, never null.

    Raises DataError when a table breaks its contract or two output columns would share a name, UsageError for
    a negative tolerance, an unknown direction, or a stream without one.
    """
    require_table(anchor, "anchor")
    plan = [
        (name, require_table(stream, name), *_rule(name, tolerance, direction))
        for name, stream in streams.items()
    ]
    _refuse_shared_names(anchor, streams)
    order, available = _known(anchor, "anchor")
    latest = empty(len(order), np.int64)
    np.copyto(latest, available)
    beside = [_Beside(order, name, stream, reach, way) for name, stream, reach, way in plan]
    for begin in range(0, len(order), BLOCK):
        for each in beside:
            each.match(begin, min(begin + BLOCK, len(order)), latest)
    table = take(anchor, order.rows)
    for each in beside:
        for field, values in each.columns():
            table = table.append_column(field, values)
    return table.append_column(AVAILABLE_AT, column(latest, TIMESTAMP)).replace_schema_metadata()


def grid(robots: Iterable[str], start: Instant, end: Instant, every: Duration) -> pa.Table:
    """An anchor of fixed steps: for each robot the multiples of `every` since the epoch in [start, end).

    Returns `robot_id`, `ts`, sorted. Raises UsageError unless `every` is positive.
    """
    step = nanoseconds(every, "every")
    if step <= 0:
        raise UsageError("every must be above zero", got=every)
    first = -(-instant(start, "start") // step) * step
    times = np.arange(first, instant(end, "end"), step, dtype=np.int64)
    names = pa.array(sorted(set(robots)), pa.string())
    rows = np.repeat(np.arange(len(names)), len(times))
    return pa.table({ROBOT: names.take(pa.array(rows)), TS: pa.array(np.tile(times, len(names)), TIMESTAMP)})


def _known(table: pa.Table, what: str) -> tuple[Order, Int64s]:
    """The deduplicated order of a stream, and when each of its records was known."""
    order, arrival = order_rows(table, what), arrivals(table, what)
    order = latest_arrivals(order, arrival)
    known = RECV_TS in table.column_names
    return order, np.maximum(order.times, order.arrange(arrival)) if known else order.times


class _Beside:
    """One stream on its way beside the anchor: matched block by block, so that the blocks stay in cache."""

    def __init__(self, anchor: Order, name: str, stream: pa.Table, tolerance: int, direction: int) -> None:
        self.name, self.stream = name, stream
        self.anchor, self.tolerance, self.direction = anchor, tolerance, direction
        self.order, self.available = _known(stream, name)
        self.first, self.last = self.order.segments(anchor.robots)
        self.at = np.array([0, self.first[0] if len(self.first) else 0])
        self.rows: npt.NDArray[np.integer[Any]] = (
            empty(len(anchor), np.int32) if len(stream) < 2**31 else empty(len(anchor), np.int64)
        )
        self.gap = empty(len(anchor), np.float64)
        self.found = empty(-(-len(anchor) // 8), np.uint8)

    def match(self, begin: int, end: int, latest: Int64s) -> None:
        """Match anchor rows `begin:end`, the ones after those before; `begin` is a multiple of 8."""
        kernels.match(
            self.anchor.times,
            self.anchor.bounds,
            begin,
            end,
            self.at,
            self.order.times,
            self.available,
            self.first,
            self.last,
            self.tolerance,
            self.direction,
            self.rows,
            self.gap,
            latest,
        )
        found = self.rows[begin:end] >= 0
        self.found[begin // 8 : -(-end // 8)] = np.packbits(found, bitorder="little")

    def columns(self) -> Iterator[tuple[pa.Field, pa.Array]]:
        """The matched fields and the gap."""
        found = pa.py_buffer(self.found)
        rows: npt.NDArray[np.integer[Any]] = self.rows
        if self.order.rows is not None and len(self.order):
            rows = self.order.rows[rows]
        matched = column(rows, pa.from_numpy_dtype(rows.dtype), found)
        for field in self.stream.schema:
            if field.name not in KEYS:
                values = gather(self.stream.column(field.name), matched)
                yield pa.field(f"{self.name}__{field.name}", values.type, metadata=field.metadata), values
        yield pa.field(f"{self.name}__{GAP}", pa.float64()), column(self.gap, pa.float64(), found)


def _rule(
    name: str, tolerance: Duration | Mapping[str, Duration], direction: Direction | Mapping[str, Direction]
) -> tuple[int, int]:
    length = tolerance if not isinstance(tolerance, Mapping) else _own(tolerance, name, "tolerance")
    reach = nanoseconds(length, f"tolerance of {name}")
    if reach < 0:
        raise UsageError(f"tolerance of {name} is negative", got=length, expected="zero or more")
    way = direction if isinstance(direction, str) else _own(direction, name, "direction")
    if way not in DIRECTIONS:
        raise UsageError(f"direction of {name} is unknown", got=repr(way), expected=list(DIRECTIONS))
    return reach, DIRECTIONS[way]


def _own(values: Mapping[str, Value], name: str, what: str) -> Value:
    if name not in values:
        raise UsageError(f"{what} names no value for stream {name!r}", got=sorted(values), expected=name)
    return values[name]


def _refuse_shared_names(anchor: pa.Table, streams: Mapping[str, pa.Table]) -> None:
    names = [*anchor.column_names, AVAILABLE_AT]
    for stream, table in streams.items():
        names += [f"{stream}__{field}" for field in (*table.column_names, GAP) if field not in KEYS]
    shared = sorted({name for name in names if names.count(name) > 1})
    if shared:
        raise DataError(
            "the joined table would have two columns of the same name", got=shared, hint="rename them"
        )
