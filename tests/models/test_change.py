from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from features.errors import DataError, NotFoundError
from models.artifact import Model
from models.change import explain
from models.contest import contest
from models.dependence import dependence
from models.similar import recurring
from models.train import Trained, train


@pytest.fixture(scope="module")
def trained(fleet: Any, make_settings: Callable[..., Any]) -> Trained:
    return train(fleet.windows, fleet.failures, fleet.facts, {}, make_settings(), provenance={}, units={})


def moved(model: Model, by: float, threshold: float) -> Model:
    """The same trees with every risk's log-odds moved."""
    kept = model.card["calibration"]
    calibration = {**kept, "y": [value + by for value in kept["y"]]}
    return Model(model.text, {**model.card, "calibration": calibration, "threshold": threshold})


def test_a_change_is_data_plus_model(fleet: Any, trained: Trained) -> None:
    risk = trained.model.predict(fleet.windows, fleet.facts)
    calm, sick = (fleet.windows.slice(int(row), 1) for row in (np.argmin(risk), np.argmax(risk)))
    new = moved(trained.model, -1.0, 0.5)
    told = explain(trained.model, new, calm, sick, fleet.facts, fleet.facts)
    assert told.before + told.data + told.model == pytest.approx(told.after)
    assert told.data == pytest.approx(risk.max() - risk.min())
    assert told.model < 0


def test_a_threshold_alone_may_end_an_alert(fleet: Any, trained: Trained) -> None:
    risk = trained.model.predict(fleet.windows, fleet.facts)
    row = fleet.windows.slice(int(np.argmax(risk)), 1)
    low, high = moved(trained.model, 0.0, 0.1), moved(trained.model, 0.0, 1.0)
    told = explain(low, high, row, row, fleet.facts, fleet.facts)
    assert (told.alert_before, told.alert_after, told.threshold_alone) == (True, False, True)
    assert (told.data, told.model) == (0, 0)


def test_a_change_compares_one_row_with_one(fleet: Any, trained: Trained) -> None:
    with pytest.raises(DataError, match="one window is compared with one"):
        explain(trained.model, trained.model, fleet.windows, fleet.windows, None, None)


def test_an_equal_challenger_serves_and_a_worse_one_does_not(
    fleet: Any, trained: Trained, make_settings: Callable[..., Any]
) -> None:
    same = contest(trained.model, trained, fleet.windows, fleet.failures, fleet.facts, make_settings())
    assert same.challenger_serves
    assert same.difference.value == 0
    guess = trained.test.set_column(3, "risk", pa.array(np.random.default_rng(0).random(len(trained.test))))
    worse = Trained(trained.model, trained.evaluation, guess)
    told = contest(trained.model, worse, fleet.windows, fleet.failures, fleet.facts, make_settings())
    assert not told.challenger_serves
    assert told.sentence.endswith("the new model is worse and does not serve.")


def test_without_failures_the_champion_stays(
    make_fleet: Callable[..., Any], trained: Trained, make_settings: Callable[..., Any]
) -> None:
    quiet = make_fleet(every=0, robots=3, minutes=300)
    settings = make_settings()
    challenger = train(quiet.windows, quiet.failures, quiet.facts, {}, settings, provenance={}, units={})
    told = contest(trained.model, challenger, quiet.windows, quiet.failures, quiet.facts, settings)
    assert not told.challenger_serves


def test_risk_falls_with_the_voltage(fleet: Any, trained: Trained) -> None:
    found = dependence(trained.model, fleet.windows, fleet.facts, "battery__voltage__mean__2m")
    risks = found["risk"].to_pylist()
    assert risks[0] > 5 * risks[-1]
    states = dependence(trained.model, fleet.windows, fleet.facts, "state__last__2m")
    assert states["value"].to_pylist() == ["busy", "idle"]
    with pytest.raises(NotFoundError, match="no such feature"):
        dependence(trained.model, fleet.windows, fleet.facts, "moon__phase")


def test_failures_alike_are_one_cluster(trained: Trained) -> None:
    found = recurring(trained.model)
    assert len(found) == len(trained.model.card["cases"]["points"])
    sizes = np.bincount(found["cluster"].to_numpy())[1:]
    assert sizes.tolist() == sorted(sizes.tolist(), reverse=True)
    assert sizes[0] > len(found) / 2
