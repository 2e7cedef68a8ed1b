"""Compiled counts over whole columns, because every feature of every row is looked at for drift.

A matrix is counted column by column; one whose columns are contiguous (Fortran order) is not copied.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Counts = NDArray[np.int64]


def bins(
    matrix: NDArray[Any], edges: Sequence[NDArray[np.float64]], first: int = 0, last: int | None = None
) -> list[Counts]:
    """How many of the rows `[first, last)` fall in each bin `[edge, edge)` of each column, missing ones last.

    `edges` ascend and are compared as float64, whatever the size of the floats.
    """
    ends = np.concatenate([np.empty(0), *edges])
    if matrix.dtype == np.float32:
        with np.errstate(over="ignore"):
            near = ends.astype(np.float32)
        ends = np.where(near < ends, np.nextafter(near, np.float32(np.inf)), near)
    bounds = np.cumsum([0, *map(len, edges)])
    rows = len(matrix) if last is None else last
    counts = _counts(np.ascontiguousarray(matrix.T), first, rows, ends, bounds)
    return np.split(counts, bounds[1:] + 2 * np.arange(1, len(bounds)))[:-1]


def missing(matrix: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which columns hold a NaN."""
    none = np.zeros(matrix.shape[1] + 1, np.int64)
    known = _counts(np.ascontiguousarray(matrix.T), 0, len(matrix), np.empty(0, matrix.dtype), none)
    return np.asarray(known[1::2] > 0)


@njit(cache=True, nogil=True)
def _counts(columns, first, last, edges, bounds):  # type: ignore[no-untyped-def]
    """Rows below the first edge of each column, in its bins, at or above the last, and missing.

    Edges of column j are `edges[bounds[j]:bounds[j + 1]]`; a pass an edge beats a search.
    """
    found = np.empty(edges.size + 2 * columns.shape[0], np.int64)
    place = 0
    for j in range(columns.shape[0]):
        values = columns[j, first:last]
        known = np.int32(0)
        for i in range(values.size):
            known = np.int32(known + np.int32(values[i] == values[i]))
        before = known
        for e in range(bounds[j], bounds[j + 1]):
            above, edge = np.int32(0), edges[e]
            for i in range(values.size):
                above = np.int32(above + np.int32(values[i] >= edge))
            found[place] = before - above
            before = above
            place += 1
        found[place] = before
        found[place + 1] = values.size - known
        place += 2
    return found
