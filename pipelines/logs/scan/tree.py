"""The scanner's tables: what is declared, and where the cells it finds are kept."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

MISSING, NULL, FALSE, TRUE, INT, FLOAT, STRING = range(7)
NONE: Final = -1
ODD: Final = -1
PADDING: Final = 72
WORDS: Final = 8
MAX_KEY: Final = 8 * WORDS - 1
KEY, VALUE, WHEN = range(3)

Ints = npt.NDArray[np.int64]
Words = npt.NDArray[np.uint64]


class Tree(NamedTuple):
    """What is declared, as arrays.

    Children of node n are `first[n]:first[n + 1]`; `words`, `masks` and `length` are a child's key. A child
    leads to a leaf column, to a node when its value is an object, or to a table when its value is a record or
    a list of records; NONE where it does not. Columns of table t are `columns[t]:columns[t + 1]`; `record[t]`
    is the node of its records. Table 0 has one row a message. A table is `keyed` when it is filled from
    key-value pairs: the children of that node are the keys, and its first column is the pairs' time.
    """

    first: Ints
    words: Words
    masks: Words
    length: Ints
    leaf: Ints
    into: Ints
    table: Ints
    columns: Ints
    record: Ints
    keyed: Ints


class Arena(NamedTuple):
    """Cells found: those of column c at `base[c]`, one a row.

    `values` holds ints, and `start << 32 | length` of strings in the buffer; `floats` is the same memory and
    holds doubles. `message` tells the message of a table's row, at `rows_base[t]`.
    """

    capacity: Ints
    base: Ints
    kinds: npt.NDArray[np.uint8]
    values: Ints
    floats: npt.NDArray[np.float64]
    rows_base: Ints
    message: Ints
