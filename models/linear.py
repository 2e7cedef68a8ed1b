"""Rivals of the trees that read like a formula: logistic regression, and a threshold on one feature.

Both are weights in JSON, with the same three readings as trees: scores, contributions, gains.
"""

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.calibrate import Scores, expit, logit
from models.dataset import Flags

_STEPS = 50
_WIDEST = 8.0


def written(
    matrix: NDArray[np.float32], label: Flags, weight: Scores, *, penalty: float, only: int | None = None
) -> str:
    """A logistic regression with an L2 `penalty` on standardised features, as text.

    Missing values take the training mean, values farther than eight standard deviations are cut there, a
    feature without variance weighs nothing. `only` fits that one column: its threshold rule. Fitted by
    Newton's method (iteratively reweighted least squares), so the same rows give the same text.
    """
    with np.errstate(invalid="ignore"):
        known = ~np.isnan(matrix)
        count = np.maximum(known.sum(axis=0), 1)
        centre = np.where(known, matrix, 0).sum(axis=0, dtype=np.float64) / count
        spread = np.sqrt((np.where(known, matrix - centre, 0) ** 2).sum(axis=0, dtype=np.float64) / count)
    usable = spread > 1e-9 * np.maximum(np.abs(centre), 1e-9)
    if only is not None:
        usable &= np.arange(matrix.shape[1]) == only
    columns = np.flatnonzero(usable)
    values = _standard(matrix[:, columns], centre[columns], spread[columns])
    found = _newton(np.column_stack([values, np.ones(len(values))]), label, weight, penalty)
    coefficients = np.zeros(matrix.shape[1])
    coefficients[columns] = found[:-1]
    return json.dumps(
        {
            "weights": coefficients.tolist(),
            "centre": centre.tolist(),
            "spread": np.where(usable, spread, 1.0).tolist(),
            "intercept": float(found[-1]),
        }
    )


def is_linear(text: str) -> bool:
    """Whether the text of a model is weights, not trees."""
    return text.startswith("{")


def score(text: str, matrix: NDArray[np.float32]) -> Scores:
    """Log-odds of the rows."""
    return np.asarray(contributions(text, matrix).sum(axis=1))


def contributions(text: str, matrix: NDArray[np.float32]) -> Scores:
    """Rows × (features + 1): what each feature adds to the log-odds, the last column the intercept."""
    told = _read(text)
    shares = _standard(matrix, told["centre"], told["spread"]) * told["weights"]
    return np.column_stack([shares, np.full(len(matrix), told["intercept"])])


def gains(text: str) -> Scores:
    """How much each feature moves the log-odds: the size of its standardised weight."""
    return np.asarray(np.abs(_read(text)["weights"]))


def _read(text: str) -> dict[str, Any]:
    return {name: np.asarray(value, dtype=np.float64) for name, value in json.loads(text).items()}


def _standard(matrix: NDArray[np.float32], centre: Scores, spread: Scores) -> Scores:
    moved = np.clip((matrix - centre) / spread, -_WIDEST, _WIDEST)
    return np.asarray(np.where(np.isnan(moved), 0.0, moved))


def _newton(values: Scores, label: Flags, weight: Scores, penalty: float) -> Scores:
    ridge = np.full(values.shape[1], max(penalty, 1e-3))
    ridge[-1] = 0.0
    found = np.zeros(values.shape[1])
    found[-1] = logit(np.array([np.average(label, weights=weight)]))[0]
    loss = _loss(values, label, weight, ridge, found)
    for _ in range(_STEPS):
        chance = expit(values @ found)
        gradient = values.T @ (weight * (chance - label)) + ridge * found
        curved = values.T @ (values * (weight * np.maximum(chance * (1 - chance), 1e-6))[:, None])
        step = np.linalg.solve(curved + np.diag(ridge + 1e-9), gradient)
        damp = 1.0
        while damp > 1e-6 and _loss(values, label, weight, ridge, found - damp * step) > loss:
            damp /= 2
        found = found - damp * step
        before, loss = loss, _loss(values, label, weight, ridge, found)
        if before - loss < 1e-9 * len(values):
            break
    return found


def _loss(values: Scores, label: Flags, weight: Scores, ridge: Scores, found: Scores) -> float:
    odds = values @ found
    return float(weight @ (np.logaddexp(0, odds) - label * odds) + ridge @ found**2 / 2)
