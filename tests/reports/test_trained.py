"""A report of a model that was really trained: evaluation, card and reasons in their true shape."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pytest
from markupsafe import escape

from features.schema import CUTOFF, FAILURES, IS_FAILURE_CUTOFF, LATEST_USED, ROBOT, TIMESTAMP
from models.explain import reasons
from models.settings import TrainSettings
from models.train import Trained, train
from reports.risk_report import ReportInputs, build_report
from reports.words import significant

Fleet = Callable[..., ReportInputs]
MINUTE = 60 * 10**9
START = 1_772_323_200 * 10**9
ROBOTS, MINUTES = 4, 2_000
SETTINGS = TrainSettings(
    lead=timedelta(0),
    horizon=timedelta(minutes=10),
    lookback=timedelta(minutes=2),
    episode_gap=timedelta(minutes=5),
    rounds=30,
    early_stopping=10,
    bootstraps=20,
    threads=1,
)


def made(failing: bool) -> tuple[pa.Table, pa.Table]:
    """Windows every minute whose battery voltage sags in the 15 minutes before each failure, and failures."""
    generator = np.random.default_rng(5)
    names = np.repeat([f"amr-{index:03d}" for index in range(ROBOTS)], MINUTES)
    minute = np.tile(np.arange(MINUTES), ROBOTS)
    at = [150 * np.arange(1, 13) + 20 * robot for robot in range(ROBOTS)] if failing else [[]] * ROBOTS
    ahead = np.concatenate([_until(np.asarray(each), MINUTES) for each in at])
    volts = 25 + 0.3 * generator.standard_normal(len(minute)) - 2 * (ahead <= 15)
    cutoff = START + minute * MINUTE
    windows = pa.table(
        {
            ROBOT: pa.array(names, pa.string()),
            CUTOFF: pa.array(cutoff).cast(TIMESTAMP),
            LATEST_USED: pa.array(cutoff - 10**9).cast(TIMESTAMP),
            IS_FAILURE_CUTOFF: pa.array(np.zeros(len(minute), dtype=bool)),
            "battery__voltage__mean__2m": volts,
            "pose__speed__mean__2m": generator.standard_normal(len(minute)),
        }
    )
    rows = [
        (f"amr-{robot:03d}", START + int(when) * MINUTE) for robot, each in enumerate(at) for when in each
    ]
    failures = pa.table(
        [
            pa.array([name for name, _ in rows], pa.string()),
            pa.array([when for _, when in rows], pa.int64()).cast(TIMESTAMP),
            pa.array(["E_UNDERVOLTAGE"] * len(rows), pa.string()),
        ],
        schema=FAILURES,
    )
    return windows, failures


def _until(failures: np.ndarray, minutes: int) -> np.ndarray:
    """Minutes from each minute to the next failure."""
    padded = np.append(failures, 10**9)
    return np.asarray(padded[np.searchsorted(padded, np.arange(minutes))] - np.arange(minutes))


def scored(fleet: Fleet, *, failing: bool) -> tuple[Trained, ReportInputs]:
    windows, failures = made(failing)
    trained = train(windows, failures, None, {}, SETTINGS, provenance={}, units={"battery__voltage": "V"})
    risk = trained.model.predict(windows, None)
    told = np.arange(MINUTES - 1, windows.num_rows, MINUTES)
    return trained, fleet(
        risk=windows.select([ROBOT, CUTOFF])
        .append_column("risk", pa.array(risk))
        .append_column("alert", pa.array(risk >= trained.model.threshold)),
        reasons=reasons(trained.model, windows.take(told), trained.model.matrix(windows.take(told), None)),
        failures=failures,
        evaluation=json.loads(trained.evaluation.to_json()),
        card=json.loads(json.dumps(trained.model.card)),
        facts=pa.table({}),
        accounting=pa.table({}),
        join_quality=pa.table({}),
        clocks=pa.table({}),
    )


@pytest.fixture(scope="module")
def learnt(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> tuple[Trained, dict[str, Any], str]:
    trained, inputs = scored(fleet, failing=True)
    folder = tmp_path_factory.mktemp("learnt")
    build_report(inputs, folder)
    return trained, json.loads((folder / "summary.json").read_bytes()), (folder / "report.html").read_text()


def test_the_figures_are_the_evaluations(learnt: tuple[Trained, dict[str, Any], str]) -> None:
    trained, summary, _ = learnt
    part = trained.evaluation.by_time
    assert summary["verdict"] == {"word": part.verdict.word, "sentence": part.verdict.sentence}
    assert [each["name"] for each in summary["figures"]] == [
        each.name for each in (part.model, *part.baselines)
    ]
    for shown, judged in zip(summary["figures"], (part.model, *part.baselines), strict=True):
        for name in ("pr_auc", "roc_auc", "brier"):
            assert shown[name] == significant(msgspec.to_builtins(getattr(judged.rows, name)))
        assert (shown["caught"], shown["episodes"]) == (judged.episodes.caught, judged.episodes.episodes)
        assert shown["beaten"] is judged.beaten
    assert [each["question"] for each in summary["model"]["others"]] == [
        each.question for each in (trained.evaluation.by_robot, trained.evaluation.nested) if each
    ]
    assert summary["model"]["threshold"] == significant(trained.model.threshold)


def test_every_baseline_stands_on_the_page(learnt: tuple[Trained, dict[str, Any], str]) -> None:
    trained, _, text = learnt
    for baseline in trained.evaluation.by_time.baselines:
        assert str(escape(baseline.name)) in text
    assert text.count('<svg class="chart"') >= 6


def test_without_failures_the_constant_rate_never_alerts_and_says_why(fleet: Fleet, tmp_path: Path) -> None:
    trained, inputs = scored(fleet, failing=False)
    assert trained.model.text == ""
    build_report(inputs, tmp_path)
    summary = json.loads((tmp_path / "summary.json").read_bytes())
    assert summary["headline"]["sentence"] == "No alert can be raised: the model has no usable threshold"
    assert summary["verdict"]["word"] == "not enough failures to say"
    assert [robot["reasons"] for robot in summary["robots"]] == [[]] * ROBOTS
    assert summary["analytics"]["fleet"]["mtbf_h"]["value"] is None
    assert "nothing raised its risk" in (tmp_path / "report.html").read_text("utf-8")
