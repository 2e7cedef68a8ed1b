from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.drift import adjusted, against, compare, counted, ks, psi
from models.train import train

numbers = st.lists(st.floats(-5, 5), min_size=1, max_size=30)


def test_psi_by_hand() -> None:
    expected = (0.5 - 0.25) * np.log(0.5 / 0.25) + (0.5 - 0.75) * np.log(0.5 / 0.75)
    assert psi([0.25, 0.75], [0.5, 0.5]) == pytest.approx(expected)
    assert psi([0.2, 0.8], [0.2, 0.8]) == 0


@given(numbers, numbers)
def test_ks_distance_is_the_largest_gap(one: list[float], other: list[float]) -> None:
    gaps = [abs(np.mean([a <= x for a in one]) - np.mean([b <= x for b in other])) for x in [*one, *other]]
    distance, p_value = ks(np.array(one), np.array(other))
    assert distance == pytest.approx(max(gaps))
    assert 0 <= p_value <= 1


def test_ks_agrees_with_scipy() -> None:
    stats = pytest.importorskip("scipy.stats")
    generator = np.random.default_rng(0)
    one, other = generator.normal(size=800), generator.normal(0.1, 1, size=900)
    known = stats.ks_2samp(one, other, method="asymp")
    distance, p_value = ks(one, other)
    assert distance == pytest.approx(known.statistic)
    assert p_value == pytest.approx(known.pvalue, abs=0.01)


def test_correction_for_many_tests() -> None:
    assert adjusted([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.5])


def test_a_moved_feature_is_named_and_the_rest_is_stable(
    fleet: Any, make_settings: Callable[..., Any]
) -> None:
    model = train(
        fleet.windows, fleet.failures, fleet.facts, {}, make_settings(rounds=10), provenance={}, units={}
    ).model
    same = compare(model, fleet.windows, fleet.facts)
    assert same["feature"].to_pylist() == [*model.encoding.features, "risk"]
    assert set(same["state"].to_pylist()) == {"stable"}
    place = fleet.windows.column_names.index("pose__speed__mean__2m")
    speed = fleet.windows["pose__speed__mean__2m"].to_numpy() + 2
    moved = fleet.windows.set_column(place, "pose__speed__mean__2m", [speed])
    states = {row["feature"]: row["state"] for row in compare(model, moved, fleet.facts).to_pylist()}
    assert states["pose__speed__mean__2m"] == "drifted"
    assert states["battery__voltage__mean__2m"] == "stable"
    lost = fleet.windows.set_column(place, "pose__speed__mean__2m", [np.full(len(speed), np.nan)])
    row = next(
        r for r in compare(model, lost, fleet.facts).to_pylist() if r["feature"] == "pose__speed__mean__2m"
    )
    assert (row["missing_before"], row["missing_now"], row["state"]) == (0, 1, "drifted")


def test_counts_of_robots_and_days_add_up(fleet: Any, make_settings: Callable[..., Any]) -> None:
    model = train(
        fleet.windows, fleet.failures, fleet.facts, {}, make_settings(rounds=5), provenance={}, units={}
    ).model
    half = len(fleet.windows) // 2
    parts = []
    for windows in (fleet.windows.slice(0, half), fleet.windows.slice(half)):
        matrix = model.matrix(windows, fleet.facts)
        cutoff = windows["cutoff"].cast("int64").to_numpy()
        parts.append(counted(model, matrix, model.risk(matrix), cutoff))
    assert sum(parts[0]["counts"][0].as_py()) > 0
    pooled = against(model.card["reference"], pa.concat_tables(parts))
    assert pooled.equals(compare(model, fleet.windows, fleet.facts))
