"""The statistics of a window, and the Arrow columns they make.

Numbers have count, mean, std, min, max, first, last, slope, p10, p50, p90; categories have last, changes and
the share of rows in each declared state. Selections (min, max, first, last) keep the column's own type, so an
integer stays an integer; counts are int64 and the rest float64. Nulls and NaN are skipped.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features import quantile_kernels, sorted_kernels, window_kernels
from features.columns import column, empty, gather
from features.contract import Int64s
from features.order import Order
from features.spans import Presence, Valid, Windows, valid_rows

NUMERIC: Final = ("count", "mean", "std", "min", "max", "first", "last", "slope", "p10", "p50", "p90")
STATISTICS: Final = (*NUMERIC, "changes", "share")
QUANTILES: Final = {"p10": 0.1, "p50": 0.5, "p90": 0.9}
LARGE: Final = 1_500  # mean rows of a window from which moving ranks costs less than moving values

Floats = npt.NDArray[np.float64]
Columns = dict[str, pa.Array]


def is_numeric(kind: pa.DataType) -> bool:
    """Integers and floats; the null type counts as a float column without a value."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind))


def is_categorical(kind: pa.DataType) -> bool:
    """Text and booleans."""
    return bool(pa.types.is_boolean(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind))


@dataclass(frozen=True)
class Numbers:
    """A numeric column in the order of the observations, and what all its windows share."""

    values: pa.Array
    order: Order

    @cached_property
    def x(self) -> Floats:
        """The values as float64, NaN where missing and 0.0 for −0.0."""
        x: Floats = self.values.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False) + 0.0
        return x

    @cached_property
    def valid(self) -> Valid | None:
        """The rows with a value; None when all have one."""
        flags = ~np.isnan(self.x)
        return None if flags.all() else valid_rows(flags)

    @cached_property
    def infinite(self) -> bool:
        """Whether any value is infinite."""
        return bool(np.isinf(self.x).any())

    @cached_property
    def ranks(self) -> tuple[npt.NDArray[np.int32], Floats]:
        """Place of each row among its robot's values, and the values in that order."""
        rank = np.empty(len(self.x), dtype=np.int32)
        ordered = np.empty(len(self.x))
        for start, stop in zip(self.order.bounds[:-1], self.order.bounds[1:], strict=True):
            own = self.x[start:stop]
            by_value = np.argsort(own)
            ordered[start:stop] = own[by_value]
            rank[start + by_value] = np.arange(start, stop, dtype=np.int32)
        return rank, ordered

    def statistics(self, wanted: Collection[str], windows: Windows) -> Columns:
        """The wanted statistics, one value per cut-off, null where undefined."""
        present = windows.all_rows if self.valid is None else windows.presence(self.valid)
        columns = {"count": column(present.count, pa.int64())} if "count" in wanted else {}
        if not {"mean", "std", "slope"}.isdisjoint(wanted):
            columns |= self._moments(wanted, present, windows)
        if not {"min", "max"}.isdisjoint(wanted):
            columns |= self._extremes(present, windows)
        columns |= _ends(self.values, present, wanted)
        shares = {name: share for name, share in QUANTILES.items() if name in wanted}
        if shares:
            found = self._quantiles(np.array(list(shares.values())), windows)
            columns |= {name: column(found[i], pa.float64(), present.found) for i, name in enumerate(shares)}
        return {name: columns[name] for name in wanted if name in columns}

    def _moments(self, wanted: Collection[str], present: Presence, windows: Windows) -> Columns:
        """Mean, std and slope. A window with an infinite value has the mean IEEE gives it, and NaN else."""
        x, finite, within = self.x, self.valid, present
        if self.infinite:
            finite = valid_rows(np.isfinite(x))
            x, within = np.where(finite.flags, x, 0.0), windows.presence(finite)
        mean, std, slope = (empty(len(windows.cut), np.float64) for _ in range(3))
        rows = (None, None) if finite is None else (finite.flags, finite.following)
        known = (x, *rows, within.count, within.head, *windows.halves)
        window_kernels.moments(*known, mean, std)
        if "slope" in wanted:
            window_kernels.slopes(windows.times, *known, slope)
        if self.infinite:
            above = window_kernels.count_flagged(self.x == np.inf, *windows.spans) > 0
            below = window_kernels.count_flagged(self.x == -np.inf, *windows.spans) > 0
            mean[above], mean[below], mean[above & below] = np.inf, -np.inf, np.nan
            std[above | below] = slope[above | below] = np.nan
        return {
            "mean": column(mean, pa.float64(), present.found),
            "std": column(std, pa.float64(), present.several),
            "slope": column(slope, pa.float64(), present.distinct),
        }

    def _extremes(self, present: Presence, windows: Windows) -> Columns:
        kind = pa.float64() if pa.types.is_null(self.values.type) else self.values.type
        if pa.types.is_floating(kind):
            wide, down, up, lowest, highest = pa.float64(), self.x, self.x, -np.inf, np.inf
        else:
            wide = pa.uint64() if pa.types.is_uint64(kind) else pa.int64()
            integers = self.values.cast(wide)
            ends = np.iinfo(wide.to_pandas_dtype())
            lowest, highest = ends.dtype.type(ends.min), ends.dtype.type(ends.max)
            down, up = integers.fill_null(highest).to_numpy(), integers.fill_null(lowest).to_numpy()
        least, most = empty(len(windows.cut), down.dtype.type), empty(len(windows.cut), down.dtype.type)
        window_kernels.extremes(down, up, *windows.halves, lowest, highest, least, most)
        for values in (least, most):
            values[present.nowhere] = 0
        return {
            name: column(values, wide, present.found).cast(kind)
            for name, values in (("min", least), ("max", most))
        }

    def _quantiles(self, shares: Floats, windows: Windows) -> Floats:
        valid = np.ones(len(self.x), np.bool_) if self.valid is None else self.valid.flags
        result = empty(len(shares) * len(windows.cut), np.float64).reshape(len(shares), -1)
        if windows.rows > max(2 * len(self.x), LARGE * len(windows.cut)):
            quantile_kernels.rolling(*self.ranks, valid, *windows.spans, shares, result)
        else:
            sorted_kernels.sliding(self.x, valid, *windows.spans, shares, result)
        return result


