from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from models.artifact import Model
from models.explain import REASONS, importances, reasons
from models.learner import Matrix
from models.naming import parse
from models.similar import SCHEMA, similar
from models.train import Trained, train


@pytest.fixture(scope="module")
def trained(fleet: Any, make_settings: Callable[..., Any]) -> Trained:
    return train(
        fleet.windows,
        fleet.failures,
        fleet.facts,
        {},
        make_settings(),
        provenance={},
        units={"battery__voltage": "V"},
    )


def asked(model: Model, fleet: Any, rows: Any) -> tuple[pa.Table, Matrix]:
    """Some windows of the fleet, and what the model reads of them."""
    windows = fleet.windows.take(rows)
    return windows, model.matrix(windows, fleet.facts)


def test_the_planted_cause_leads_most_true_alerts(fleet: Any, trained: Trained) -> None:
    risk = trained.model.predict(fleet.windows, fleet.facts)
    rows = np.argsort(-risk)[:100]
    found = reasons(trained.model, *asked(trained.model, fleet, rows))
    assert found.schema == REASONS
    first = [entry for entry in found.to_pylist() if entry["rank"] == 1]
    assert len(first) == 100
    assert sum(entry["stream"] == "battery" for entry in first) >= 95
    assert {(entry["field"], entry["unit"]) for entry in first if entry["stream"] == "battery"} == {
        ("voltage", "V")
    }
    assert first[0]["words"].startswith("battery voltage ")
    assert " in the last 2 min; usual: 2" in first[0]["words"]
    assert all(entry["window_contribution"] > 0 for entry in first)


def test_one_source_is_one_reason_and_all_raise_the_risk(fleet: Any, trained: Trained) -> None:
    found = reasons(trained.model, *asked(trained.model, fleet, np.arange(50))).to_pylist()
    for row in {(entry["robot_id"], entry["cutoff"]) for entry in found}:
        mine = [entry for entry in found if (entry["robot_id"], entry["cutoff"]) == row]
        sources = [parse(entry["feature"]).source for entry in mine]
        assert len(sources) == len(set(sources))
        strengths = [entry["contribution"] for entry in mine]
        assert strengths == sorted(strengths, reverse=True)
        assert min(strengths) > 0


def test_importances_name_the_cause_first(trained: Trained) -> None:
    found = importances(trained.model)
    assert found["feature"][0].as_py().startswith("battery__voltage")
    assert sum(found["gain"].to_pylist()) == pytest.approx(1)


def test_a_constant_model_has_no_reasons(
    make_fleet: Callable[..., Any], make_settings: Callable[..., Any]
) -> None:
    quiet = make_fleet(every=0, robots=3, minutes=200)
    model = train(quiet.windows, quiet.failures, None, {}, make_settings(), provenance={}, units={}).model
    first = quiet.windows.slice(0, 1)
    assert reasons(model, first, model.matrix(first, None)).equals(REASONS.empty_table())
    assert similar(model, first, model.matrix(first, None)).equals(SCHEMA.empty_table())


def test_a_known_case_is_its_own_nearest(fleet: Any, trained: Trained) -> None:
    case = trained.model.card["cases"]
    robots = np.array(fleet.windows["robot_id"].to_pylist())
    cutoffs = fleet.windows["cutoff"].cast("int64").to_numpy()
    row = np.flatnonzero((robots == case["robot"][0]) & (cutoffs == case["cutoff"][0]))
    found = similar(trained.model, *asked(trained.model, fleet, row)).to_pylist()
    assert [entry["rank"] for entry in found] == [1, 2, 3]
    assert found[0]["distance"] == pytest.approx(0, abs=1e-5)
    assert found[0]["case_robot_id"] == case["robot"][0]
    assert found[0]["code"] == "stall"
    assert not found[0]["unlike_anything_seen"]
    assert [entry["distance"] for entry in found] == sorted(entry["distance"] for entry in found)


def test_categories_have_no_distance(trained: Trained) -> None:
    encoding = trained.model.encoding
    told = {encoding.features[column] for column in trained.model.card["cases"]["columns"]}
    assert encoding.categories
    assert not told & set(encoding.categories)


def test_what_was_never_seen_is_said_to_be_so(fleet: Any, trained: Trained) -> None:
    odd = fleet.windows.slice(0, 1)
    for name in ("battery__voltage__mean__2m", "pose__speed__mean__2m"):
        place = odd.column_names.index(name)
        odd = odd.set_column(place, name, [[1e6]])
    found = similar(trained.model, odd, trained.model.matrix(odd, fleet.facts))
    assert found["unlike_anything_seen"].to_pylist() == [True, True, True]
