"""Feature columns become a float32 matrix the same way in training and in scoring, or not at all."""

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.contract import one_chunk
from features.errors import DataError
from features.schema import CUTOFF, IS_FAILURE_CUTOFF, LATEST_USED, ROBOT

KEYS = (ROBOT, CUTOFF, LATEST_USED, IS_FAILURE_CUTOFF)


def joined(windows: pa.Table, facts: pa.Table | None) -> pa.Table:
    """The feature columns of `windows` with each robot's facts beside them, in the order of `windows`.

    A robot without facts gets nulls. Raises `DataError` when a fact repeats a robot or takes a taken name.
    """
    table = windows.drop_columns([name for name in KEYS if name in windows.column_names])
    if facts is None or facts.num_rows == 0:
        return table
    if pc.count_distinct(facts[ROBOT]).as_py() != facts.num_rows:
        raise DataError("facts hold a robot more than once", hint="one row per robot")
    place = pc.index_in(windows[ROBOT].cast(pa.string()), value_set=facts[ROBOT].combine_chunks())
    for name in facts.column_names:
        if name == ROBOT:
            continue
        if name in table.column_names:
            raise DataError("a fact has the name of a feature", got=name, hint="rename the fact's stream")
        table = table.append_column(name, facts[name].take(place))
    return table


@dataclass(frozen=True, slots=True)
class Encoding:
    """Features in column order and, for categorical ones, the category of each code (0, 1, …)."""

    features: tuple[str, ...]
    categories: Mapping[str, tuple[str, ...]]

    @classmethod
    def learn(
        cls, table: pa.Table, kept: tuple[str, ...] = (), categorical: tuple[str, ...] = ()
    ) -> "Encoding":
        """Names and categories from the columns of `table` (the rows a model may know).

        `kept` are patterns of the columns to use (none: all), `categorical` of numbers that are categories.
        Raises `DataError` for a column that is neither a number nor a category, and for a pattern that
        matches no column.
        """
        names = matching(table.column_names, kept) if kept else tuple(table.column_names)
        told = set(matching(table.column_names, categorical))
        categories = {}
        for name in names:
            kind = table.schema.field(name).type
            if _categorical(kind) or name in told:
                seen = pc.unique(table[name].cast(pa.string())).drop_null().to_pylist()
                categories[name] = tuple(sorted(seen))
            elif not _numeric(kind):
                raise DataError(
                    "a feature is neither a number nor a category",
                    got=f"{name}: {kind}",
                    expected="number, bool, string or dictionary",
                    hint="times and lists are no features; derive a number from them",
                )
        return cls(names, categories)

    def matrix(self, table: pa.Table) -> NDArray[np.float32]:
        """Rows × features, float32, column by column in memory; null and unknown categories are NaN.

        A column this encoding does not know is ignored; one it misses raises `DataError`.
        """
        given = set(table.column_names)
        missing = [name for name in self.features if name not in given]
        if missing:
            raise DataError(
                "features the model needs are missing",
                got=", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else ""),
                hint="score with the features configuration the model was trained on, or train again",
            )
        matrix = np.empty((table.num_rows, len(self.features)), dtype=np.float32, order="F")
        with np.errstate(over="ignore"):
            for index, name in enumerate(self.features):
                self._fill(matrix[:, index], name, table[name])
        return matrix

    def _fill(self, values: NDArray[np.float32], name: str, column: pa.ChunkedArray) -> None:
        if name in self.categories:
            known = pa.array(self.categories[name], pa.string())
            column = pc.index_in(column.cast(pa.string()), value_set=known, skip_nulls=True)
        elif not _numeric(column.type):
            raise DataError("a numeric feature holds something else", got=f"{name}: {column.type}")
        array = one_chunk(column if column.type == pa.float64() else column.cast(pa.float64()))
        if not len(array):
            return
        known, data = array.buffers()
        rows = slice(array.offset, array.offset + len(array))
        values[:] = np.frombuffer(data, np.float64)[rows]
        if array.null_count:
            values[np.unpackbits(np.frombuffer(known, np.uint8), bitorder="little")[rows] == 0] = np.nan


def matching(names: Sequence[str], patterns: Sequence[str]) -> tuple[str, ...]:
    """The names any shell pattern matches, in order. Raises `DataError` for a pattern without a match."""
    found = {pattern: fnmatch.filter(names, pattern) for pattern in patterns}
    for pattern, matched in found.items():
        if not matched:
            raise DataError(
                "no feature matches the pattern",
                got=pattern,
                expected=f"features such as {', '.join(names[:3])}",
            )
    chosen = {name for matched in found.values() for name in matched}
    return tuple(name for name in names if name in chosen)


def _categorical(kind: pa.DataType) -> bool:
    return bool(pa.types.is_dictionary(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _numeric(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_null(kind)
    )
