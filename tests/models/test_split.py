from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from features.errors import DataError
from models.dataset import Dataset, gather
from models.settings import TrainSettings
from models.split import PurgedTimeSplit, Split, by_robot, by_time, nested, verify

REACH = 34 * 60 * 10**9


@pytest.fixture(scope="module")
def settings(make_settings: Callable[..., TrainSettings]) -> TrainSettings:
    return make_settings()


@pytest.fixture(scope="module")
def data(fleet: Any, settings: TrainSettings) -> Dataset:
    return gather(fleet.windows, fleet.failures, fleet.facts, settings)


def test_by_time_keeps_order_shares_and_purge(data: Dataset, settings: TrainSettings) -> None:
    split = by_time(data, settings)
    train, validation, test = (data.cutoff[rows] for rows in (split.train, split.validation, split.test))
    assert validation.min() - train.max() >= REACH
    assert test.min() - validation.max() >= REACH
    assert test.min() == split.test_start
    labelled_test_and_tail = (data.grid_times >= split.test_start).mean()
    assert labelled_test_and_tail == pytest.approx(0.2, abs=0.001)
    assert split.purged == len(data) - len(split.train) - len(split.validation) - len(split.test)
    verify(data, split, settings)


def test_no_episode_is_cut_in_two(data: Dataset, settings: TrainSettings) -> None:
    split = by_time(data, settings)
    lead, horizon = 2 * 60 * 10**9, 30 * 60 * 10**9
    part = np.full(len(data), -1)
    for code, rows in enumerate((split.train, split.validation, split.test)):
        part[rows] = code
    for robot, start in zip(data.episodes.robot, data.episodes.start, strict=True):
        warned = (
            (data.robot == robot)
            & (data.cutoff <= start - lead)
            & (data.cutoff > start - lead - horizon)
            & (part >= 0)
        )
        assert len(set(part[warned])) <= 1


def test_by_robot_shares_no_robot(data: Dataset, settings: TrainSettings) -> None:
    split = by_robot(data, settings)
    assert split is not None
    groups = [set(data.robot[rows]) for rows in (split.train, split.validation, split.test)]
    assert sum(map(len, groups)) == len(data.robots)
    assert not groups[0] & groups[1]
    assert not (groups[0] | groups[1]) & groups[2]
    assert all(groups)
    verify(data, split, settings)
    both = nested(by_time(data, settings), split)
    assert set(data.robot[both.test]) <= groups[2]
    assert data.cutoff[both.train].max() + REACH <= data.cutoff[both.test].min()


@pytest.mark.parametrize("robots", [1, 2])
def test_by_robot_needs_three(robots: int, make_fleet: Callable[..., Any], settings: TrainSettings) -> None:
    few = make_fleet(robots=robots, minutes=200)
    assert by_robot(gather(few.windows, few.failures, None, settings), settings) is None


def test_a_shuffled_split_is_refused_with_its_rows(data: Dataset, settings: TrainSettings) -> None:
    rows = np.random.default_rng(0).permutation(len(data))
    third = len(rows) // 3
    shuffled = Split("by time", *(np.sort(rows[i * third : (i + 1) * third]) for i in range(3)))
    with pytest.raises(
        DataError, match=r"the split leaks: parts share windows or labels.*robot r00.*never by random"
    ):
        verify(data, shuffled, settings)


def test_a_border_without_purge_is_refused(data: Dataset, settings: TrainSettings) -> None:
    split = by_time(data, settings)
    assert split.test_start is not None
    careless = replace(split, validation=np.flatnonzero((data.cutoff < split.test_start) & data.grid)[-200:])
    with pytest.raises(DataError, match="the split leaks"):
        verify(data, careless, settings)


def test_training_on_the_future_is_refused(data: Dataset, settings: TrainSettings) -> None:
    split = by_time(data, settings)
    with pytest.raises(DataError, match="train reaches past the start of"):
        verify(data, replace(split, train=split.test, test=split.train), settings)


def test_a_row_in_two_parts_is_refused(data: Dataset, settings: TrainSettings) -> None:
    split = by_time(data, settings)
    with pytest.raises(DataError, match="a row is in two parts"):
        verify(data, replace(split, test=split.train), settings)


def test_purged_folds_work_as_scikit_learn_cv() -> None:
    selection: ModuleType = pytest.importorskip("sklearn.model_selection")
    dummy = pytest.importorskip("sklearn.dummy")
    cutoffs = np.random.default_rng(0).permutation(600).astype(np.int64)
    folds = PurgedTimeSplit(cutoffs, purge=30, n_splits=4)
    for train, test in folds.split(cutoffs):
        assert cutoffs[train].max() + 30 <= cutoffs[test].min()
    scores = selection.cross_val_score(
        dummy.DummyClassifier(), np.zeros((600, 1)), np.arange(600) % 2, cv=folds, error_score="raise"
    )
    assert len(scores) == folds.get_n_splits() == 4
    assert sum(len(test) for _, test in folds.split(cutoffs)) == 480


def test_too_short_a_series_for_the_purge_is_refused() -> None:
    with pytest.raises(DataError, match="a fold is empty"):
        list(PurgedTimeSplit(np.arange(10), purge=100).split(np.zeros(10)))


def test_settings_refuse_what_makes_no_sense(make_settings: Callable[..., TrainSettings]) -> None:
    with pytest.raises(DataError, match=r"train setting horizon out of range.*a duration above 0"):
        make_settings(horizon=timedelta(0))
    with pytest.raises(DataError, match="validation_share"):
        make_settings(test_share=0.6, validation_share=0.4)
    whole = make_settings(refractory=timedelta(seconds=42))
    assert TrainSettings.from_dict(whole.to_dict()) == whole


def test_an_embargo_widens_the_gap(data: Dataset, settings: TrainSettings) -> None:
    wide = by_time(data, replace(settings, embargo=timedelta(hours=1)))
    hour = 3600 * 10**9
    assert data.cutoff[wide.validation].min() - data.cutoff[wide.train].max() >= REACH + hour
    assert data.cutoff[wide.test].min() - data.cutoff[wide.validation].max() >= REACH + hour


def test_folds_of_unseen_robots_later_in_time() -> None:
    cutoffs = np.tile(np.arange(100, dtype=np.int64), 6)
    robots = np.repeat(np.arange(6), 100)
    folds = list(PurgedTimeSplit(cutoffs, 5, 3, embargo=2).split(cutoffs, groups=robots))
    assert len(folds) == 3
    for train, test in folds:
        assert not set(robots[train]) & set(robots[test])
        assert cutoffs[test].min() - cutoffs[train].max() >= 7


def test_folds_without_a_purge_are_refused() -> None:
    with pytest.raises(DataError, match="the split leaks: without a purge"):
        PurgedTimeSplit(np.arange(10, dtype=np.int64), 0)
