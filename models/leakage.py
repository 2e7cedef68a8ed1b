"""A model that saw the future is worthless: the checks that must pass before anything is learnt."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.errors import DataError
from features.schema import CODE, CUTOFF, LATEST_USED, ROBOT
from models.dataset import Flags, nanos
from models.encode import Encoding
from models.rank import Ranking

PERFECT = 0.9995
FEWEST_POSITIVES = 20
_SAMPLE = 50_000


@dataclass(frozen=True, slots=True)
class Certificate:
    """What was checked: every row's `latest_used <= cutoff`, and no feature that *is* the failure.

    `margin_s` is the smallest `cutoff - latest_used` in seconds (None without data); `strongest` the feature
    that ranks the training labels best and its ROC-AUC.
    """

    rows_checked: int
    latest_used_after_cutoff: int
    margin_s: float | None
    strongest: str
    strongest_roc_auc: float | None


def certify_times(windows: pa.Table) -> float | None:
    """Smallest `cutoff - latest_used` in seconds; `DataError` naming the rows when one is negative."""
    used = windows[LATEST_USED].is_valid().to_numpy().astype(bool)
    if not used.any():
        return None
    margin = (nanos(windows[CUTOFF]) - nanos(windows[LATEST_USED]))[used]
    late = margin < 0
    if late.any():
        row = int(np.flatnonzero(used)[np.flatnonzero(late)[0]])
        example = windows.slice(row, 1).select([ROBOT, CUTOFF, LATEST_USED]).to_pylist()[0]
        raise DataError(
            "leakage: features use data from after their cut-off",
            got=f"{int(late.sum())} of {len(windows)} rows, the first: robot {example[ROBOT]}, "
            f"cutoff {example[CUTOFF]}, latest_used {example[LATEST_USED]}",
            expected="latest_used <= cutoff in every row",
            hint="use only observations with ts < cutoff and available_at <= cutoff",
        )
    return float(margin.min()) / 1e9


def certify_features(
    matrix: NDArray[np.float32],
    label: Flags,
    encoding: Encoding,
    failures: pa.Table,
    trusted: tuple[str, ...],
) -> tuple[str, float | None]:
    """The feature that ranks the training labels best; `DataError` when one knows them (nearly) perfectly.

    A real precursor is noisy; a column with ROC-AUC of at least 0.9995 over at least 20 positives is taken
    for the failure itself or its aftermath, unless `trusted` names it. Large classes are thinned evenly.
    """
    positives, negatives = _thin(np.flatnonzero(label)), _thin(np.flatnonzero(~label))
    if not len(positives) or not len(negatives):
        return "", None
    rows = np.concatenate([positives, negatives])
    found = np.array([_auc(matrix[rows, column], label[rows]) for column in range(matrix.shape[1])])
    if not len(found):
        return "", None
    suspects = [
        name
        for name, auc in zip(encoding.features, found, strict=True)
        if auc >= PERFECT and name not in trusted
    ]
    if suspects and len(positives) >= FEWEST_POSITIVES:
        codes = set(pc.unique(failures[CODE].cast(pa.string())).drop_null().to_pylist())
        coded = [name for name in suspects if codes & set(encoding.categories.get(name, ()))]
        raise DataError(
            "leakage: a feature gives the label away",
            got=", ".join(suspects[:5]) + (f" (its values are failure codes: {coded[0]})" if coded else ""),
            expected=f"a ROC-AUC below {PERFECT} for every single feature",
            hint="drop the field, or list the features as train.trusted if they are truly known before",
        )
    best = int(np.argmax(found))
    return encoding.features[best], float(found[best])


def _auc(values: NDArray[np.float32], label: Flags) -> float:
    """ROC-AUC of one column in its better direction; a missing value is a value of its own."""
    missing = np.isnan(values)
    fills = (-np.inf, np.inf) if missing.any() else (0.0,)
    found = (Ranking.of(np.where(missing, np.float32(fill), values), label).roc_auc() for fill in fills)
    return max(abs(float(auc) - 0.5) for auc in found) + 0.5


def _thin(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    return rows[:: max(1, -(-len(rows) // _SAMPLE))]
