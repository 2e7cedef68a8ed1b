"""One record per robot and time: what a stream says after repeats and corrections have arrived."""

from dataclasses import dataclass

import pyarrow as pa

from features.columns import ranks, take
from features.contract import arrivals, require_table
from features.order import latest_arrivals, order_rows
from features.schema import RECV_TS


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
