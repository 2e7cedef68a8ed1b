"""The trees walked over columns say what LightGBM says, to the last bit."""

from typing import Any

import lightgbm
import numpy as np
import pytest
from numpy.typing import NDArray

from models.trees import forest

SIZE = 400


def rows(random: np.random.Generator) -> NDArray[np.float32]:
    """Numbers with and without holes, two categories, and values as small as LightGBM takes for zero."""
    matrix = random.normal(size=(SIZE, 8)).astype(np.float32)
    matrix[random.random(matrix.shape) < 0.1] = np.nan
    matrix[:, 3] = np.nan_to_num(matrix[:, 3])
    matrix[:, 4] = random.integers(0, 70, SIZE)
    matrix[:, 5] = np.where(random.random(SIZE) < 0.2, np.nan, random.integers(0, 5, SIZE))
    matrix[:, 6] = random.integers(-2, 2, SIZE)
    matrix[:, 7] *= np.float32(1e-35)
    return matrix


def learnt(random: np.random.Generator, **more: Any) -> tuple[lightgbm.Booster, NDArray[np.float32]]:
    matrix = rows(random)
    label = np.nan_to_num(matrix[:, 0]) + (matrix[:, 4] % 3 == 0) + (matrix[:, 6] > 0) > 0.5
    label ^= random.random(SIZE) < 0.3
    given = {"objective": "binary", "verbosity": -1, "min_data_in_leaf": 3, "min_data_per_group": 3}
    data = lightgbm.Dataset(matrix.copy(), label.astype(np.float32), categorical_feature=[4, 5])
    return lightgbm.train(given | more, data, 5), matrix


@pytest.mark.parametrize("leaves", [2, 7, 32, 33, 64])
@pytest.mark.parametrize("use_missing", [True, False])
def test_as_lightgbm_whatever_is_asked(leaves: int, use_missing: bool) -> None:
    random = np.random.default_rng(leaves)
    booster, matrix = learnt(random, num_leaves=leaves, use_missing=use_missing, max_cat_to_onehot=2)
    for odd in (0, np.nan, np.inf, -np.inf, 5e-36, -5e-36, -3, 1e30):
        asked = matrix.copy()
        asked[random.random(asked.shape) < 0.1] = np.float32(odd)
        known = forest(booster.model_to_string())
        assert known is not None
        np.testing.assert_array_equal(known.score(asked), booster.predict(asked, raw_score=True))


def test_a_tree_that_never_splits_and_no_row() -> None:
    booster, matrix = learnt(np.random.default_rng(0), min_data_in_leaf=SIZE)
    known = forest(booster.model_to_string())
    assert known is not None
    np.testing.assert_array_equal(known.score(matrix), booster.predict(matrix, raw_score=True))
    assert known.score(matrix[:0]).size == 0


@pytest.mark.parametrize(
    "more",
    [{"num_leaves": 100, "min_sum_hessian_in_leaf": 0}, {"zero_as_missing": True}, {"linear_tree": True}],
)
def test_what_is_not_learnt_here_is_left_to_lightgbm(more: dict[str, Any]) -> None:
    booster, _ = learnt(np.random.default_rng(1), **more)
    assert forest(booster.model_to_string()) is None