@dataclass(frozen=True)
class Categories:
    """A categorical column in the order of the observations; `states` are texts (`true` of a bool)."""

    values: pa.Array
    states: Sequence[str] = ()

    @cached_property
    def valid(self) -> Valid:
        """The rows with a value."""
        return valid_rows(self.values.is_valid().to_numpy(zero_copy_only=False))

    @cached_property
    def codes(self) -> npt.NDArray[np.int32]:
        """A number for each value, -1 for null."""
        codes: npt.NDArray[np.int32] = self.values.dictionary_encode().indices.fill_null(-1).to_numpy()
        return codes

    def statistics(self, wanted: Collection[str], windows: Windows) -> Columns:
        """The wanted statistics, one value per cut-off, null where a window has no value.

        `share_<state>` is the share of the rows with a value that are in that state.
        """
        present = windows.presence(self.valid)
        columns: Columns = {}
        for name in wanted:
            if name == "last":
                columns |= _ends(self.values, present, ["last"])
            elif name == "changes":
                count = window_kernels.changes(self.codes, *windows.spans)
                columns[name] = column(count, pa.int64(), present.found)
            elif name == "share":
                columns |= self._shares(present, windows)
        return columns

    def _shares(self, present: Presence, windows: Windows) -> Columns:
        texts, columns = self.values.cast(pa.string()), {}
        for state in self.states:
            flagged = pc.fill_null(pc.equal(texts, state), False).to_numpy(zero_copy_only=False)
            rows = window_kernels.count_flagged(flagged, *windows.spans)
            share = rows / np.maximum(present.count, 1)
            columns[f"share_{state}"] = column(share, pa.float64(), present.found)
        return columns


def _ends(values: pa.Array, present: Presence, wanted: Collection[str]) -> Columns:
    rows: dict[str, Int64s] = {"first": present.head, "last": present.foot}
    return {name: _at(values, at, present) for name, at in rows.items() if name in wanted}


def _at(values: pa.Array, rows: Int64s, present: Presence) -> pa.Array:
    """The values at `rows`, null where a window has none."""
    if not is_numeric(values.type) or pa.types.is_null(values.type) or not len(values):
        return gather(values, column(rows, pa.int64(), present.found))
    data = np.frombuffer(values.buffers()[1], values.type.to_pandas_dtype())
    chosen = empty(len(rows), data.dtype.type)
    np.take(data[values.offset :], rows, out=chosen, mode="clip")
    chosen[present.nowhere] = 0
    return column(chosen, values.type, present.found)
