"""Taking rows and comparing values column by column, such that equal content gives equal bytes.

Two things make equal columns differ in a file: how they are cut into chunks, and the order of a dictionary.
Every column made here is one chunk, and a dictionary holds the values in use, ascending (one declared as
ordered stays as declared).
"""

from typing import TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.contract import Int64s, one_chunk
from features.schema import ROBOT

Value = TypeVar("Value", bound=np.generic)


def empty(size: int, dtype: type[Value]) -> npt.NDArray[Value]:
    """An array not yet filled, in Arrow's pool: memory is kept warm between calls."""
    return np.frombuffer(pa.allocate_buffer(size * np.dtype(dtype).itemsize), dtype)


def column(values: npt.NDArray[np.generic], kind: pa.DataType, known: pa.Buffer | None = None) -> pa.Array:
    """The values as an Arrow array without a copy; `known` is a validity bitmap, None when all are."""
    return pa.Array.from_buffers(kind, len(values), [known, pa.py_buffer(values)])


def bitmap(flags: npt.NDArray[np.bool_]) -> pa.Buffer:
    """Flags as Arrow's validity bits."""
    return pa.py_buffer(np.packbits(flags, bitorder="little"))


def take(table: pa.Table, rows: Int64s | None) -> pa.Table:
    """The table's rows in that order (None: all, as they are); `robot_id` as plain strings."""
    columns = [
        gather(table.column(name).cast(pa.string()) if name == ROBOT else table.column(name), rows)
        for name in table.column_names
    ]
    fields = [field.with_type(values.type) for field, values in zip(table.schema, columns, strict=True)]
    return pa.table(columns, schema=pa.schema(fields))


def gather(values: pa.ChunkedArray | pa.Array, rows: Int64s | pa.Array | None) -> pa.Array:
    """The values at `rows`, null where a row is negative or null; None takes all.

    The type is kept, but that a view of text becomes plain text.
    """
    if isinstance(values, pa.ChunkedArray):
        values = one_chunk(values)
    if pa.types.is_string_view(values.type):
        values = values.cast(pa.string())
    if isinstance(rows, np.ndarray):
        rows = pa.array(rows, mask=rows < 0)
    if rows is not None:
        values = values.take(rows)
    return _ascending(values) if pa.types.is_dictionary(values.type) and not values.type.ordered else values


def later(one: pa.Array, other: pa.Array) -> pa.Array:
    """The later of two timestamps, row by row; null only where both are."""
    return pc.max_element_wise(one.cast(pa.int64()), other.cast(pa.int64())).cast(one.type)


def ranks(table: pa.Table) -> Int64s:
    """Rank of each row by its values, the first column first: 0, 1, 2 … without gaps, equal rows equal.

    Independent of the order of the rows. Null equals null and NaN equals NaN; both rank last.
    """
    result = np.zeros(table.num_rows, dtype=np.int64)
    for column in table.columns:
        rank = _dense_rank(one_chunk(column))
        result = np.unique(result * (rank.max(initial=0) + 1) + rank, return_inverse=True)[1]
    return result


def _dense_rank(values: pa.Array) -> Int64s:
    kind = values.type
    if pa.types.is_null(kind):
        return np.zeros(len(values), dtype=np.int64)
    if pa.types.is_dictionary(kind):
        return _dense_rank(values.cast(kind.value_type))
    if pa.types.is_float16(kind):
        values = values.cast(pa.float32())
    elif pa.types.is_nested(kind):
        values = pa.array(
            [None if value is None else repr(value) for value in values.to_pylist()], pa.string()
        )
    rank: Int64s = pc.rank(values, sort_keys="ascending", tiebreaker="dense").to_numpy().astype(np.int64)
    return rank


def _ascending(values: pa.DictionaryArray) -> pa.DictionaryArray:
    kind = values.type
    plain = values.cast(kind.value_type)
    used = pc.unique(plain.drop_null())
    used = used.take(pc.sort_indices(used))
    indices = pc.index_in(plain, value_set=used).cast(kind.index_type)
    return pa.DictionaryArray.from_arrays(indices, used)
