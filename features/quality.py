"""Can the join be believed? How often streams matched, how far off, and how good each source's clock is."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.columns import ranks
from features.contract import Int64s, arrivals, require_table
from features.deduplicate import Deduplicated
from features.order import latest_arrivals, order_rows
from features.schema import RECV_TS, ROBOT

GAP_SUFFIX: Final = "__gap_s"
MATCHES: Final = pa.schema(
    [
        ("stream", pa.string()),
        ("anchors", pa.int64()),
        ("matched", pa.int64()),
        ("match_rate", pa.float64()),
        ("gap_median_s", pa.float64()),
        ("distance_median_s", pa.float64()),
        ("distance_p95_s", pa.float64()),
        ("distance_max_s", pa.float64()),
        ("records", pa.int64()),
        ("duplicates", pa.int64()),
        ("superseded", pa.int64()),
    ]
)
CLOCKS: Final = pa.schema(
    [
        (ROBOT, pa.string()),
        ("stream", pa.string()),
        ("records", pa.int64()),
        ("offset_s", pa.float64()),
        ("drift_ppm", pa.float64()),
        ("resolution_s", pa.float64()),
        ("out_of_order_share", pa.float64()),
        ("duplicates", pa.int64()),
        ("superseded", pa.int64()),
    ]
)
CORRECTIONS: Final = pa.schema([*CLOCKS, ("corrected", pa.int64()), ("shift_s", pa.float64())])
"""CLOCKS, and how many records were set to another time than the clock said, and by how much at most."""


def match_report(joined: pa.Table, streams: Mapping[str, Deduplicated] | None = None) -> pa.Table:
    """How each stream of a join matched, one row per stream (`MATCHES`).

    `joined` as `nearest_join` returns it; `streams` adds `records` (kept), `duplicates` and `superseded`,
    and rows for streams that were not joined. `anchors` counts rows of the join, `matched` those with a
    record of the stream and `match_rate` their share (null without anchors). Of the matched: `gap_median_s`
    of the signed gap (negative: the stream lies before the anchor), and median, p95 and greatest of its size.
    Null: what a stream was not joined, matched or deduplicated for.
    """
    require_table(joined, "joined")
    gaps = {
        name.removesuffix(GAP_SUFFIX): joined.column(name)
        for name in joined.column_names
        if name.endswith(GAP_SUFFIX)
    }
    given = streams or {}
    rows: list[dict[str, Any]] = []
    for name in dict.fromkeys((*gaps, *given)):
        row: dict[str, Any] = {"stream": name}
        if name in gaps:
            row |= _gap_figures(gaps[name])
        if name in given:
            kept = given[name]
            row |= {
                "records": kept.table.num_rows,
                "duplicates": kept.duplicates,
                "superseded": kept.superseded,
            }
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=MATCHES)


def clock_quality(streams: Mapping[str, pa.Table]) -> pa.Table:
    """How good the clock of each robot's sources is, one row per robot and stream (`CLOCKS`), sorted.

    `streams` as given to `nearest_join`, not deduplicated. `records`, and of them `duplicates` and
    `superseded` as `deduplicate` counts them. `offset_s`: median of recv_ts − ts (latency plus clock error);
    `drift_ppm`: its least-squares slope over ts, in µs per s; both null without arrival times, drift also
    under two distinct times. `resolution_s`: the greatest step all event times are whole multiples of apart,
    null under two distinct times. `out_of_order_share`: records older than one that arrived before them (by
    recv_ts, else by input position). Raises DataError when a stream breaks its contract.
    """
    rows = [row for name, stream in streams.items() for row in _clocks(name, require_table(stream, name))]
    return pa.Table.from_pylist(sorted(rows, key=lambda row: (row[ROBOT], row["stream"])), schema=CLOCKS)


def _gap_figures(gap: pa.ChunkedArray) -> dict[str, Any]:
    known = gap.drop_null().to_numpy()
    row: dict[str, Any] = {"anchors": len(gap), "matched": len(known)}
    if len(gap):
        row["match_rate"] = len(known) / len(gap)
    if len(known):
        median, p95 = np.quantile(np.abs(known), [0.5, 0.95])
        row |= {
            "gap_median_s": float(np.median(known)),
            "distance_median_s": float(median),
            "distance_p95_s": float(p95),
            "distance_max_s": float(np.abs(known).max()),
        }
    return row


def _clocks(name: str, stream: pa.Table) -> list[dict[str, Any]]:
    order = order_rows(stream, name)
    arrival = arrivals(stream, name)
    known = np.zeros(stream.num_rows, dtype=np.bool_)
    if RECV_TS in stream.column_names:
        known = pc.is_valid(stream.column(RECV_TS)).to_numpy()
    kept = np.diff(latest_arrivals(order, arrival).bounds)
    repeated = order.subset(order.repeated())
    said = stream.drop_columns([RECV_TS]) if RECV_TS in stream.column_names else stream
    first = np.unique(ranks(said.take(pa.array(repeated.rows))), return_index=True)[1]
    robot_of = np.repeat(np.arange(len(order.robots)), np.diff(repeated.bounds))
    duplicates = np.diff(repeated.bounds) - np.bincount(robot_of[first], minlength=len(order.robots))
    rows = []
    for i, robot in enumerate(order.robots):
        part = slice(order.bounds[i], order.bounds[i + 1])
        own = np.arange(part.start, part.stop) if order.rows is None else order.rows[part]
        count = len(own)
        rows.append(
            {
                ROBOT: robot,
                "stream": name,
                "records": count,
                **_clock_figures(order.times[part], arrival[own], known[own], own),
                "duplicates": int(duplicates[i]),
                "superseded": int(count - kept[i] - duplicates[i]),
            }
        )
    return rows


def _clock_figures(
    ts: Int64s, arrival: Int64s, known: npt.NDArray[np.bool_], position: Int64s
) -> dict[str, float | None]:
    """Figures of one robot's clock from its records in time order."""
    late = (arrival[known] - ts[known]) / 1e9
    when = (ts[known] - ts[0]) / 1e9
    centred = when - when.mean() if len(when) else when
    steps = np.diff(ts)
    ran = ts[np.lexsort((position, arrival))] if known.any() else ts[np.argsort(position)]
    return {
        "offset_s": float(np.median(late)) if len(late) else None,
        "drift_ppm": float(centred @ late / (centred @ centred) * 1e6) if centred.any() else None,
        "resolution_s": float(np.gcd.reduce(steps)) / 1e9 if steps.any() else None,
        "out_of_order_share": float(np.mean(ran < np.maximum.accumulate(ran))),
    }
