from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import DataError
from reports.survival import kaplan_meier

DURATIONS = st.lists(st.tuples(st.integers(0, 12), st.booleans()), max_size=30)
# Freireich et al. (1963), 6-mercaptopurine: weeks of remission, the data every textbook checks with.
WEEKS = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
RELAPSED = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0]


def slow(pairs: list[tuple[int, bool]]) -> dict[int, Fraction]:
    """S(t) by its definition, one failure time after another."""
    share, found = Fraction(1), {}
    for time in sorted({duration for duration, failed in pairs if failed}):
        at_risk = sum(duration >= time for duration, _ in pairs)
        failures = sum(duration == time and failed for duration, failed in pairs)
        share *= 1 - Fraction(failures, at_risk)
        found[time] = share
    return found


@given(DURATIONS)
def test_equals_the_definition(pairs: list[tuple[int, bool]]) -> None:
    curve = kaplan_meier(np.array([d for d, _ in pairs], float), np.array([f for _, f in pairs], bool))
    expected = slow(pairs)
    assert curve.time == tuple(expected)
    assert curve.share == pytest.approx([float(share) for share in expected.values()])
    assert curve.at_risk == tuple(sum(d >= time for d, _ in pairs) for time in expected)
    assert sum(curve.failures) == curve.observed == sum(failed for _, failed in pairs)
    assert curve.durations == len(pairs)


@given(DURATIONS)
def test_the_band_holds_the_curve_and_stays_a_share(pairs: list[tuple[int, bool]]) -> None:
    curve = kaplan_meier(np.array([d for d, _ in pairs], float), np.array([f for _, f in pairs], bool))
    for low, share, high in zip(curve.low, curve.share, curve.high, strict=True):
        assert 0 <= low <= share + 1e-12
        assert share <= high + 1e-12 <= 1 + 2e-12


def test_the_textbook_example() -> None:
    curve = kaplan_meier(np.array(WEEKS, float), np.array(RELAPSED, bool))
    assert curve.time == (6, 7, 10, 13, 16, 22, 23)
    assert np.round(curve.share, 3).tolist() == [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    assert np.round(curve.low, 3).tolist() == [0.620, 0.563, 0.503, 0.432, 0.368, 0.268, 0.188]
    assert np.round(curve.high, 3).tolist() == [0.952, 0.923, 0.889, 0.849, 0.805, 0.747, 0.680]
    assert curve.median == 23
    assert curve.median_interval == (13, None)


def test_nothing_observed_is_an_empty_curve() -> None:
    curve = kaplan_meier(np.array([]), np.array([], dtype=bool))
    assert (curve.time, curve.median, curve.durations, curve.end) == ((), None, 0, 0.0)


def test_no_failure_keeps_the_curve_at_one() -> None:
    curve = kaplan_meier(np.array([5.0, 9.0]), np.array([False, False]))
    assert (curve.time, curve.median, curve.end) == ((), None, 9.0)


@pytest.mark.parametrize(
    ("durations", "failed"), [([1.0, -2.0], [True, True]), ([np.nan], [True]), ([1.0], [True, False])]
)
def test_refuses_what_is_no_duration(durations: list[float], failed: list[bool]) -> None:
    with pytest.raises(DataError):
        kaplan_meier(np.array(durations), np.array(failed))
