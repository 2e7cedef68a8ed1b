"""Whether to believe the ranking: the model's figures beside everything it must beat, ready for the page."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
import pyarrow as pa

from models.evaluate import Evaluation, Part, Predictor
from reports import words

NO_MODEL: Final = {
    "word": "no model",
    "sentence": "No model was trained yet, so no robot can be scored.",
}
_IMPORTANT: Final = 10


def trust(evaluation: Evaluation | None, card: Mapping[str, Any]) -> dict[str, Any]:
    """Verdict, figures of the model and its baselines, pictures' points, unseen robots, slices, certificate.

    Everything is None or empty where there is no model.
    """
    if evaluation is None:
        return {
            "verdict": NO_MODEL,
            "figures": [],
            "pictures": None,
            "others": [],
            "slices": [],
            "budget": [],
        }
    part = evaluation.by_time
    return {
        "verdict": msgspec.to_builtins(part.verdict),
        "kind": card.get("kind", ""),
        "threshold": card.get("threshold", part.model.threshold),
        "never_alerts": card.get("threshold", part.model.threshold) >= 1,
        "threshold_basis": part.threshold_basis,
        "calibration": part.calibration,
        "interval_unit": part.interval_unit,
        "counts": dict(part.counts),
        "borders": dict(part.borders),
        "test": {
            "rows": part.model.rows.rows,
            "positives": part.model.rows.positives,
            "prevalence": part.model.rows.prevalence,
            "episodes": part.model.episodes.episodes,
            "unreachable": part.model.episodes.unreachable,
            "robot_days": part.model.episodes.robot_days,
        },
        "figures": [_line(each) for each in (part.model, *part.baselines)],
        "others": [_other(each) for each in (evaluation.by_robot, evaluation.nested) if each is not None],
        "pictures": {
            "reliability": msgspec.to_builtins(part.reliability),
            "pr_curve": msgspec.to_builtins(part.pr_curve),
            "lead_times": msgspec.to_builtins(part.lead_times),
        },
        "budget": msgspec.to_builtins(part.budget),
        "slices": msgspec.to_builtins(part.slices),
        "notes": list(evaluation.notes),
        "importance": list(card.get("importance", []))[:_IMPORTANT],
        "certificate": dict(card.get("leakage_certificate", {})),
        "features": len(card.get("features", [])),
    }


def dependence(table: pa.Table) -> list[dict[str, Any]]:
    """Per feature, in the order given: mean risk with it set to each value, all else as it was."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in table.to_pylist():
        found.setdefault(row["feature"], []).append({"value": row["value"], "risk": row["risk"]})
    return [{"feature": name, "points": points} for name, points in found.items()]


def _line(predictor: Predictor) -> dict[str, Any]:
    rows, episodes = predictor.rows, predictor.episodes
    return {
        "name": predictor.name,
        "about": " ".join(words.feature(part) if "__" in part else part for part in predictor.about.split()),
        "pr_auc": msgspec.to_builtins(rows.pr_auc),
        "roc_auc": msgspec.to_builtins(rows.roc_auc),
        "brier": msgspec.to_builtins(rows.brier),
        "episodes": episodes.episodes,
        "caught": episodes.caught,
        "recall": msgspec.to_builtins(episodes.recall),
        "alerts": episodes.alerts,
        "false_alarms": episodes.false_alarms,
        "false_alarms_per_robot_day": msgspec.to_builtins(episodes.false_alarms_per_robot_day),
        "precision": msgspec.to_builtins(episodes.precision),
        "lead_time_median_s": episodes.lead_time_median_s,
        "lead_time_p10_s": episodes.lead_time_p10_s,
        "time_in_warning": episodes.time_in_warning,
        "difference": msgspec.to_builtins(predictor.difference),
        "beaten": predictor.beaten,
    }


def _other(part: Part) -> dict[str, Any]:
    return {
        "question": part.question,
        "verdict": msgspec.to_builtins(part.verdict),
        "interval_unit": part.interval_unit,
        "prevalence": part.model.rows.prevalence,
    } | _line(part.model)
