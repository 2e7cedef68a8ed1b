from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from models.artifact import Model
from models.retrain import due
from models.train import train


@pytest.fixture(scope="module")
def champion(fleet: Any, make_settings: Callable[..., Any]) -> Model:
    settings = make_settings(rounds=5)
    return train(fleet.windows, fleet.failures, fleet.facts, {}, settings, provenance={}, units={}).model


def test_every_commit_teaches(fleet: Any, champion: Model) -> None:
    assert due("every_commit", champion, fleet.windows, fleet.facts)[0]


def test_robot_hours_are_counted_from_what_the_champion_was_taught(fleet: Any, champion: Model) -> None:
    wanted, why = due(timedelta(hours=1), champion, fleet.windows, fleet.facts)
    assert (wanted, why) == (False, "0.0 robot-hours more than it was taught, 1 asked for")
    known = champion.card["population"]
    less = {**known, "windows": known["windows"] // 2}
    earlier = Model(champion.text, {**champion.card, "population": less})
    assert due(timedelta(hours=1), earlier, fleet.windows, fleet.facts)[0]
    assert not due(timedelta(hours=10_000), earlier, fleet.windows, fleet.facts)[0]


def test_drift_teaches_and_likeness_does_not(fleet: Any, champion: Model) -> None:
    assert not due("on_drift", champion, fleet.windows, fleet.facts)[0]
    moved = fleet.windows
    for name in champion.encoding.features:
        if name in moved.column_names and name not in champion.encoding.categories:
            place = moved.column_names.index(name)
            moved = moved.set_column(place, name, [np.asarray(moved[name].to_numpy(), np.float64) + 1e3])
    wanted, why = due("on_drift", champion, moved, fleet.facts)
    assert wanted
    assert "features drifted" in why
