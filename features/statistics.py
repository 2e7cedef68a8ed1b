"""The statistics of a window, and the Arrow columns they make.

Numbers have count, mean, std, min, max, first, last, slope, p10, p50, p90; categories have last, changes and
the share of rows in each declared state. Selections (min, max, first, last) keep the column's own type, so an
integer stays an integer; counts are int64 and the rest float64. Nulls and NaN are skipped.
"""

from typing import Final

import numpy as np
import pyarrow as pa

from features.columns import column, empty, gather
from features.contract import Int64s
from features.spans import Presence

NUMERIC: Final = ("count", "mean", "std", "min", "max", "first", "last", "slope", "p10", "p50", "p90")
STATISTICS: Final = (*NUMERIC, "changes", "share")
QUANTILES: Final = {"p10": 0.1, "p50": 0.5, "p90": 0.9}

Columns = dict[str, list[pa.Array]]  # statistic → a column of it for each column summarised


def is_numeric(kind: pa.DataType) -> bool:
    """Integers and floats; the null type counts as a float column without a value."""
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind))


def is_categorical(kind: pa.DataType) -> bool:
    """Text and booleans."""
    return bool(pa.types.is_boolean(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind))


def at(values: pa.Array, rows: Int64s, present: Presence) -> pa.Array:
    """The values at `rows`, null where a window has none."""
    if not is_numeric(values.type) or pa.types.is_null(values.type) or not len(values):
        return gather(values, column(rows, pa.int64(), present.found))
    data = np.frombuffer(values.buffers()[1], values.type.to_pandas_dtype())
    chosen = empty(len(rows), data.dtype.type)
    np.take(data[values.offset :], rows, out=chosen, mode="clip")
    chosen[present.nowhere] = 0
    return column(chosen, values.type, present.found)
