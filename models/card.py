"""The model's passport: where it comes from, what it was taught, how it did, what is usual."""

import importlib.metadata
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import msgspec
import numpy as np

from models import drift
from models.artifact import FORMAT
from models.calibrate import Scores
from models.dataset import Dataset
from models.encode import Encoding
from models.episodes import stream
from models.evaluate import Evaluation
from models.fit import Fitted
from models.leakage import Certificate
from models.learner import Matrix, gains
from models.naming import parse, unit
from models.settings import LOGISTIC, THRESHOLD, TREES, TrainSettings
from models.similar import cases
from models.split import Split

_THIN = 20_000
_KINDS = {TREES: "boosted trees", LOGISTIC: "logistic regression", THRESHOLD: "single threshold"}


def write(
    data: Dataset,
    matrix: Matrix,
    split: Split,
    encoding: Encoding,
    settings: TrainSettings,
    fitted: Fitted,
    evaluation: Evaluation,
    certificate: Certificate,
    provenance: Mapping[str, str],
    units: Mapping[str, str],
) -> dict[str, Any]:
    """Plain JSON values; no clock and no path, so that the same run writes the same card."""
    taught = split.train
    quiet = taught[~data.label[taught] & data.grid[taught]]
    gain = np.zeros(len(encoding.features)) if fitted.grown is None else gains(fitted.grown.text)
    numeric = [name not in encoding.categories for name in encoding.features]
    thin = quiet[:: max(1, len(quiet) // _THIN)]
    by_time_part = evaluation.by_time
    return {
        "format": FORMAT,
        "kind": "constant rate" if fitted.grown is None else _KINDS[settings.family],
        "code_version": importlib.metadata.version("forewarn"),
        "provenance": dict(provenance),
        "settings": settings.to_dict(),
        "seed": settings.seed,
        "features": [{"name": name, "unit": unit(parse(name), units)} for name in encoding.features],
        "categories": {name: list(values) for name, values in encoding.categories.items()},
        "rounds": 0 if fitted.grown is None else fitted.grown.rounds,
        "never_missing": [] if fitted.grown is None else list(fitted.grown.usual),
        "prior_shift": 0.0 if fitted.grown is None else fitted.grown.shift,
        "calibration": fitted.decision.calibration.to_dict(),
        "threshold": fitted.decision.threshold,
        "threshold_basis": fitted.decision.basis,
        "split": {"borders": dict(by_time_part.borders), "counts": dict(by_time_part.counts)},
        "population": dict(data.counts),
        "excluded": dict(evaluation.excluded),
        "notes": list(evaluation.notes),
        "leakage_certificate": asdict(certificate),
        "metrics": {
            "rows": msgspec.to_builtins(by_time_part.model.rows),
            "episodes": msgspec.to_builtins(by_time_part.model.episodes),
        },
        "verdict": msgspec.to_builtins(by_time_part.verdict),
        "usual": _usual(matrix[thin], encoding),
        "importance": _importance(gain, encoding),
        "reference": _reference(matrix[thin], encoding, fitted),
        "cases": cases(data, matrix, taught, stream(data, taught, settings), np.where(numeric, gain, 0.0)),
    }


def _usual(matrix: Matrix, encoding: Encoding) -> dict[str, float | str | None]:
    """Median of each number, most frequent category of each category; None where never known."""
    usual: dict[str, float | str | None] = {}
    for column, name in enumerate(encoding.features):
        known = matrix[:, column][~np.isnan(matrix[:, column])]
        if not len(known):
            usual[name] = None
        elif name in encoding.categories:
            usual[name] = encoding.categories[name][int(np.bincount(known.astype(np.int64)).argmax())]
        else:
            usual[name] = float(np.median(known))
    return usual


def _importance(gain: Scores, encoding: Encoding) -> list[dict[str, Any]]:
    total = float(gain.sum())
    order = np.argsort(-gain, kind="stable")
    return [{"feature": encoding.features[i], "gain": float(gain[i]) / total} for i in order if gain[i] > 0]


def _reference(matrix: Matrix, encoding: Encoding, fitted: Fitted) -> dict[str, Any]:
    """What quiet training rows looked like, for drift: every feature and the risk itself."""
    risk = fitted.decision.calibration.risk(fitted.score(matrix))
    known = {name: drift.reference(matrix[:, column]) for column, name in enumerate(encoding.features)}
    return known | {"risk": drift.reference(risk)}
