"""Why did this robot's risk change? Its data, the model, or only the threshold: a sum that adds up."""

from dataclasses import dataclass

import pyarrow as pa

from features.errors import DataError
from models.artifact import Model


@dataclass(frozen=True, slots=True)
class Change:
    """Risk `before` and `after`; `data` plus `model` is their difference.

    `data` is what the old model makes of the new window, `model` what the new model (with its code and
    calibration) adds. `alert_before`, `alert_after` say whether each stood at or above its own threshold, and
    `threshold_alone` that only the move of the threshold made them differ.
    """

    before: float
    after: float
    data: float
    model: float
    alert_before: bool
    alert_after: bool
    threshold_alone: bool


def explain(
    old: Model,
    new: Model,
    window_before: pa.Table,
    window_after: pa.Table,
    facts_before: pa.Table | None,
    facts_after: pa.Table | None,
) -> Change:
    """Split the change of one robot's risk; each window is one row as written by the features step.

    Raises `DataError` when a table has another number of rows, or the old model lacks a feature of the new
    window (other look-back settings: then only the two risks can be compared).
    """
    for window in (window_before, window_after):
        if window.num_rows != 1:
            raise DataError(
                "one window is compared with one", got=f"{window.num_rows} rows", expected="1 row"
            )
    before = float(old.predict(window_before, facts_before)[0])
    between = float(old.predict(window_after, facts_after)[0])
    after = float(new.predict(window_after, facts_after)[0])
    was, now = before >= old.threshold, after >= new.threshold
    return Change(
        before=before,
        after=after,
        data=between - before,
        model=after - between,
        alert_before=was,
        alert_after=now,
        threshold_alone=was != now and (after >= old.threshold) == was,
    )
