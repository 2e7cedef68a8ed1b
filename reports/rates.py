"""How often robots fail per hour of operation, with intervals that hold for few failures, and none."""

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
    k, t = _dealt(failures, hours, cohort, seed)
    common = failures.sum() / hours.sum() if hours.sum() else 0.0
    some = (k > 0) & (t > 0)
    ratio = np.divide(k, common * t, out=np.ones_like(k), where=some)
    return _share(np.sum(k * np.log(ratio), axis=1))


def apart(above: Hours, below: Hours, cohort: Counts, seed: int = 0) -> float:
    """P-value of "the ratio Σ above / Σ below is the same in these cohorts", by the same permutation test.

    The statistic is Σ below (ratio − common ratio)² over cohorts. Both per robot, 0 and 0 where unknown.
    """
    a, b = _dealt(above, below, cohort, seed)
    common = above.sum() / below.sum() if below.sum() else 0.0
    ratio = np.divide(a, b, out=np.full_like(a, common), where=b > 0)
    return _share(np.sum(b * (ratio - common) ** 2, axis=1))


def _dealt(one: Counts | Hours, other: Hours, cohort: Counts, seed: int) -> tuple[Hours, Hours]:
    """Sums of both over each cohort: a row as observed, then one a dealing."""
    dealt = np.tile(cohort, (1 + _DRAWS, 1))
    dealt[1:] = np.random.default_rng(seed).permuted(dealt[1:], axis=1)
    weights = np.column_stack([one, other]).astype(np.float64)
    sums = np.stack(
        [(dealt == kind).astype(np.float64) @ weights for kind in range(cohort.max() + 1)], axis=1
    )
    return sums[:, :, 0], sums[:, :, 1]


def _share(statistic: Hours) -> float:
    """Share of the draws, the observed first, that are at least as extreme as the observed."""
    limit = statistic[0] - 1e-9 * max(1.0, abs(float(statistic[0])))
    return float((statistic >= limit).mean())


def _inverse(value: float | None) -> float | None:
    return 1 / value if value else None
