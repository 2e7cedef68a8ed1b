"""A risk nobody can question is a risk nobody acts on: why this robot, in its own quantities."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.schema import CUTOFF, ROBOT, TIMESTAMP
from models.artifact import Model
from models.learner import Matrix, contributions, filled
from models.naming import FeatureName, parse, quantity
from models.wording import Value, as_usual, words

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


def reasons(model: Model, windows: pa.Table, matrix: Matrix, *, most: int = 5) -> pa.Table:
    """What raised the risk of each of the windows, strongest first; columns as `REASONS`.

    `windows`: `robot_id`, `cutoff`; `matrix`: what the model read of each (`Model.matrix`).

    Contributions are TreeSHAP values in log-odds, summed over the statistics of one source (stream and
    field), so that one quantity is one reason, and within it over each window: `window` is the one that
    added most (`window_contribution`), `feature` its statistic that added most, of those whose `value` does
    not read like `usual` (median or most frequent of the training rows without failure) if any. Only sources
    that raise the risk are reasons. Empty for the constant-rate model.
    """
    if not model.text or not len(matrix):
        return REASONS.empty_table()
    shares = contributions(model.text, filled(matrix, model.never_missing))[:, :-1]
    names = [parse(name) for name in model.encoding.features]
    windows_of = _windows(names)
    sources = sorted(windows_of)
    together = [np.sort(np.concatenate(list(windows_of[source].values()))) for source in sources]
    summed = np.stack([shares[:, columns].sum(axis=1) for columns in together], axis=1)
    robots = windows[ROBOT].cast(pa.string()).to_pylist()
    cutoffs = windows[CUTOFF].cast(TIMESTAMP).cast(pa.int64()).to_pylist()
    found = []
    for row in range(len(matrix)):
        strongest = np.argsort(-summed[row], kind="stable")[:most]
        for rank, source in enumerate(strongest[summed[row][strongest] > 0], start=1):
            added = {window: shares[row][of].sum() for window, of in windows_of[sources[source]].items()}
            window = max(added, key=lambda name: (added[name], name))
            columns = windows_of[sources[source]][window]
            told = [
                _Told.of(model, names[column], int(column), matrix[row])
                for column in _strongest(columns, shares[row])
            ]
            entry = next((one for one in told if one.differs), told[0]).entry
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


@dataclass(frozen=True, slots=True)
class _Told:
    """A feature of one row as a reason tells it, beside what is usual."""

    feature: str
    name: FeatureName
    value: Value
    usual: Value
    unit: str

    @classmethod
    def of(cls, model: Model, name: FeatureName, column: int, row: Matrix) -> "_Told":
        feature, number = model.encoding.features[column], float(row[column])
        value: Value = number
        if feature in model.encoding.categories:
            value = None if np.isnan(number) else model.encoding.categories[feature][int(number)]
        unit = str(model.card["features"][column]["unit"])
        return cls(feature, name, value, model.card["usual"][feature], unit)

    @property
    def differs(self) -> bool:
        """Whether it reads otherwise than usual."""
        return not as_usual(self.name, self.value, self.usual, self.unit)

    @property
    def entry(self) -> tuple[str, ...]:
        """The columns of `REASONS` from `feature` on, without the contributions."""
        name = self.name
        values = quantity(self.value, ""), quantity(self.usual, "")
        said = words(name, self.value, self.usual, self.unit)
        return self.feature, name.stream, name.field, name.statistic, name.window, *values, self.unit, said
