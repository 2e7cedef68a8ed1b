"""Kaplan–Meier beside lifelines, where it is installed: an oracle, never a dependency."""

import numpy as np
import pytest

from reports.survival import kaplan_meier


def test_the_curve_and_its_band_are_those_of_lifelines() -> None:
    lifelines = pytest.importorskip("lifelines", reason="lifelines is no dependency: it caps pandas")
    generator = np.random.default_rng(3)
    hours, failed = generator.exponential(20, 150).round(1) + 0.1, generator.random(150) < 0.7
    known = lifelines.KaplanMeierFitter().fit(hours, failed)
    found = kaplan_meier(hours, failed)
    at = list(found.time)
    assert found.share == pytest.approx(known.survival_function_at_times(at).tolist())
    band = known.confidence_interval_.loc[at]
    inner = np.array(found.share) > 0
    assert np.array(found.low)[inner] == pytest.approx(band.iloc[:, 0].to_numpy()[inner], abs=1e-6)
    assert np.array(found.high)[inner] == pytest.approx(band.iloc[:, 1].to_numpy()[inner], abs=1e-6)
