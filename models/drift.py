"""A model is only as good as the likeness of today's data to what it was taught: PSI and KS, one table."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.schema import CUTOFF, TIMESTAMP
from models.artifact import Model
from models.dataset import Times
from models.learner import Matrix
from models.tally import bins

_QUANTILES = np.linspace(0, 1, 11)
_FLOOR = 1e-4
_DAY = 86_400 * 10**9
COUNTS = pa.schema([("day", pa.string()), ("feature", pa.string()), ("counts", pa.list_(pa.int64()))])
STABLE, SHIFTED, DRIFTED = "stable", "shifted", "drifted"

Values = NDArray[Any]


def reference(values: Values) -> dict[str, Any]:
    """What the training rows looked like: inner decile edges and the share of each bin, missing ones last."""
    known = values[~np.isnan(values)]
    edges = np.unique(np.quantile(known, _QUANTILES[1:-1])) if len(known) else np.empty(0)
    return {
        "edges": [float(edge) for edge in edges],
        "shares": _shares(values, edges).tolist(),
        "rows": len(values),
    }


def psi(expected: Sequence[float], actual: Sequence[float]) -> float:
    """Population stability index Σ (a − e) ln(a / e) over bin shares, floored at 0.0001.

    By custom below 0.1 is stable, above 0.25 drifted (Siddiqi 2006).
    """
    e, a = (np.maximum(np.asarray(shares, dtype=np.float64), _FLOOR) for shares in (expected, actual))
    return float(np.sum((a - e) * np.log(a / e)))


def ks(one: Values, other: Values) -> tuple[float, float]:
    """Two-sample Kolmogorov–Smirnov distance and its asymptotic p-value; NaN are left out.

    The p-value takes rows as independent, which neighbouring windows are not: read it as a lower bound.
    """
    one, other = np.sort(one[~np.isnan(one)]), np.sort(other[~np.isnan(other)])
    if not len(one) or not len(other):
        return 0.0, 1.0
    every = np.concatenate([one, other])
    gap = np.searchsorted(one, every, "right") / len(one) - np.searchsorted(other, every, "right") / len(
        other
    )
    return float(np.abs(gap).max()), _p_value(float(np.abs(gap).max()), len(one), len(other))


def adjusted(p_values: Sequence[float]) -> NDArray[np.float64]:
    """P-values corrected for many tests (Benjamini & Hochberg 1995)."""
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p)[::-1]
    raised = p[order] * len(p) / np.arange(len(p), 0, -1)
    result = np.empty(len(p))
    result[order] = np.minimum(np.minimum.accumulate(raised), 1.0)
    return result


def counted(model: Model, matrix: Matrix, risk: Values, cutoff: Times) -> pa.Table:
    """How many rows of each UTC day fall in each bin of the model's reference, per feature and for the risk.

    `matrix` and `risk` as the model gives them, `cutoff` in ns. Columns as `COUNTS`: `counts` has one entry a
    bin, missing ones last. Counts of robots and days add up, so that drift of a fleet needs no features.
    """
    kept: Mapping[str, dict[str, Any]] = model.card["reference"]
    days = cutoff // _DAY
    if (np.diff(days) < 0).any():
        order = np.argsort(days, kind="stable")
        matrix, risk, days = np.asfortranarray(matrix[order]), risk[order], days[order]
    edges = {name: np.asarray(of["edges"], np.float64) for name, of in kept.items()}
    features = [*model.encoding.features, "risk"]
    of = [edges.get(name, np.empty(0)) for name in features]
    found: dict[str, list[Any]] = {"day": [], "feature": [], "counts": []}
    for day in np.unique(days):
        start, stop = np.searchsorted(days, [day, day + 1])
        counts = bins(matrix, of[:-1], start, stop) + bins(risk[:, np.newaxis], of[-1:], start, stop)
        for name, count in zip(features, counts, strict=True):
            if name in kept:
                found["day"].append(str(np.datetime64(int(day), "D")))
                found["feature"].append(name)
                found["counts"].append(count)
    return pa.table(found, schema=COUNTS)


def against(reference: Mapping[str, Mapping[str, Any]], counts: pa.Table) -> pa.Table:
    """Drift of what was counted (`counted`, any robots and days below each other) from a card's `reference`.

    Columns: `feature`, `psi`, `ks` (largest gap at the reference's bin edges), `p_value` (adjusted),
    `missing_before`, `missing_now` (shares), `state` (stable below PSI 0.1, drifted above 0.25). Features the
    reference lacks are left out.
    """
    found = []
    for name, rows in _pooled(counts).items():
        if name not in reference or not rows.sum() or len(rows) != len(reference[name]["shares"]):
            continue
        before = reference[name]
        was, now = np.asarray(before["shares"]), rows / rows.sum()
        gap = float(np.abs(np.cumsum(now) - np.cumsum(was)).max())
        moved = psi(was.tolist(), now.tolist())
        found.append((name, moved, gap, was[-1], now[-1], _p_value(gap, before["rows"], int(rows.sum()))))
    return pa.table(
        {
            "feature": pa.array([entry[0] for entry in found], pa.string()),
            "psi": pa.array([entry[1] for entry in found], pa.float64()),
            "ks": pa.array([entry[2] for entry in found], pa.float64()),
            "p_value": pa.array(adjusted([entry[5] for entry in found]), pa.float64()),
            "missing_before": pa.array([entry[3] for entry in found], pa.float64()),
            "missing_now": pa.array([entry[4] for entry in found], pa.float64()),
            "state": pa.array([_state(entry[1]) for entry in found], pa.string()),
        }
    )


def compare(model: Model, windows: pa.Table, facts: pa.Table | None) -> pa.Table:
    """Drift of each feature and of the risk (`risk`) in these windows; columns as `against`."""
    matrix = model.matrix(windows, facts)
    cutoff = windows[CUTOFF].cast(TIMESTAMP).cast(pa.int64()).to_numpy()
    return against(model.card["reference"], counted(model, matrix, model.risk(matrix), cutoff))


def _pooled(counts: pa.Table) -> dict[str, NDArray[np.int64]]:
    """Feature → its counts summed over rows, in order of first appearance."""
    names = counts["feature"].unique().to_pylist()
    if not names:
        return {}
    feature = pc.index_in(counts["feature"], value_set=pa.array(names)).to_numpy()
    length = pc.list_value_length(counts["counts"]).to_numpy()
    values = pc.list_flatten(counts["counts"]).to_numpy()
    place = np.arange(len(values)) - np.repeat(np.cumsum(length) - length, length)
    widest = int(length.max())
    sums = np.bincount(np.repeat(feature, length) * widest + place, values, widest * len(names))
    bins = np.zeros(len(names), np.int64)
    np.maximum.at(bins, feature, length)
    return {
        name: row[:size].astype(np.int64)
        for name, row, size in zip(names, sums.reshape(-1, widest), bins, strict=True)
    }


def _state(value: float) -> str:
    return STABLE if value < 0.1 else SHIFTED if value <= 0.25 else DRIFTED


def _shares(values: Values, edges: Values) -> NDArray[np.float64]:
    return bins(values[:, np.newaxis], [edges])[0] / max(len(values), 1)


def _p_value(distance: float, one: int, other: int) -> float:
    """Kolmogorov's series with Stephens' small-sample correction (Numerical Recipes 14.3)."""
    root = np.sqrt(one * other / (one + other)) if one and other else 0.0
    scaled = (root + 0.12 + 0.11 / root) * distance if root else 0.0
    if scaled < 0.2:
        return 1.0
    terms = np.arange(1, 101)
    series = 2 * np.sum((-1.0) ** (terms - 1) * np.exp(-2 * terms**2 * scaled**2))
    return float(np.clip(series, 0.0, 1.0))
