"""A risk nobody can question is a risk nobody acts on: why this robot, in its own quantities."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.schema import CUTOFF, ROBOT, TIMESTAMP
from models.artifact import Model
from models.learner import contributions, filled
from models.naming import FeatureName, parse, quantity
from models.wording import as_usual, words

REASONS = pa.schema(
    [
        (ROBOT, pa.string()),
        (CUTOFF, TIMESTAMP),
        ("rank", pa.int32()),
        ("feature", pa.string()),
        ("stream", pa.string()),
        ("field", pa.string()),
        ("statistic", pa.string()),
        ("window", pa.string()),
        ("value", pa.string()),
        ("usual", pa.string()),
        ("unit", pa.string()),
        ("contribution", pa.float64()),
        ("window_contribution", pa.float64()),
        ("words", pa.string()),
    ]
)


def reasons(
    model: Model, windows: pa.Table, facts: pa.Table | None, rows: NDArray[np.int64], *, most: int = 5
) -> pa.Table:
    """What raised the risk of each of `rows`, strongest first; columns as `REASONS`.

    Contributions are TreeSHAP values in log-odds, summed over the statistics of one source (stream and
    field), so that one quantity is one reason, and within it over each window: `window` is the one that
    added most (`window_contribution`), `feature` its statistic that added most, of those whose `value` does
    not read like `usual` (median or most frequent of the training rows without failure) if any. Only sources
    that raise the risk are reasons. Empty for the constant-rate model.
    """
    if not model.text or not len(rows):
        return REASONS.empty_table()
    asked = windows.take(pa.array(rows))
    matrix = model.matrix(asked, facts)
    shares = contributions(model.text, filled(matrix, model.never_missing))[:, :-1]
    names = [parse(name) for name in model.encoding.features]
    windows_of = _windows(names)
    sources = sorted(windows_of)
    together = [np.sort(np.concatenate(list(windows_of[source].values()))) for source in sources]
    summed = np.stack([shares[:, columns].sum(axis=1) for columns in together], axis=1)
    robots = asked[ROBOT].cast(pa.string()).to_pylist()
    cutoffs = asked[CUTOFF].cast(TIMESTAMP).cast(pa.int64()).to_pylist()
    found = []
    for row in range(len(rows)):
        strongest = np.argsort(-summed[row], kind="stable")[:most]
        for rank, source in enumerate(strongest[summed[row][strongest] > 0], start=1):
            added = {window: shares[row][of].sum() for window, of in windows_of[sources[source]].items()}
            window = max(added, key=lambda name: (added[name], name))
            columns = windows_of[sources[source]][window]
            told = [
                _entry(model, names, int(column), matrix[row]) for column in _strongest(columns, shares[row])
            ]
            entry = next((one for one, differs in told if differs), told[0][0])
            strength = (float(summed[row][source]), float(added[window]))
            found.append((robots[row], cutoffs[row], rank, *entry[:-1], *strength, entry[-1]))
    filled_in = list(zip(*found, strict=True)) if found else [()] * len(REASONS)
    arrays = [
        pa.array(values, pa.int64()).cast(TIMESTAMP)
        if kind.type == TIMESTAMP
        else pa.array(values, kind.type)
        for values, kind in zip(filled_in, REASONS, strict=True)
    ]
    return pa.table(arrays, schema=REASONS)


def _windows(names: Sequence[FeatureName]) -> dict[str, dict[str, NDArray[np.int64]]]:
    """Source → window → the columns of the source that look over it."""
    found: dict[str, dict[str, list[int]]] = {}
    for column, name in enumerate(names):
        found.setdefault(name.source, {}).setdefault(name.window, []).append(column)
    return {
        source: {window: np.array(columns) for window, columns in windows.items()}
        for source, windows in found.items()
    }


def importances(model: Model) -> pa.Table:
    """Gain per feature, highest first: `feature`, `gain` (share of the total, 0 to 1)."""
    kept = model.card["importance"]
    return pa.table(
        {
            "feature": pa.array([entry["feature"] for entry in kept], pa.string()),
            "gain": pa.array([entry["gain"] for entry in kept], pa.float64()),
        }
    )


def _strongest(columns: NDArray[np.int64], shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """The columns that raise the risk, strongest first; the strongest at least."""
    ordered = columns[np.argsort(-shares[columns], kind="stable")]
    return ordered[: max(1, int((shares[ordered] > 0).sum()))]


def _entry(
    model: Model, names: Sequence[FeatureName], column: int, row: NDArray[np.float32]
) -> tuple[tuple[str, ...], bool]:
    """What a reason tells of a feature, and whether that differs from the usual."""
    name, number, feature = names[column], float(row[column]), model.encoding.features[column]
    unit_name = str(model.card["features"][column]["unit"])
    usual = model.card["usual"][feature]
    value: float | str | None = number
    if feature in model.encoding.categories:
        known = model.encoding.categories[feature]
        value = None if np.isnan(number) else known[int(number)]
    entry = (
        feature,
        name.stream,
        name.field,
        name.statistic,
        name.window,
        quantity(value, ""),
        quantity(usual, ""),
        unit_name,
        words(name, value, usual, unit_name),
    )
    return entry, not as_usual(name, value, usual, unit_name)
