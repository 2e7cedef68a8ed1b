"""How the risk answers to one feature, all else as it was: partial dependence (Friedman 2001)."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.errors import NotFoundError
from models.artifact import Model

_MOST_ROWS = 2_000


def dependence(
    model: Model, windows: pa.Table, facts: pa.Table | None, feature: str, *, points: int = 20
) -> pa.Table:
    """Mean risk of the windows (thinned evenly to 2,000) with `feature` set to each of its quantiles.

    Columns: `value` (text; the category of a categorical feature), `risk`. Empty when the feature is never
    known. Raises `NotFoundError` for a feature the model does not have.
    """
    if feature not in model.encoding.features:
        raise NotFoundError("the model has no such feature", got=feature, hint="see features in its card")
    matrix = model.matrix(windows, facts)
    column = model.encoding.features.index(feature)
    known = matrix[:, column][~np.isnan(matrix[:, column])]
    matrix = matrix[:: max(1, -(-len(matrix) // _MOST_ROWS))].copy()
    names = model.encoding.categories.get(feature)
    if names is not None:
        values = np.unique(known)
    else:
        values = np.unique(np.quantile(known, _spread(points))) if len(known) else known
    risks = []
    for value in values:
        matrix[:, column] = value
        risks.append(float(model.risk(matrix).mean()))
    shown = [f"{value:.6g}" if names is None else names[int(value)] for value in values]
    return pa.table({"value": pa.array(shown, pa.string()), "risk": pa.array(risks, pa.float64())})


def _spread(points: int) -> NDArray[np.float64]:
    """Shares from 0 to 1, dense at both ends: failures are rare, and so are the values before them."""
    return np.asarray((1 - np.cos(np.linspace(0, np.pi, points))) / 2)
