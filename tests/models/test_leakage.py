from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from features.errors import DataError
from features.schema import CODE, LATEST_USED, TIMESTAMP
from models.dataset import gather
from models.leakage import certify_times
from models.train import train

SECOND = 10**9


def test_a_row_that_used_later_data_is_named(fleet: Any, make_settings: Callable[..., Any]) -> None:
    cutoff = fleet.windows["cutoff"].cast(pa.int64()).to_numpy()
    used = cutoff - SECOND
    used[7] = cutoff[7] + 1
    late = fleet.windows.set_column(2, LATEST_USED, pa.array(used).cast(TIMESTAMP))
    with pytest.raises(
        DataError, match=r"leakage.*1 of \d+ rows, the first: robot r00, cutoff 2026-01-01 00:07"
    ):
        train(late, fleet.failures, None, {}, make_settings(), provenance={}, units={})


def test_used_at_the_cutoff_is_allowed_and_nulls_are_skipped(fleet: Any) -> None:
    cutoff = fleet.windows["cutoff"].cast(pa.int64()).to_pylist()
    edge = pa.array([None, *cutoff[1:]], pa.int64()).cast(TIMESTAMP)
    assert certify_times(fleet.windows.set_column(2, LATEST_USED, edge)) == 0.0


def test_a_feature_from_after_the_cutoff_is_named(fleet: Any, make_settings: Callable[..., Any]) -> None:
    data = gather(fleet.windows, fleet.failures, None, make_settings())
    future = np.zeros(len(fleet.windows))
    future[: len(data)] = data.label + np.random.default_rng(0).random(len(data)) / 2
    assert len(data) < len(fleet.windows)
    known = fleet.windows.filter(pa.array(_labelled(fleet, make_settings())))
    planted = known.append_column("pose__stopped__max__2m", pa.array(future[: len(data)]))
    with pytest.raises(DataError, match=r"a feature gives the label away; got: pose__stopped__max__2m"):
        train(planted, fleet.failures, None, {}, make_settings(), provenance={}, units={})
    trusted = make_settings(trusted_features=("pose__stopped__max__2m",), rounds=5)
    assert train(planted, fleet.failures, None, {}, trusted, provenance={}, units={}).model.text


def test_a_failure_code_among_the_features_is_named(fleet: Any, make_settings: Callable[..., Any]) -> None:
    data = gather(fleet.windows, fleet.failures, None, make_settings())
    known = fleet.windows.filter(pa.array(_labelled(fleet, make_settings())))
    codes = pa.array(["stall" if label else "none" for label in data.label])
    with pytest.raises(DataError, match=r"error__code.*its values are failure codes: error__code"):
        train(
            known.append_column("error__code", codes),
            fleet.failures,
            None,
            {},
            make_settings(),
            provenance={},
            units={},
        )
    assert fleet.failures[CODE].to_pylist()[0] == "stall"


def test_a_time_among_the_features_is_refused(fleet: Any, make_settings: Callable[..., Any]) -> None:
    timed = fleet.windows.append_column("pose__seen", fleet.windows["cutoff"])
    with pytest.raises(DataError, match="neither a number nor a category; got: pose__seen"):
        train(timed, fleet.failures, None, {}, make_settings(), provenance={}, units={})


def _labelled(fleet: Any, settings: Any) -> list[bool]:
    """Rows of the (sorted) fleet whose horizon was observed."""
    data = gather(fleet.windows, fleet.failures, None, settings)
    kept = set(zip((data.robots[code] for code in data.robot), data.cutoff.tolist(), strict=True))
    rows = zip(
        fleet.windows["robot_id"].to_pylist(),
        fleet.windows["cutoff"].cast(pa.int64()).to_pylist(),
        strict=True,
    )
    return [row in kept for row in rows]
