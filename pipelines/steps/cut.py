"""Cuts a stream into robot-days, and into the halos their neighbours can reach.

The halo of a robot-day holds the records of the days beside it that lie within `reach` of its borders, and
always the last record before it: a level's rising edge needs its predecessor. See docs/adr/0003.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import numpy as np
import pyarrow as pa

from features.schema import ROBOT, TS

ALL: Final = "all"
DAY_NS: Final = 86_400_000_000_000


@dataclass(frozen=True)
class Piece:
    """Rows of one robot that belong to `day`, or that `day` can reach (`halo`)."""

    robot: str
    day: str
    halo: bool
    rows: pa.Table


def nanoseconds(table: pa.Table, column: str = TS) -> np.ndarray:
    """A timestamp[ns] column as int64 nanoseconds since the epoch."""
    values: np.ndarray = table.column(column).cast(pa.int64()).to_numpy()
    return values


def day_name(day: int) -> str:
    """`2026-03-01` for days since the epoch."""
    return str(np.datetime64(day, "D"))


def day_start_ns(name: str) -> int:
    """Nanoseconds since the epoch of the day's midnight, UTC."""
    return int(np.datetime64(name, "ns").astype(np.int64))


def cut(stream: pa.Table, *, partition: str, reach: timedelta) -> Iterator[Piece]:
    """Cut a table sorted by (robot_id, ts) into robot-days and halos; `all` keeps robots whole."""
    reach_ns = reach // timedelta(microseconds=1) * 1_000
    for robot, rows in by_robot(stream):
        if partition == ALL:
            yield Piece(robot, ALL, halo=False, rows=rows)
            continue
        ts = nanoseconds(rows)
        days = np.unique(ts // DAY_NS)
        for day in days.tolist():
            start, end = np.searchsorted(ts, [day * DAY_NS, (day + 1) * DAY_NS])
            yield Piece(robot, day_name(day), halo=False, rows=rows.slice(start, end - start))
        for day in np.unique(np.concatenate([days - 1, days + 1])).tolist():
            halo = _halo(rows, ts, day, reach_ns)
            if halo.num_rows:
                yield Piece(robot, day_name(day), halo=True, rows=halo)


def by_robot(stream: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """Robot id and its rows, for a table sorted by robot."""
    encoded = stream.column(ROBOT).combine_chunks().dictionary_encode()
    codes = encoded.indices.to_numpy()
    starts = np.flatnonzero(np.diff(codes, prepend=-1)).tolist()
    for start, end in itertools.pairwise([*starts, len(codes)]):
        yield encoded.dictionary[int(codes[start])].as_py(), stream.slice(start, end - start)


def _halo(rows: pa.Table, ts: np.ndarray, day: int, reach_ns: int) -> pa.Table:
    start_ns, end_ns = day * DAY_NS, (day + 1) * DAY_NS
    yesterday, tail, start = np.searchsorted(ts, [start_ns - DAY_NS, start_ns - reach_ns, start_ns])
    tail = max(yesterday, min(tail, start - 1)) if start > yesterday else start
    end, head = np.searchsorted(ts, [end_ns, end_ns + reach_ns])
    return pa.concat_tables([rows.slice(tail, start - tail), rows.slice(end, head - end)])


def within(table: pa.Table, day: str) -> pa.Table:
    """Rows whose `ts` lies in the day; all of them for the day `all`."""
    if day == ALL:
        return table
    ts, start = nanoseconds(table), day_start_ns(day)
    return table.filter(pa.array((ts >= start) & (ts < start + DAY_NS)))


def tail(table: pa.Table, day: str, reach: timedelta) -> pa.Table:
    """Rows in the last `reach` of the day."""
    start = day_start_ns(day) + DAY_NS - reach // timedelta(microseconds=1) * 1_000
    return table.filter(pa.array(nanoseconds(table) >= start))
