"""Counts of rows a bin are those of a plain comparison in float64, whatever the size of the floats."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.tally import bins, missing

numbers = st.floats(width=32) | st.sampled_from([0.1, 1 / 3, 1e-45, 3.5e38, -3.5e38])


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@given(
    rows=st.integers(0, 30),
    ends=st.lists(st.lists(numbers.filter(lambda x: x == x), max_size=9), max_size=3),
    first=st.integers(0, 9),
    data=st.data(),
)
def test_bins(kind: Any, rows: int, ends: list[list[float]], first: int, data: st.DataObject) -> None:
    values = data.draw(st.lists(numbers, min_size=rows * len(ends), max_size=rows * len(ends)))
    with np.errstate(over="ignore"):
        matrix = np.array(values, kind).reshape(rows, len(ends))
    edges = [np.unique(np.array(asked, np.float64)) for asked in ends]
    expected = []
    for column, ascending in zip(matrix.astype(np.float64).T, edges, strict=True):
        mine = column[first:]
        known = mine[~np.isnan(mine)]
        place = np.searchsorted(ascending, known, side="right")
        expected.append([*np.bincount(place, minlength=len(ascending) + 1), len(mine) - len(known)])
    found = bins(matrix, edges, min(first, rows))
    assert [counts.tolist() for counts in found] == expected


@pytest.mark.parametrize("order", ["C", "F"])
def test_missing(order: Any) -> None:
    matrix = np.array([[1, np.nan, np.inf], [2, 3, 4]], np.float32, order=order)
    assert missing(matrix).tolist() == [False, True, False]
    assert missing(matrix[:0]).tolist() == [False] * 3
    assert missing(matrix[:, :0]).tolist() == []
