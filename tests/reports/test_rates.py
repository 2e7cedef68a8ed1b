from itertools import permutations
from math import exp, lgamma, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.rates import differ, rate


def at_most(count: int, mean: float) -> float:
    """P(X ≤ count) of a Poisson count, term by term."""
    return sum(exp(-mean + k * log(mean) - lgamma(k + 1)) for k in range(count + 1))


@given(st.integers(0, 300), st.floats(0.01, 1e5))
def test_the_interval_ends_where_the_count_becomes_a_one_in_forty_surprise(
    failures: int, hours: float
) -> None:
    found = rate(failures, hours)
    assert found.per_hour == failures / hours
    assert found.low is not None
    assert found.high is not None
    assert at_most(failures, found.high * hours) == pytest.approx(0.025, rel=1e-6)
    if failures:
        assert 1 - at_most(failures - 1, found.low * hours) == pytest.approx(0.025, rel=1e-6)
    else:
        assert found.low == 0


def test_known_limits() -> None:
    """Garwood's table: 0 events up to 3.689, 10 events 4.795 to 18.390."""
    none, ten = rate(0, 1.0), rate(10, 1.0)
    assert none.high == pytest.approx(3.6889, abs=1e-4)
    assert (ten.low, ten.high) == (pytest.approx(4.7954, abs=1e-4), pytest.approx(18.3904, abs=1e-4))


def test_the_mean_time_between_failures_is_the_inverse() -> None:
    found = rate(4, 100.0)
    assert found.mtbf == 25
    assert found.mtbf_low == pytest.approx(1 / found.high)
    assert found.mtbf_high == pytest.approx(1 / found.low)


def test_without_a_failure_the_mtbf_has_only_a_lower_bound() -> None:
    found = rate(0, 100.0)
    assert (found.mtbf, found.mtbf_high) == (None, None)
    assert found.mtbf_low == pytest.approx(100 / 3.6889, abs=1e-3)


def test_without_hours_nothing_is_known() -> None:
    found = rate(3, 0.0)
    assert (found.per_hour, found.low, found.high, found.mtbf) == (None, None, None, None)


def test_p_value_is_the_share_of_dealings_as_extreme() -> None:
    failures, hours = np.array([9, 7, 0, 1, 0]), np.array([10.0, 12.0, 9.0, 11.0, 10.0])
    cohort = np.array([0, 0, 1, 1, 1])

    def spread(dealt: tuple[int, ...]) -> float:
        total = 0.0
        for group in (0, 1):
            mine = [i for i in range(5) if dealt[i] == group]
            k, t = sum(failures[i] for i in mine), sum(hours[i] for i in mine)
            total += k * log(k / t) if k else 0.0
        return total

    every = [spread(dealt) for dealt in permutations(cohort.tolist())]
    exact = np.mean([value >= spread(tuple(cohort.tolist())) - 1e-9 for value in every])
    assert differ(failures, hours, cohort) == pytest.approx(exact, abs=0.03)


def test_one_bad_robot_does_not_condemn_its_cohort() -> None:
    failures, hours = np.array([40] + [0] * 19), np.full(20, 100.0)
    assert differ(failures, hours, np.arange(20) % 2) > 0.5


def test_no_failures_no_difference() -> None:
    assert differ(np.zeros(4, np.int64), np.ones(4), np.array([0, 0, 1, 1])) == 1
