"""How often robots fail per hour of operation, with intervals that hold for few failures, and none."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

_ALPHA: Final = 0.05
_DRAWS: Final = 999

Counts = NDArray[np.int64]
Hours = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rate:
    """Failures over hours of operation, per hour, with the exact 95 % Poisson interval.

    `mtbf` is hours per failure, from `mtbf_low` to `mtbf_high`; None where it has no bound. Everything but
    the counts is None without hours.
    """

    failures: int
    hours: float
    per_hour: float | None
    low: float | None
    high: float | None

    @property
    def mtbf(self) -> float | None:
        """Mean operating time between failures in hours; None without a failure."""
        return _inverse(self.per_hour)

    @property
    def mtbf_low(self) -> float | None:
        """Lower 95 % bound of the MTBF, in hours."""
        return _inverse(self.high)

    @property
    def mtbf_high(self) -> float | None:
        """Upper 95 % bound of the MTBF, in hours; None without a failure."""
        return _inverse(self.low)


def rate(failures: int, hours: float) -> Rate:
    """The rate of a Poisson process from one count (Garwood 1936: quantiles of the gamma distribution)."""
    from scipy.special import gammaincinv

    if hours <= 0:
        return Rate(failures, hours, None, None, None)
    low = float(gammaincinv(failures, _ALPHA / 2)) if failures else 0.0
    high = float(gammaincinv(failures + 1, 1 - _ALPHA / 2))
    return Rate(failures, hours, failures / hours, low / hours, high / hours)


def differ(failures: Counts, hours: Hours, cohort: Counts, seed: int = 0) -> float:
    """P-value of "these cohorts fail at one rate", by dealing the robots to the cohorts anew.

    `failures`, `hours` and `cohort` (0, 1, …) per robot. The statistic is the likelihood ratio of cohort
    rates against one rate; robots are dealt 999 times with the cohort sizes kept, so a single bad robot does
    not make its cohort bad (a permutation test; the cohorts as observed count as one draw).
    """
    return _dealt(lambda dealt: _spread(failures, hours, dealt), cohort, seed)


def apart(above: Hours, below: Hours, cohort: Counts, seed: int = 0) -> float:
    """P-value of "the ratio Σ above / Σ below is the same in these cohorts", by the same permutation test.

    The statistic is Σ below (ratio − common ratio)² over cohorts. Both per robot, 0 and 0 where unknown.
    """
    return _dealt(lambda dealt: _variance(above, below, dealt), cohort, seed)


def _dealt(statistic: Callable[[Counts], float], cohort: Counts, seed: int) -> float:
    generator = np.random.default_rng(seed)
    observed = statistic(cohort)
    drawn = [statistic(generator.permutation(cohort)) for _ in range(_DRAWS)]
    limit = observed - 1e-9 * max(1.0, abs(observed))
    return (1 + sum(value >= limit for value in drawn)) / (1 + _DRAWS)


def _variance(above: Hours, below: Hours, cohort: Counts) -> float:
    a, b = np.bincount(cohort, weights=above), np.bincount(cohort, weights=below)
    known = b > 0
    ratio = a[known] / b[known]
    return float(np.sum(b[known] * (ratio - a.sum() / b.sum()) ** 2)) if known.any() else 0.0


def _spread(failures: Counts, hours: Hours, cohort: Counts) -> float:
    """Σ k log(k / (λ T)) over cohorts, λ the common rate."""
    k, t = np.bincount(cohort, weights=failures), np.bincount(cohort, weights=hours)
    common = k.sum() / t.sum() if t.sum() else 0.0
    some = (k > 0) & (t > 0)
    return float(np.sum(k[some] * np.log(k[some] / (common * t[some])))) if common else 0.0


def _inverse(value: float | None) -> float | None:
    return 1 / value if value else None
