"""One record per robot and time: what a stream says after repeats and corrections have arrived."""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from features.columns import ranks, take
from features.contract import arrivals, require_table
from features.order import Order, latest_arrivals, order_rows
from features.schema import RECV_TS, ROBOT, TS


@dataclass(frozen=True)
class Deduplicated:
    """A stream with one record per robot and time, sorted by (robot_id, ts), and what was left out.

    `duplicates` counts records that say what another of the same robot and time says; `superseded` those
    replaced by a later arrival with other values. Rows of `table` + duplicates + superseded = rows given.
    """

    table: pa.Table
    duplicates: int
    superseded: int


def deduplicate(stream: pa.Table) -> Deduplicated:
    """Keep, of the records of one robot and time, the last to arrive: by `recv_ts`, then by position.

    Records that differ in `recv_ts` only are duplicates; the one kept carries the latest `recv_ts`, so that a
    repeat can never make a record look known earlier than it surely was. An unknown (null) `recv_ts` counts
    as the event time. Equal values include null with null and NaN with NaN.
    Raises DataError when `stream` lacks robot_id or ts, or they are of the wrong type or null.
    """
    require_table(stream, "stream")
    order = order_rows(stream, "stream")
    kept = latest_arrivals(order, arrivals(stream, "stream"))
    table = take(stream, kept.rows)
    surplus = len(order) - len(kept)
    if not surplus:
        return Deduplicated(table, 0, 0)
    said = stream.drop_columns([RECV_TS]) if RECV_TS in stream.column_names else stream
    repeated = order.subset(order.repeated())
    distinct = int(ranks(said.take(repeated.rows)).max()) + 1
    return Deduplicated(table, len(repeated) - distinct, surplus - (len(repeated) - distinct))


def distinct_rows(order: Order, table: pa.Table, then: str) -> Order:
    """Rows alike in every column once; others of one robot and time by the column `then`, then by values.

    The result does not depend on the order of the table's rows. A column missing from the table is skipped.
    """
    if order.unique:
        return order
    places = np.flatnonzero(order.repeated())
    rows = np.arange(len(order)) if order.rows is None else order.rows.copy()
    first = [name for name in (ROBOT, TS, then) if name in table.column_names]
    rest = [name for name in table.column_names if name not in first]
    rank = ranks(table.select(first + rest).take(pa.array(rows[places])))
    by_rank = np.argsort(rank, kind="stable")
    rows[places] = rows[places][by_rank]
    kept = np.ones(len(order), dtype=np.bool_)
    kept[places[1:]] = np.diff(rank[by_rank]) > 0
    return replace(order, rows=rows).subset(kept)
