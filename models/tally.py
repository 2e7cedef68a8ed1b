"""Compiled counts over whole columns, because every feature of every row is looked at for drift."""

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray


def bins(values: NDArray[Any], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rows in each bin `[edge, edge)` of ascending edges, the missing ones last; floats of either size."""
    if values.dtype == np.float32:
        with np.errstate(over="ignore"):
            near = edges.astype(np.float32)
        edges = np.where(near < edges, np.nextafter(near, np.float32(np.inf)), near)
    reached = _reached(np.ascontiguousarray(values), edges)
    missing = len(values) - reached[0]
    return np.append(-np.diff(reached), missing)


def any_missing(values: NDArray[np.float32]) -> bool:
    """Whether any value is NaN."""
    return bool(_reached(np.ascontiguousarray(values), values[:0])[0] < len(values))


@njit(cache=True, nogil=True)
def _reached(values, edges):  # type: ignore[no-untyped-def]
    """How many values there are, how many at or above each edge, and 0; a pass an edge beats a search."""
    reached = np.zeros(edges.size + 2, np.int64)
    known = np.int32(0)
    for i in range(values.size):
        known = np.int32(known + np.int32(values[i] == values[i]))
    reached[0] = known
    for j in range(edges.size):
        above, edge = np.int32(0), edges[j]
        for i in range(values.size):
            above = np.int32(above + np.int32(values[i] >= edge))
        reached[j + 1] = above
    return reached
