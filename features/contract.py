"""What every table given to this package must be, checked at the door so that the arithmetic need not ask.

A broken contract raises DataError saying what, got, expected and what to do; nothing is converted silently.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.errors import DataError
from features.schema import RECV_TS, ROBOT, TIMESTAMP, TS

Int64s = npt.NDArray[np.int64]


def require_table(table: object, what: str) -> pa.Table:
    """The argument itself when it is a `pyarrow.Table`; else DataError."""
    if isinstance(table, pa.Table):
        names = table.column_names
        twice = (
            sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
        )
        if twice:
            raise DataError(f"{what} has columns of the same name", got=twice, hint="rename or drop them")
        return table
    raise DataError(
        f"{what} is not a table",
        got=type(table).__name__,
        expected="pyarrow.Table",
        hint="pa.Table.from_pandas(frame, preserve_index=False) makes one; features.frames takes pandas",
    )


def require_columns(table: pa.Table, names: Iterable[str], what: str) -> None:
    """DataError unless the table has every named column."""
    missing = [name for name in names if name not in table.column_names]
    if missing:
        raise DataError(
            f"{what} lacks a column",
            got=table.column_names,
            expected=missing,
            hint=f"rename the column that holds it to {missing[0]!r}",
        )


def robot_column(table: pa.Table, what: str) -> pa.ChunkedArray:
    """`robot_id` as text or a dictionary of texts; DataError where it is none, or null."""
    require_columns(table, [ROBOT], what)
    column = table.column(ROBOT)
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)):
        raise DataError(
            f"{what}.{ROBOT} has the wrong type",
            got=column.type,
            expected="string",
            hint=f"cast it: table.set_column(i, {ROBOT!r}, table[{ROBOT!r}].cast(pa.string()))",
        )
    _refuse_nulls(column, f"{what}.{ROBOT}")
    return column if pa.types.is_dictionary(column.type) else column.cast(pa.string())


def times(table: pa.Table, name: str, what: str, *, nulls: Int64s | None = None) -> Int64s:
    """A time column as int64 ns since the epoch, without a copy where it is one chunk.

    The type must be exactly timestamp[ns, UTC]. Nulls raise DataError, or become `nulls` where given.
    """
    require_columns(table, [name], what)
    column = table.column(name)
    if column.type != TIMESTAMP:
        naive = pa.types.is_timestamp(column.type) and column.type.tz is None
        raise DataError(
            f"{what}.{name} has the wrong type",
            got=column.type,
            expected=TIMESTAMP,
            hint="state the zone first: pc.assume_timezone(column, 'UTC')"
            if naive
            else "cast it: column.cast(pa.timestamp('ns', tz='UTC'))",
        )
    if nulls is None:
        _refuse_nulls(column, f"{what}.{name}")
    known = one_chunk(column).cast(pa.int64())
    if nulls is None or known.null_count == 0:
        values: Int64s = known.to_numpy(zero_copy_only=known.null_count == 0)
        return values
    return np.where(
        pc.is_null(known).to_numpy(zero_copy_only=False), nulls, pc.fill_null(known, 0).to_numpy()
    )


def arrivals(table: pa.Table, what: str) -> Int64s:
    """`recv_ts` in ns; where the column or a value is missing, the event time stands in for it."""
    ts = times(table, TS, what)
    return times(table, RECV_TS, what, nulls=ts) if RECV_TS in table.column_names else ts


def one_chunk(column: pa.ChunkedArray) -> pa.Array:
    """The column as one contiguous array (no copy when it is one chunk already)."""
    if column.num_chunks == 1:
        return column.chunk(0)
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _refuse_nulls(column: pa.ChunkedArray, name: str) -> None:
    in_dictionary = pa.types.is_dictionary(column.type) and any(
        chunk.dictionary.null_count for chunk in column.chunks
    )
    if column.null_count or in_dictionary:
        raise DataError(
            f"{name} has nulls",
            got="nulls in the dictionary" if in_dictionary else f"{column.null_count} of {len(column)}",
            expected="none: a key is always known",
            hint="drop the rows, or send them to quarantine",
        )
