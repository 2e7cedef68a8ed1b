"""The search: what it leaves out, that it resumes, and that the default stays unless it is truly beaten."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from features.errors import DataError
from models.dataset import gather
from models.encode import Encoding
from models.select import CONSTANT, DUPLICATE, UNSTABLE, select
from models.settings import TrainSettings
from models.split import by_time
from models.train import train
from models.tune import Progress, Tuned, tune

pytest.importorskip("optuna")


def searched(fleet: Any, settings: TrainSettings, storage: Path, trials: int) -> tuple[Tuned, list[Progress]]:
    seen: list[Progress] = []
    found = tune(
        fleet.windows,
        fleet.failures,
        None,
        settings,
        storage=storage,
        seconds=600,
        trials=trials,
        told=seen.append,
    )
    return found, seen


def test_useless_features_are_named_by_reason(fleet: Any, make_settings: Callable[..., Any]) -> None:
    windows = fleet.windows
    clock = windows["cutoff"].cast(pa.int64()).to_numpy() / 1e9
    windows = windows.append_column("same", windows["pose__speed__mean__2m"])
    windows = windows.append_column("still", pa.array(np.full(len(windows), 3.0)))
    windows = windows.append_column("clock", pa.array(clock))
    settings = make_settings()
    data = gather(windows, fleet.failures, None, settings)
    encoding = Encoding.learn(data.table)
    found = select(data, encoding.matrix(data.table), by_time(data, settings).train, encoding)
    assert found.dropped == {CONSTANT: ("still",), DUPLICATE: ("same",), UNSTABLE: ("clock",)}
    kept = [encoding.features[column] for column in found.kept]
    assert kept == [name for name in encoding.features if name not in ("same", "still", "clock")]


def test_a_search_resumes_and_shows_progress(
    fleet: Any, make_settings: Callable[..., Any], tmp_path: Path
) -> None:
    settings = make_settings(rounds=20)
    first, seen = searched(fleet, settings, tmp_path / "tune.db", 2)
    assert [one.finished for one in seen] == [1, 2]
    assert seen[0].default == seen[0].score == first.default_score
    second, more = searched(fleet, settings, tmp_path / "tune.db", 3)
    assert [one.finished for one in more] == [3]
    assert second.default_score == first.default_score
    assert second.best_score >= first.best_score
    again, nothing = searched(fleet, settings, tmp_path / "tune.db", 3)
    assert nothing == []
    assert again == second


def test_the_default_stays_unless_beaten(
    fleet: Any, make_settings: Callable[..., Any], tmp_path: Path
) -> None:
    good, _ = searched(fleet, make_settings(rounds=20), tmp_path / "one.db", 1)
    assert not good.better
    assert good.difference.value == 0


def test_the_winner_can_be_trained(fleet: Any, make_settings: Callable[..., Any], tmp_path: Path) -> None:
    settings = make_settings(rounds=20)
    found, _ = searched(fleet, settings, tmp_path / "tune.db", 4)
    made = train(
        fleet.windows,
        fleet.failures,
        None,
        {},
        replace(settings, **found.settings),
        provenance={},
        units={},
    )
    assert made.evaluation.by_time.model.rows.pr_auc.value > 0.3  # type: ignore[operator]


def test_too_few_failures_are_refused(
    make_fleet: Callable[..., Any], make_settings: Callable[..., Any], tmp_path: Path
) -> None:
    with pytest.raises(DataError, match="too few failures to tune"):
        searched(make_fleet(robots=3, minutes=300, every=0), make_settings(), tmp_path / "tune.db", 1)
