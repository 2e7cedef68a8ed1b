"""Nearest-time join: beside each anchor record, what every other stream of the robot said closest to it.

Streams of one robot tick at their own rates. The join is two pointers walking each robot's times once, so
it costs a pass over the data whatever the rates, and the result is the same however the input was cut or
shuffled.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal, TypeAlias, TypeVar

import numpy as np
import pyarrow as pa

from features import kernels
from features.columns import bitmap, column, empty, gather, take
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
    table = take(anchor, order.rows)
    for name, stream, reach, way in plan:
        for field, values in _beside(order, name, stream, reach, way, latest):
            table = table.append_column(field, values)
    return table.append_column(AVAILABLE_AT, column(latest, TIMESTAMP)).replace_schema_metadata()


def grid(robots: Iterable[str], start: Instant, end: Instant, every: Duration) -> pa.Table:
    """An anchor of fixed steps: multiples of `every` since the epoch in [`start`, `end`), for all `robots`.

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


def _beside(
    anchor: Order, name: str, stream: pa.Table, tolerance: int, direction: int, latest: Int64s
) -> Iterator[tuple[pa.Field, pa.Array]]:
    """The stream's fields and gap beside the anchor; raises `latest` to what the matches need."""
    order, available = _known(stream, name)
    first, last = order.segments(anchor.robots)
    size = len(anchor)
    rows = empty(size, np.int32) if len(stream) < 2**31 else empty(size, np.int64)
    gap = empty(size, np.float64)
    kernels.match(
        anchor.times,
        anchor.bounds,
        order.times,
        available,
        first,
        last,
        tolerance,
        direction,
        rows,
        gap,
        latest,
    )
    found = bitmap(rows >= 0)
    if order.rows is not None and len(order):
        rows = order.rows[rows]
    matched = column(rows, pa.from_numpy_dtype(rows.dtype), found)
    for field in stream.schema:
        if field.name not in KEYS:
            values = gather(stream.column(field.name), matched)
            yield pa.field(f"{name}__{field.name}", values.type, metadata=field.metadata), values
    yield pa.field(f"{name}__{GAP}", pa.float64()), column(gap, pa.float64(), found)


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
