"""Step train: one failure model for the fleet, judged on later time beside its baselines."""

from pathlib import Path
from typing import Any

from features.schema import EXCLUDED, FAILURES, REASON
from models import artifact
from models.settings import TrainSettings
from models.train import train
from pipelines.durations import parse_duration
from pipelines.steps.facts import read_facts
from pipelines.steps.files import (
    count_by,
    input_commits,
    parquet_files,
    read_settings,
    read_tables,
    write_table,
)


def main(pfs: Path) -> None:
    """Read `windows`, `excluded`, `failures` and `facts` of the fleet; write model and evaluation."""
    settings, out = read_settings(pfs, "train"), pfs / "out"
    excluded = read_tables(parquet_files(pfs / "excluded"), EXCLUDED)
    trained = train(
        read_tables(parquet_files(pfs / "windows")),
        read_tables(parquet_files(pfs / "failures"), FAILURES),
        read_facts(pfs / "facts"),
        dict(zip(*count_by(excluded, REASON).to_pydict().values(), strict=True)),
        train_settings(settings),
        provenance=input_commits(),
        units=settings["units"],
    )
    artifact.save(trained.model, out / "model")
    (out / "evaluation").mkdir(parents=True)
    (out / "evaluation" / "evaluation.json").write_bytes(trained.evaluation.to_json())
    write_table(trained.test, out / "evaluation" / "test.parquet")


def train_settings(value: dict[str, Any]) -> TrainSettings:
    """The step's slice of `forewarn.toml` as the settings of a training run."""
    labels, chosen = value["labels"], dict(value["train"])
    baseline, trusted = tuple(chosen.pop("baseline")), tuple(chosen.pop("trusted"))
    return TrainSettings(
        lead=parse_duration(labels["lead"]),
        horizon=parse_duration(labels["horizon"]),
        lookback=max(parse_duration(text) for text in labels["windows"]),
        episode_gap=parse_duration(labels["episode_gap"]),
        alerts_per_robot_day=value["alerts"]["alerts_per_robot_day"],
        refractory=parse_duration(value["alerts"]["refractory"]),
        baseline_features=baseline,
        trusted_features=trusted,
        **chosen,
    )
