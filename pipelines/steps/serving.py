"""Who serves: the promoted champion, unless the challenger is not worse on the newest closed time."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from features.errors import DataError
from models import artifact
from models.artifact import Model
from models.contest import contest
from models.retrain import EVERY_COMMIT, ON_DRIFT, due
from models.settings import TrainSettings
from models.train import Trained
from pipelines.durations import parse_duration


@dataclass(frozen=True)
class Champion:
    """The promoted model, the train commit it came from, and its files (`model/`, `evaluation/`)."""

    commit: str
    folder: Path
    model: Model

    @classmethod
    def read(cls, folder: Path) -> "Champion | None":
        """From the repo `models`; None while nobody promoted one."""
        path = folder / "serving.json"
        commit = json.loads(path.read_text("utf-8"))["champion"] if path.is_file() else None
        files = folder / "champion"
        return None if commit is None else cls(commit, files, artifact.load(files / "model"))

    def write(self, out: Path) -> None:
        """Its files as this commit's."""
        for name in ("model", "evaluation"):
            shutil.copytree(self.folder / name, out / name)


def is_due(champion: Champion, rule: str, windows: pa.Table, facts: pa.Table) -> tuple[bool, str]:
    """`models.retrain.due` for the rule as configured."""
    return due(as_rule(rule), champion.model, windows, facts)


def as_rule(rule: str) -> str | timedelta:
    """`every_commit`, `on_drift`, or a duration such as `50h`."""
    return rule if rule in (EVERY_COMMIT, ON_DRIFT) else parse_duration(rule)


def judge(
    champion: Champion | None,
    challenger: Trained,
    windows: pa.Table,
    failures: pa.Table,
    facts: pa.Table,
    settings: TrainSettings,
    seen: Mapping[str, int] | None = None,
) -> dict[str, Any]:
    """Who serves and why, as `contest.json` keeps it."""
    if champion is None:
        return told("challenger", None, "No champion was promoted: the newest model serves.")
    if _alike(champion.model, challenger.model):
        return told("champion", champion.commit, "The new model is the champion itself, which serves on.")
    try:
        found = contest(champion.model, challenger, windows, failures, facts, settings, seen)
    except DataError as error:
        why = f"The champion cannot read these windows ({error.what}): the new model serves."
        return told("challenger", champion.commit, why)
    serves = "challenger" if found.challenger_serves else "champion"
    return told(serves, champion.commit, found.sentence) | {
        "figures": {
            "champion_pr_auc": found.champion,
            "challenger_pr_auc": found.challenger,
            "difference": msgspec.to_builtins(found.difference),
        }
    }


def _alike(one: Model, other: Model) -> bool:
    """Equal trees, calibration and threshold; where they come from may differ."""
    kept = ("calibration", "threshold", "prior_shift", "features", "categories")
    return one.text == other.text and all(one.card[key] == other.card[key] for key in kept)


def told(serves: str, champion: str | None, sentence: str) -> dict[str, Any]:
    """An entry of `contest.json`."""
    return {"serves": serves, "champion": champion, "sentence": sentence, "figures": None}
