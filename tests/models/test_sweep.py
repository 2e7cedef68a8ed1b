"""A sweep tells the window and the lead in which the failure shows, and says where nothing can be told."""

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from features.errors import DataError, UsageError
from models.sweep import Cell, sweep
from tests.models.conftest import Fleet, fleet_of, settings_of

MINUTE = timedelta(minutes=1)


def both_windows(fleet: Fleet) -> pa.Table:
    """The planted signal in the 2 m features; noise of the same shape in those of 10 m."""
    noise = np.random.default_rng(1).normal(size=fleet.windows.num_rows)
    return fleet.windows.append_column("battery__voltage__mean__10m", pa.array(noise))


@pytest.fixture(scope="module")
def cells() -> tuple[Cell, ...]:
    fleet = fleet_of(robots=8, minutes=2000)
    return sweep(
        both_windows(fleet),
        fleet.failures,
        fleet.facts,
        settings_of(),
        lengths=[10 * MINUTE, 2 * MINUTE],
        leads=[2 * MINUTE, 60 * MINUTE],
    )


def test_cells_come_in_order_with_the_rows_they_are_judged_on(cells: tuple[Cell, ...]) -> None:
    assert [(cell.window_s, cell.lead_s) for cell in cells] == [
        (120.0, 120.0),
        (120.0, 3_600.0),
        (600.0, 120.0),
        (600.0, 3_600.0),
    ]
    assert all(cell.rows > 0 and cell.episodes > 0 for cell in cells)
    assert cells[0].features > cells[2].features


def test_the_window_and_lead_of_the_planted_cause_stand_out(cells: tuple[Cell, ...]) -> None:
    planted, late, noise, _ = cells
    assert planted.roc_auc is not None
    assert planted.roc_auc > 0.9
    assert planted.pr_auc == pytest.approx(planted.lift * planted.prevalence)
    assert all(cell.roc_auc is not None and cell.roc_auc < 0.75 for cell in (late, noise))


def test_without_failures_the_reason_is_told() -> None:
    quiet = fleet_of(robots=3, minutes=300, every=0)
    (cell,) = sweep(quiet.windows, quiet.failures, None, settings_of(), lengths=[2 * MINUTE], leads=[MINUTE])
    assert (cell.roc_auc, cell.why) == (None, "too few failures to learn from")


def test_a_window_without_features_is_refused() -> None:
    fleet = fleet_of(robots=3, minutes=300)
    with pytest.raises(DataError, match="no feature looks back this far; got: 5m"):
        sweep(fleet.windows, fleet.failures, None, settings_of(), lengths=[5 * MINUTE], leads=[MINUTE])
    with pytest.raises(UsageError):
        sweep(fleet.windows, fleet.failures, None, settings_of(), lengths=[], leads=[MINUTE])
