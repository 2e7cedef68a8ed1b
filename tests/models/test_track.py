"""A run's copy in MLflow's SQLite store."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from models.track import track
from models.train import train


@pytest.mark.long
@pytest.mark.filterwarnings("ignore")
def test_a_run_is_logged_with_its_settings_and_figures(
    fleet: Any, make_settings: Callable[..., Any], tmp_path: Path
) -> None:
    tracking = pytest.importorskip("mlflow.tracking")
    pytest.importorskip("sqlalchemy")
    made = train(
        fleet.windows,
        fleet.failures,
        None,
        {},
        make_settings(rounds=5),
        provenance={"features": "ab"},
        units={},
    )
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    run = tracking.MlflowClient(tracking_uri=uri).get_run(track(made, uri))
    assert run.data.params["horizon"] == "PT1800S"
    assert run.data.metrics["pr_auc"] == made.evaluation.by_time.model.rows.pr_auc.value
    assert run.data.tags["verdict"] == made.evaluation.verdict.word
    assert run.data.tags["commit.features"] == "ab"
    assert run.info.status == "FINISHED"
