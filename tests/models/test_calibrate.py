import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.calibrate import Calibration, constant, expit, fit, logit, pool


def slow_isotonic(target: list[float]) -> list[float]:
    """Max-min formula of isotonic regression (Robertson et al. 1988), straight from the definition."""
    size = len(target)
    return [
        max(min(float(np.mean(target[a : b + 1])) for b in range(at, size)) for a in range(at + 1))
        for at in range(size)
    ]


@given(st.lists(st.booleans(), min_size=1, max_size=25))
def test_pool_is_isotonic_regression(outcomes: list[bool]) -> None:
    target = np.array(outcomes, dtype=np.float64)
    means, sizes = pool(np.arange(len(target), dtype=np.float64), target)
    assert np.repeat(means, sizes) == pytest.approx(slow_isotonic(target.tolist()))


def test_pool_keeps_equal_scores_together() -> None:
    means, sizes = pool(np.array([0.0, 1.0, 1.0, 2.0]), np.array([0.0, 1.0, 0.0, 1.0]))
    assert means.tolist() == [0.0, 0.5, 1.0]
    assert sizes.tolist() == [1, 2, 1]


@pytest.mark.parametrize(("rows", "kind"), [(60, "shift"), (4000, "platt"), (60_000, "isotonic")])
def test_a_distorted_score_is_made_true(rows: int, kind: str) -> None:
    generator = np.random.default_rng(1)
    truth = generator.normal(-2.5, 1.0, rows)
    label = generator.random(rows) < expit(truth)
    fitted = fit(1.7 * truth + 2.0, label)
    assert fitted.kind == kind
    risk = fitted.risk(1.7 * truth + 2.0)
    assert risk.mean() == pytest.approx(label.mean(), abs=0.01)
    if kind != "shift":
        assert np.abs(risk - expit(truth)).mean() < 0.02


@given(st.lists(st.tuples(st.floats(-8, 8), st.booleans()), min_size=2, max_size=80))
def test_calibration_never_changes_the_ranking(rows: list[tuple[float, bool]]) -> None:
    score = np.array([score for score, _ in rows])
    label = np.array([label for _, label in rows])
    ordered = np.sort(score)
    risk = fit(score, label).risk(ordered)
    assert (np.diff(risk) >= 0).all()
    assert ((risk > 0) & (risk < 1)).all()


def test_the_next_float_is_never_less_risky() -> None:
    odds = -0.1784516401746986 + np.arange(-500, 500) * np.spacing(0.178)
    assert (np.diff(expit(odds)) >= 0).all()


def test_isotonic_leaves_no_plateau() -> None:
    generator = np.random.default_rng(3)
    score = generator.normal(size=20_000)
    fitted = fit(score, generator.random(20_000) < 0.3)
    assert fitted.kind == "isotonic"
    assert (np.diff(fitted.risk(np.linspace(-6, 6, 50))) > 0).all()


def test_one_class_leaves_the_score_alone() -> None:
    score = np.array([-2.0, 0.0, 1.0])
    assert fit(score, np.zeros(3, dtype=bool)).risk(score) == pytest.approx(expit(score))


def test_constant_gives_every_row_the_rate() -> None:
    assert constant(0.02).risk(np.array([-50.0, 0.0, 50.0])) == pytest.approx([0.02] * 3)


def test_round_trip() -> None:
    fitted = Calibration("isotonic", (-1.0, 0.5), (-2.0, 0.25), 1.0)
    assert Calibration.from_dict(fitted.to_dict()) == fitted


def test_logit_is_the_inverse_of_expit() -> None:
    odds = np.linspace(-15, 15, 31)
    assert logit(expit(odds)) == pytest.approx(odds, abs=1e-6)
