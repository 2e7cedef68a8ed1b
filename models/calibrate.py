"""Scores become probabilities on data later than the training rows, as a few numbers instead of a pickle."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from models.dataset import Flags

Scores = NDArray[np.float64]

ISOTONIC_FROM = 1000
PLATT_FROM = 20
_CERTAIN = 1e-9


@dataclass(frozen=True, slots=True)
class Calibration:
    """A rising, piecewise linear map from a score in log-odds to calibrated log-odds.

    `x`, `y` are the knots; beyond them the line goes on with `slope`. Being strictly rising (unless
    constant), it leaves the ranking alone. `kind` is `isotonic`, `platt`, `shift` or `constant`.
    """

    kind: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    slope: float

    def risk(self, score: Scores) -> Scores:
        """Probabilities in (0, 1) for scores in log-odds."""
        odds = np.interp(score, self.x, self.y)
        odds += self.slope * (np.minimum(score - self.x[0], 0) + np.maximum(score - self.x[-1], 0))
        return np.clip(expit(odds), _CERTAIN, 1 - _CERTAIN)

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        return {"kind": self.kind, "x": list(self.x), "y": list(self.y), "slope": self.slope}

    @classmethod
    def from_dict(cls, values: Mapping[str, object]) -> "Calibration":
        """The inverse of `to_dict`."""
        x, y = (tuple(float(number) for number in values[key]) for key in ("x", "y"))  # type: ignore[attr-defined]
        return cls(str(values["kind"]), x, y, float(values["slope"]))  # type: ignore[arg-type]


def constant(rate: float) -> Calibration:
    """Every score gets the same `rate`."""
    return Calibration("constant", (0.0,), (float(logit(np.array([rate]))[0]),), 0.0)


def fit(score: Scores, label: Flags) -> Calibration:
    """Fit on a slice later than training, by its smaller class: isotonic from 1000 rows, Platt from 20.

    With fewer only the level is shifted; without any positive the score stays as it is. Isotonic blocks
    (pool adjacent violators) are joined at their centres: centred isotonic regression, Oron & Flournoy 2017.
    """
    least = int(min(label.sum(), (~label).sum()))
    if least == 0:
        return Calibration("shift", (0.0,), (0.0,), 1.0)
    if least >= ISOTONIC_FROM:
        return _isotonic(score, label)
    if least >= PLATT_FROM:
        slope, intercept = _platt(score, label)
        if slope > 0:
            return Calibration("platt", (0.0,), (intercept,), slope)
    return Calibration("shift", (0.0,), (_shift(score, float(label.mean())),), 1.0)


def _isotonic(score: Scores, label: Flags) -> Calibration:
    order = np.argsort(score, kind="stable")
    values, sizes = pool(score[order], label[order].astype(np.float64))
    ends = np.cumsum(sizes)
    centres = np.array([score[order][a:b].mean() for a, b in zip(ends - sizes, ends, strict=True)])
    prevalence = float(label.mean())
    rates = np.maximum.accumulate((values * sizes + prevalence) / (sizes + 1))
    x, y = centres, logit(rates) + np.arange(len(rates)) * 1e-9
    return Calibration("isotonic", tuple(x.tolist()), tuple(y.tolist()), 1.0)


def pool(score: Scores, target: Scores) -> tuple[Scores, NDArray[np.int64]]:
    """Pool adjacent violators over rows sorted by score: block means and sizes (Ayer et al. 1955).

    Rows of equal score always share a block.
    """
    _, first, sizes = np.unique(score, return_index=True, return_counts=True)
    means: list[float] = []
    counts: list[int] = []
    for total, size in zip(np.add.reduceat(target, first), sizes, strict=True):
        mean, count = float(total) / int(size), int(size)
        while means and means[-1] >= mean:
            before, many = means.pop(), counts.pop()
            mean, count = (before * many + mean * count) / (many + count), many + count
        means.append(mean)
        counts.append(count)
    return np.array(means), np.array(counts, dtype=np.int64)


def _platt(score: Scores, label: Flags) -> tuple[float, float]:
    """Logistic regression on the score with Platt's smoothed targets, by damped Newton steps (Platt 1999)."""
    positives, negatives = int(label.sum()), int((~label).sum())
    target = np.where(label, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    slope, intercept = 1.0, _shift(score, float(label.mean()))
    loss = _loss(slope * score + intercept, target)
    for _ in range(100):
        chance = expit(slope * score + intercept)
        weight = chance * (1 - chance)
        gradient = np.array([np.sum((chance - target) * score), np.sum(chance - target)])
        cross = np.sum(weight * score)
        hessian = np.array([[np.sum(weight * score**2), cross], [cross, np.sum(weight)]]) + 1e-9 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        damp = 1.0
        while (
            damp > 1e-6
            and _loss((slope - damp * step[0]) * score + intercept - damp * step[1], target) > loss
        ):
            damp /= 2
        slope, intercept = slope - damp * step[0], intercept - damp * step[1]
        before, loss = loss, _loss(slope * score + intercept, target)
        if before - loss < 1e-10 * len(score):
            break
    return float(slope), float(intercept)


def _shift(score: Scores, rate: float) -> float:
    """The constant that makes the mean probability equal `rate` (bisection)."""
    low, high = -60.0, 60.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if expit(score + middle).mean() < rate else (low, middle)
    return (low + high) / 2


def _loss(odds: Scores, target: Scores) -> float:
    return float(np.sum(np.logaddexp(0, odds) - target * odds))


def expit(odds: Scores) -> Scores:
    """Log-odds to probability, never falling from one float to the next."""
    return np.asarray(special.expit(odds))


def logit(chance: Scores) -> Scores:
    """Probability, kept off 0 and 1, to log-odds."""
    kept = np.clip(chance, _CERTAIN, 1 - _CERTAIN)
    return np.asarray(np.log(kept) - np.log1p(-kept))
