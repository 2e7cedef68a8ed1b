"""Statistics of the windows of numeric columns, up to four columns that are alike at a time."""

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features import quantile_kernels, sorted_kernels, window_kernels
from features.columns import column, empty
from features.lanes import WIDTH, beside
from features.order import Order
from features.spans import Presence, Valid, Windows, valid_rows
from features.statistics import QUANTILES, Columns, at

LARGE: Final = 1_500  # mean rows of a window from which moving ranks costs less than moving values

Floats = npt.NDArray[np.float64]


def alike(columns: Mapping[str, pa.ChunkedArray], categories: Collection[str]) -> Iterator[list[str]]:
    """The names of columns summarised together: up to four, numbers of one kind known in the same rows."""
    found: dict[Hashable, list[str]] = {}
    for name, values in columns.items():
        likeness = None if name in categories else _likeness(values)
        found.setdefault(likeness or name, []).append(name)
    for names in found.values():
        yield from (names[first : first + WIDTH] for first in range(0, len(names), WIDTH))


def _likeness(values: pa.ChunkedArray) -> Hashable:
    """What columns summarised together have in common; None for one that goes alone."""
    if pa.types.is_floating(values.type):
        x = values.to_numpy()
        finite = np.isfinite(x)
        if np.isinf(x[~finite]).any():
            return None
    elif pa.types.is_integer(values.type):
        finite = values.is_valid().to_numpy() if values.null_count else np.True_
    else:
        return None
    return _widest(values.type), None if finite.all() else np.packbits(finite).tobytes()


def _widest(kind: pa.DataType) -> pa.DataType:
    """The type in which the least and most of a numeric column are found."""
    if pa.types.is_integer(kind):
        return pa.uint64() if pa.types.is_uint64(kind) else pa.int64()
    return pa.float64()


