"""Rows robot by robot in ascending time: the order every join and window walks in.

Logs mostly arrive in that order already, so it is checked first, by runs of equal robot ids, and nothing is
copied or sorted when it holds. Otherwise rows are bucketed by robot (stable, linear) and only the robots out
of order are sorted.
"""

from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features import kernels
from features.contract import Int64s, one_chunk, robot_column, times
from features.schema import TS

Value = TypeVar("Value", bound=np.generic)


@dataclass(frozen=True)
class Order:
    """A table's rows by (robot_id, time), both ascending; rows of equal time keep their input order.

    Rows `bounds[i]:bounds[i + 1]` of the order belong to `robots[i]`; `times` (ns) is in that order; `rows`
    holds each one's row in the table, None when the table is in that order already. `unique`: no robot has
    two rows of one time.
    """

    robots: tuple[str, ...]
    bounds: Int64s
    times: Int64s
    rows: Int64s | None
    unique: bool

    def __len__(self) -> int:
        return len(self.times)

    def arrange(self, values: npt.NDArray[Value]) -> npt.NDArray[Value]:
        """Values of the table's rows, in this order."""
        return values if self.rows is None else values[self.rows]

    def repeated(self) -> npt.NDArray[np.bool_]:
        """True at every position that shares its robot and time with another."""
        as_before = np.zeros(len(self) + 1, dtype=np.bool_)
        as_before[1:-1] = self.times[1:] == self.times[:-1]
        as_before[self.bounds] = False
        return as_before[:-1] | as_before[1:]

    def subset(self, kept: npt.NDArray[np.bool_]) -> "Order":
        """The same order with only the positions where `kept` is true."""
        before = np.concatenate(([0], np.cumsum(kept)))
        rows = np.flatnonzero(kept) if self.rows is None else self.rows[kept]
        return replace(self, bounds=before[self.bounds], times=self.times[kept], rows=rows)

    def robot_ids(self) -> pa.Array:
        """`robot_id` of every position, as plain strings."""
        codes = np.repeat(np.arange(len(self.robots), dtype=np.int32), np.diff(self.bounds))
        return pa.array(self.robots, pa.string()).take(pa.array(codes))

    def segments(self, robots: tuple[str, ...]) -> tuple[Int64s, Int64s]:
        """First and one-past-last position of each of `robots` here; (0, 0) for a robot without rows."""
        place = {robot: i for i, robot in enumerate(self.robots)}
        found = np.array([place.get(robot, -1) for robot in robots], dtype=np.int64)
        known = found >= 0
        first, last = np.zeros((2, len(robots)), dtype=np.int64)
        first[known] = self.bounds[found[known]]
        last[known] = self.bounds[found[known] + 1]
        return first, last


def order_rows(table: pa.Table, what: str, *, time: str = TS) -> Order:
    """The order of a table by `robot_id` and the time column `time`; DataError if one breaks its contract."""
    unordered = times(table, time, what)
    array = one_chunk(robot_column(table, what))
    starts = _run_starts(array)
    runs = array.take(pa.array(starts)).cast(pa.string()).dictionary_encode()
    names = runs.dictionary.to_pylist()
    robots = tuple(sorted(names))
    place = {robot: i for i, robot in enumerate(robots)}
    codes = np.array([place[name] for name in names], dtype=np.int32)[runs.indices.to_numpy()]
    bounds = np.append(starts, len(unordered))
    rows = None
    if (np.diff(codes) <= 0).any():
        bounds, rows = kernels.bucket(np.repeat(codes, np.diff(bounds)), len(robots))
    ordered = unordered if rows is None else unordered[rows]
    back, equal = kernels.steps(ordered, bounds)
    late = np.flatnonzero(back)
    if len(late):
        ordered = ordered.copy() if rows is None else ordered
        rows = np.arange(len(ordered)) if rows is None else rows
        for i in late:
            part = slice(bounds[i], bounds[i + 1])
            by_time = np.argsort(ordered[part], kind="stable")
            ordered[part] = ordered[part][by_time]
            rows[part] = rows[part][by_time]
        _, equal = kernels.steps(ordered, bounds)
    return Order(robots, bounds, ordered, rows, unique=equal == 0)


def latest_arrivals(order: Order, arrival: Int64s) -> Order:
    """One row per robot and time: the last to arrive, by `arrival` (ns per table row), then by input row."""
    if order.unique:
        return order
    kept = order.subset(kernels.last_to_arrive(order.times, order.bounds, order.arrange(arrival)))
    return replace(kept, unique=True)


def _run_starts(robots: pa.Array) -> Int64s:
    """First row of each run of equal robot ids."""
    if not len(robots):
        return np.zeros(0, dtype=np.int64)
    if pa.types.is_dictionary(robots.type):
        codes = robots.indices.to_numpy()
        return np.concatenate(([0], np.flatnonzero(codes[1:] != codes[:-1]) + 1))
    _, offsets, data = robots.buffers()
    starts: Int64s = kernels.text_runs(
        np.frombuffer(offsets, np.int32, len(robots) + 1, 4 * robots.offset),
        np.frombuffer(data, np.uint8) if data is not None and data.size else np.zeros(0, np.uint8),
    )
    return starts
