"""Quantiles of long windows against sorting each window anew, by both ways of keeping them sorted."""

from datetime import timedelta
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pytest

from features import numbers
from features.lookback import look_back
from features.schema import TIMESTAMP
from features.statistics import QUANTILES

SECOND = 10**9
WINDOWS = (3, 20, 90, 800)


def quantile(known: np.ndarray, share: float) -> float | None:
    if not len(known):
        return None
    ordered = np.sort(known)
    place = (len(ordered) - 1) * share
    low, high, rest = ordered[int(np.floor(place))], ordered[int(np.ceil(place))], place % 1
    return float(low if low == high or rest == 0 else low * (1 - rest) + high * rest)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("large", [0, numbers.LARGE])
def test_quantiles_of_long_windows(seed: int, large: int) -> None:
    random = np.random.default_rng(seed)
    ts = np.sort(random.choice(2_500, 1_500, replace=False))
    known_at = ts + np.where(random.random(1_500) < 0.2, random.integers(0, 30, 1_500), 0)
    values = np.round(np.cumsum(random.normal(size=1_500)), seed % 3)
    values[random.random(1_500) < 0.05] = [np.inf, -np.inf, np.nan, 0.0][seed]
    observed = pa.table(
        {
            "robot_id": ["a"] * 1_500,
            "ts": pa.array(ts * SECOND, TIMESTAMP),
            "available_at": pa.array(known_at * SECOND, TIMESTAMP),
            "x": values,
        }
    )
    cut = np.sort(random.choice(2_600, 250, replace=False))
    cutoffs = pa.table({"robot_id": ["a"] * 250, "cutoff": pa.array(cut * SECOND, TIMESTAMP)})
    lengths = [timedelta(seconds=seconds) for seconds in WINDOWS]
    with patch.object(numbers, "LARGE", large):
        found = look_back(observed, cutoffs, windows=lengths, statistics=["p10", "p50", "p90"]).features
    for seconds, text in zip(WINDOWS, ("3s", "20s", "90s", "800s"), strict=True):
        for name, share in QUANTILES.items():
            expected = [
                quantile(values[(ts >= c - seconds) & (ts < c) & (known_at <= c) & ~np.isnan(values)], share)
                for c in cut
            ]
            assert found.column(f"x__{name}__{text}").to_pylist() == [
                value if value is None else pytest.approx(value, rel=1e-12, abs=1e-12) for value in expected
            ]
