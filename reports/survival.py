"""How long robots run before they fail, honest about those that have not failed yet."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from features.errors import DataError

Z95: Final = 1.959963984540054

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Survival:
    """A Kaplan–Meier curve: at each `time` with a failure, the share that runs longer, with its 95 % band.

    `at_risk` and `failures` count durations at that time; `durations` and `observed` all of them. The curve
    is 1 before its first time. `end` is the longest duration, failed or not.
    """

    time: tuple[float, ...]
    share: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    at_risk: tuple[int, ...]
    failures: tuple[int, ...]
    durations: int
    observed: int
    end: float

    @property
    def median(self) -> float | None:
        """The time by which half have failed; None when the curve stays above one half."""
        return _first_at_half(self.time, self.share)

    @property
    def median_interval(self) -> tuple[float | None, float | None]:
        """95 % interval of the median: where the band crosses one half (Brookmeyer & Crowley 1982)."""
        return _first_at_half(self.time, self.low), _first_at_half(self.time, self.high)


def kaplan_meier(durations: Numbers, failed: NDArray[np.bool_]) -> Survival:
    """The product-limit estimate of Kaplan & Meier (1958) from durations above 0, in any unit.

    `failed` is False where a duration was still running when observation ended (right-censored); durations
    censored at a failure's time count as at risk there. The band is Greenwood's variance on the
    log(−log S) scale (Kalbfleisch & Prentice 1980), which stays within 0 and 1; where the curve reaches 0 the
    band closes on 0. Raises DataError when lengths differ or a duration is negative or no number.
    """
    durations, failed = np.asarray(durations, np.float64), np.asarray(failed, np.bool_)
    if durations.shape != failed.shape:
        raise DataError("durations and failed differ in length", got=(durations.size, failed.size))
    if not (durations >= 0).all():
        raise DataError("a duration is negative or no number", got=durations[~(durations >= 0)][0])
    time, deaths = np.unique(durations[failed], return_counts=True)
    at_risk = durations.size - np.searchsorted(np.sort(durations), time, side="left")
    share = np.cumprod(1 - deaths / at_risk)
    with np.errstate(divide="ignore", invalid="ignore"):
        greenwood = np.cumsum(deaths / (at_risk * (at_risk - deaths)))
        spread = np.exp(Z95 * np.sqrt(greenwood) / np.abs(np.log(share)))
        low, high = share**spread, share ** (1 / spread)
    gone = share == 0
    return Survival(
        time=tuple(time.tolist()),
        share=tuple(share.tolist()),
        low=tuple(np.where(gone, 0.0, low).tolist()),
        high=tuple(np.where(gone, 0.0, high).tolist()),
        at_risk=tuple(at_risk.tolist()),
        failures=tuple(deaths.tolist()),
        durations=durations.size,
        observed=int(failed.sum()),
        end=float(durations.max()) if durations.size else 0.0,
    )


def _first_at_half(time: tuple[float, ...], share: tuple[float, ...]) -> float | None:
    return next((t for t, s in zip(time, share, strict=True) if s <= 0.5), None)