@dataclass(frozen=True)
class Numbers:
    """One to four columns that are `alike`, in the order of the observations, and what all windows share."""

    values: Sequence[pa.Array]
    order: Order
    lasts: list[tuple[Presence, list[pa.Array]]] = field(default_factory=list, init=False)

    @cached_property
    def x(self) -> list[Floats]:
        """The values as float64, NaN where missing and 0.0 for −0.0."""
        wide = [values.cast(pa.float64(), safe=False) for values in self.values]
        return [values.to_numpy(zero_copy_only=False) + 0.0 for values in wide]

    @cached_property
    def valid(self) -> Valid | None:
        """The rows with values; None when all have."""
        flags = ~np.isnan(self.x[0])
        return None if flags.all() else valid_rows(flags)

    @cached_property
    def infinite(self) -> bool:
        """Whether any value is infinite; such a column is alone."""
        return len(self.x) == 1 and bool(np.isinf(self.x[0]).any())

    @cached_property
    def ranks(self) -> list[tuple[npt.NDArray[np.int32], Floats]]:
        """Place of each row among its robot's values, and the values in that order."""
        return [ranked(x, self.order) for x in self.x]

    def statistics(self, wanted: Collection[str], windows: Windows) -> Columns:
        """The wanted statistics, one value per cut-off, null where undefined."""
        present = windows.all_rows if self.valid is None else windows.presence(self.valid)
        columns: Columns = {}
        if "count" in wanted:
            columns["count"] = [column(present.count, pa.int64())] * len(self.values)
        if not {"mean", "std", "slope"}.isdisjoint(wanted):
            columns |= self._moments(wanted, present, windows)
        if not {"min", "max"}.isdisjoint(wanted):
            columns |= self._extremes(present, windows)
        if "first" in wanted:
            columns["first"] = [at(values, present.head, present) for values in self.values]
        if "last" in wanted:
            columns["last"] = self._last(present)
        if not QUANTILES.keys().isdisjoint(wanted):
            columns |= self._quantiles(wanted, present, windows)
        return {name: columns[name] for name in wanted if name in columns}

    def _last(self, present: Presence) -> list[pa.Array]:
        """The last values; windows of any length that end with the same rows share one array of them."""
        for known, columns in self.lasts:
            if known.ends_as(present):
                return columns
        self.lasts.append((present, [at(values, present.foot, present) for values in self.values]))
        return self.lasts[-1][1]

    def _moments(self, wanted: Collection[str], present: Presence, windows: Windows) -> Columns:
        """Mean, std and slope. A window with an infinite value has the mean IEEE gives it, and NaN else."""
        x, finite, within = self.x, self.valid, present
        if self.infinite:
            finite = valid_rows(np.isfinite(x[0]))
            x, within = [np.where(finite.flags, x[0], 0.0)], windows.presence(finite)
        mean, std, slope = (self._unfilled(windows) for _ in range(3))
        rows = (None, None) if finite is None else (finite.flags, finite.following)
        known = (beside(x), *rows, within.count, within.head, *windows.halves)
        window_kernels.moments(*known, beside(mean), beside(std))
        if "slope" in wanted:
            window_kernels.slopes(windows.times, *known, beside(slope))
        if self.infinite:
            above = window_kernels.count_flagged(self.x[0] == np.inf, *windows.spans) > 0
            below = window_kernels.count_flagged(self.x[0] == -np.inf, *windows.spans) > 0
            mean[0][above], mean[0][below], mean[0][above & below] = np.inf, -np.inf, np.nan
            std[0][above | below] = slope[0][above | below] = np.nan
        known_in = {"mean": present.found, "std": present.several, "slope": present.distinct}
        return {
            name: [column(each, pa.float64(), known_in[name]) for each in found]
            for name, found in (("mean", mean), ("std", std), ("slope", slope))
        }

    def _extremes(self, present: Presence, windows: Windows) -> Columns:
        wide = _widest(self.values[0].type)
        if pa.types.is_floating(wide):
            down, up, lowest, highest = self.x, None, -np.inf, np.inf
        else:
            integers = [values.cast(wide) for values in self.values]
            ends = np.iinfo(wide.to_pandas_dtype())
            lowest, highest = ends.dtype.type(ends.min), ends.dtype.type(ends.max)
            down, up = ([each.fill_null(end).to_numpy() for each in integers] for end in (highest, lowest))
        least, most = (self._unfilled(windows, down[0].dtype.type) for _ in range(2))
        known = (beside(down), up and beside(up), *windows.halves, lowest, highest)
        window_kernels.extremes(*known, beside(least), beside(most))
        for values in (*least, *most):
            values[present.nowhere] = 0
        kinds = [pa.float64() if pa.types.is_null(values.type) else values.type for values in self.values]
        return {
            name: [
                column(each, wide, present.found).cast(kind) for each, kind in zip(found, kinds, strict=True)
            ]
            for name, found in (("min", least), ("max", most))
        }

    def _quantiles(self, wanted: Collection[str], present: Presence, windows: Windows) -> Columns:
        names = [name for name in QUANTILES if name in wanted]
        shares = np.array([QUANTILES[name] for name in names])
        valid = np.ones(len(self.order), np.bool_) if self.valid is None else self.valid.flags
        columns: Columns = {name: [] for name in names}
        for i, x in enumerate(self.x):
            result = empty(len(shares) * len(windows.cut), np.float64).reshape(len(shares), -1)
            if windows.rows > max(2 * len(x), LARGE * len(windows.cut)):
                quantile_kernels.rolling(*self.ranks[i], valid, *windows.spans, shares, result)
            else:
                sorted_kernels.sliding(x, valid, *windows.spans, shares, result)
            for name, found in zip(names, result, strict=True):
                columns[name].append(column(found, pa.float64(), present.found))
        return columns

    def _unfilled(self, windows: Windows, dtype: type[np.generic] = np.float64) -> list[npt.NDArray[Any]]:
        return [empty(len(windows.cut), dtype) for _ in self.values]


def ranked(x: Floats, order: Order) -> tuple[npt.NDArray[np.int32], Floats]:
    """Place of each row among its robot's values, and the values in that order."""
    rank = np.empty(len(x), dtype=np.int32)
    ordered = np.empty(len(x))
    for start, stop in zip(order.bounds[:-1], order.bounds[1:], strict=True):
        own = x[start:stop]
        by_value = np.argsort(own)
        ordered[start:stop] = own[by_value]
        rank[start + by_value] = np.arange(start, stop, dtype=np.int32)
    return rank, ordered
