"""Counts of rows a bin are those of a plain comparison in float64, whatever the size of the floats."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.tally import any_missing, bins

numbers = st.floats(width=32) | st.sampled_from([0.1, 1 / 3, 1e-45, 3.5e38, -3.5e38])


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@given(values=st.lists(numbers, max_size=30), edges=st.lists(numbers.filter(lambda x: x == x), max_size=9))
def test_bins(kind: Any, values: list[float], edges: list[float]) -> None:
    with np.errstate(over="ignore"):
        asked = np.array(values, kind)
    ascending = np.unique(np.array(edges, np.float64))
    wide = asked.astype(np.float64)
    known = wide[~np.isnan(wide)]
    place = np.searchsorted(ascending, known, side="right")
    expected = [*np.bincount(place, minlength=len(ascending) + 1), len(wide) - len(known)]
    assert bins(asked, ascending).tolist() == expected


def test_any_missing() -> None:
    assert any_missing(np.array([1, np.nan], np.float32))
    assert not any_missing(np.array([1, np.inf], np.float32))
    assert not any_missing(np.empty(0, np.float32))
