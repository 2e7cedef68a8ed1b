"""The simple families: against scikit-learn, against their own parts, and through a whole training run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from features.errors import DataError
from models import explain, linear
from models.artifact import load, save
from models.dataset import gather
from models.encode import Encoding
from models.settings import TrainSettings
from models.train import train


@pytest.fixture
def rows() -> tuple[Any, Any]:
    generator = np.random.default_rng(3)
    matrix = generator.normal(size=(400, 4)).astype(np.float32)
    matrix[:, 3] = 7.0
    label = generator.random(400) < 1 / (1 + np.exp(-(2 * matrix[:, 0] - matrix[:, 1] - 1)))
    return matrix, label


def test_weights_are_those_of_scikit_learn(rows: tuple[Any, Any]) -> None:
    linear_model = pytest.importorskip("sklearn.linear_model")
    matrix, label = rows
    values = (matrix[:, :3] - matrix[:, :3].mean(axis=0)) / matrix[:, :3].std(axis=0)
    oracle = linear_model.LogisticRegression(C=1 / 2.0, tol=1e-10, max_iter=1000).fit(values, label)
    text = linear.written(matrix, label, np.ones(len(label)), penalty=2.0)
    assert linear.score(text, matrix) == pytest.approx(oracle.decision_function(values), abs=1e-3)
    assert linear.gains(text)[3] == 0


def test_contributions_add_up_and_missing_is_average(rows: tuple[Any, Any]) -> None:
    matrix, label = rows
    text = linear.written(matrix, label, np.ones(len(label)), penalty=1.0)
    shares = linear.contributions(text, matrix)
    assert shares.sum(axis=1) == pytest.approx(linear.score(text, matrix))
    unknown = np.full((1, 4), np.nan, np.float32)
    assert linear.contributions(text, unknown)[0, :-1].tolist() == [0, 0, 0, 0]


def test_a_threshold_ranks_by_one_feature(rows: tuple[Any, Any]) -> None:
    matrix, label = rows
    text = linear.written(matrix, label, np.ones(len(label)), penalty=1.0, only=0)
    assert (np.argsort(linear.score(text, matrix)) == np.argsort(matrix[:, 0])).all()


@pytest.mark.parametrize(
    ("family", "kind"), [("logistic", "logistic regression"), ("threshold", "single threshold")]
)
def test_a_family_trains_saves_scores_and_explains(
    family: Any, kind: str, fleet: Any, make_settings: Callable[..., TrainSettings], tmp_path: Path
) -> None:
    made = train(
        fleet.windows, fleet.failures, None, {}, make_settings(family=family), provenance={}, units={}
    )
    assert made.model.card["kind"] == kind
    assert made.evaluation.by_time.model.rows.pr_auc.value > 0.5  # type: ignore[operator]
    save(made.model, tmp_path)
    risk = load(tmp_path).predict(fleet.windows, None)
    assert (risk == made.model.predict(fleet.windows, None)).all()
    riskiest = np.array([np.argmax(risk)])
    told = explain.reasons(
        made.model, fleet.windows.take(riskiest), made.model.matrix(fleet.windows, None)[riskiest]
    )
    assert told["feature"][0].as_py().startswith("battery__voltage")
    assert made.model.card["importance"][0]["feature"].startswith("battery__voltage")


def test_only_the_wanted_features_and_declared_categories(
    fleet: Any, make_settings: Callable[..., TrainSettings]
) -> None:
    settings = make_settings()
    data = gather(fleet.windows, fleet.failures, None, settings)
    with pytest.raises(DataError, match=r"no feature matches the pattern; got: odometry__"):
        Encoding.learn(data.table, ("odometry__*",))
    encoding = Encoding.learn(data.table, ("battery__*", "state__*"), ())
    assert encoding.features == (
        "battery__voltage__mean__2m",
        "battery__voltage__min__2m",
        "state__last__2m",
    )
    assert list(Encoding.learn(data.table.slice(0, 5), (), ("pose__*",)).categories) == [
        "pose__speed__mean__2m",
        "state__last__2m",
    ]
