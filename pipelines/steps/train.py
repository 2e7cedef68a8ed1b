"""Step train: one failure model for the fleet, judged on later time beside its baselines."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from features.schema import EXCLUDED, FAILURE_IN_WINDOW, REASON
from models import artifact
from models.artifact import Model
from models.dependence import dependence
from models.explain import importances
from models.settings import TrainSettings
from models.track import track
from models.train import Trained, train
from pipelines.durations import parse_duration
from pipelines.steps.facts import read_facts
from pipelines.steps.files import (
    count_by,
    input_commits,
    parquet_files,
    read_settings,
    read_tables,
    run,
    write_table,
)
from pipelines.steps.labelled import labelled
from pipelines.steps.missing import missing
from pipelines.steps.serving import Champion, is_due, judge, told

DEPENDENCES: Final = 4


def main(pfs: Path) -> None:
    """Read `windows`, `excluded`, `failures`, `labels`, `facts`, the `serving` model; write who serves.

    A promoted champion serves on where too much is `missing` to learn from; without one the model says so.
    """
    settings, out = read_settings(pfs, "train"), pfs / "out"
    windows, facts = read_tables(parquet_files(pfs / "windows")), read_facts(pfs / "facts")
    champion, lost = Champion.read(pfs / "serving"), missing(pfs, scored=False)
    if champion is not None:
        wanted, why = is_due(champion, settings["train"]["retrain"], windows, facts)
        if not lost.trusted:
            wanted, why = False, f"too much is missing to trust a model of the rest: {lost.told}"
        if not wanted:
            champion.write(out)
            _tell(out, told("champion", champion.commit, f"No new model: {why}."))
            return
    excluded = read_tables(parquet_files(pfs / "excluded"), EXCLUDED)
    chosen = train_settings(settings)
    counts = dict(zip(*count_by(excluded, REASON).to_pydict().values(), strict=True))
    said = labelled(windows, pfs, chosen)
    windows, failures = said.windows, said.failures
    if said.excluded:
        counts[FAILURE_IN_WINDOW] = counts.get(FAILURE_IN_WINDOW, 0) + said.excluded
    trained = train(
        windows,
        failures,
        facts,
        counts,
        chosen,
        provenance=input_commits(),
        units=settings["units"],
        seen=said.seen,
        notes=(*said.notes, *filter(None, [lost.note])),
    )
    if settings["train"]["mlflow"]:
        track(trained, settings["train"]["mlflow"])
    verdict = judge(champion, trained, windows, failures, facts, chosen, said.seen)
    _tell(out, verdict)
    if champion is not None and verdict["serves"] == "champion":
        champion.write(out)
        _write(trained, windows, facts, out / "challenger")
    else:
        _write(trained, windows, facts, out)


def _tell(out: Path, verdict: dict[str, Any]) -> None:
    (out / "contest.json").write_text(json.dumps(verdict, indent=1, sort_keys=True) + "\n", "utf-8")


def _write(trained: Trained, windows: pa.Table, facts: pa.Table, out: Path) -> None:
    artifact.save(trained.model, out / "model")
    (out / "evaluation").mkdir(parents=True)
    (out / "evaluation" / "evaluation.json").write_bytes(trained.evaluation.to_json())
    write_table(trained.test, out / "evaluation" / "test.parquet")
    if trained.model.text:
        told_of = dependences(trained.model, windows, facts)
        write_table(told_of, out / "evaluation" / "dependence.parquet")


def dependences(model: Model, windows: pa.Table, facts: pa.Table) -> pa.Table:
    """How the risk answers to the features of most gain: `feature`, `value`, `risk`; empty without any."""
    tables = []
    for feature in importances(model)["feature"].to_pylist()[:DEPENDENCES]:
        table = dependence(model, windows, facts, feature)
        names = pa.array([feature] * table.num_rows, pa.string())
        tables.append(table.add_column(0, "feature", names))
    return pa.concat_tables(tables) if tables else pa.table({})


def train_settings(value: dict[str, Any]) -> TrainSettings:
    """The step's slice of `forewarn.toml` as the settings of a training run."""
    labels, alerts, chosen = value["labels"], value["alerts"], dict(value["train"])
    del chosen["retrain"]
    for apart in ("mlflow", "distributed"):
        del chosen[apart]
    baseline, trusted = tuple(chosen.pop("baseline")), tuple(chosen.pop("trusted"))
    shifts_a_day = timedelta(days=1) / parse_duration(alerts["shift"])
    return TrainSettings(
        lead=parse_duration(labels["lead"]),
        horizon=parse_duration(labels["horizon"]),
        lookback=max(parse_duration(text) for text in labels["windows"]),
        episode_gap=parse_duration(labels["episode_gap"]),
        alerts_per_robot_day=alerts["alerts_per_robot_day"],
        refractory=parse_duration(alerts["refractory"]),
        alerts_per_day=tuple(count * shifts_a_day for count in alerts["alerts_per_shift"]),
        cost_of_false_alarm=alerts["costs"]["false_alarm"],
        cost_of_missed_failure=alerts["costs"]["missed_failure"],
        embargo=parse_duration(chosen.pop("embargo")),
        features=tuple(chosen.pop("features")),
        categorical=tuple(chosen.pop("categorical")),
        scheduler=value["scheduler"],
        baseline_features=baseline,
        trusted_features=trusted,
        **chosen,
    )


if __name__ == "__main__":
    run(main)
