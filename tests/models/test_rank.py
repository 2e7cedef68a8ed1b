import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.rank import Ranking

rows = st.lists(st.tuples(st.integers(0, 6), st.booleans(), st.integers(0, 2)), min_size=1, max_size=40)


def slow_pr_auc(score: list[int], label: list[bool]) -> float:
    total, area, recall = sum(label), 0.0, 0.0
    for level in sorted(set(score), reverse=True):
        chosen = [hit for s, hit in zip(score, label, strict=True) if s >= level]
        now = sum(chosen) / total
        area += (now - recall) * sum(chosen) / len(chosen)
        recall = now
    return area


def slow_roc_auc(score: list[int], label: list[bool]) -> float:
    pairs = [
        (a > b) + (a == b) / 2
        for a, hit in zip(score, label, strict=True)
        if hit
        for b, other in zip(score, label, strict=True)
        if not other
    ]
    return sum(pairs) / len(pairs)


@given(rows)
def test_areas_match_their_definitions(drawn: list[tuple[int, bool, int]]) -> None:
    score, label, _ = (list(column) for column in zip(*drawn, strict=True))
    ranking = Ranking.of(np.array(score, dtype=float), np.array(label))
    if any(label):
        assert ranking.pr_auc() == pytest.approx(slow_pr_auc(score, label))
    else:
        assert np.isnan(ranking.pr_auc())
    if any(label) and not all(label):
        assert ranking.roc_auc() == pytest.approx(slow_roc_auc(score, label))


@given(rows, st.lists(st.integers(0, 3), min_size=3, max_size=3))
def test_a_draw_equals_repeating_its_groups(drawn: list[tuple[int, bool, int]], times: list[int]) -> None:
    score, label, group = (np.array(column) for column in zip(*drawn, strict=True))
    ranking = Ranking.of(score.astype(float), label.astype(bool), group.astype(np.int64), 3)
    weights = np.array([times], dtype=float)
    repeated = np.repeat(np.arange(len(drawn)), np.array(times)[group])
    whole = Ranking.of(score[repeated].astype(float), label[repeated].astype(bool))
    assert ranking.pr_auc(weights)[0] == pytest.approx(whole.pr_auc(), nan_ok=True)
    assert ranking.roc_auc(weights)[0] == pytest.approx(whole.roc_auc(), nan_ok=True)


def test_areas_match_scikit_learn() -> None:
    metrics = pytest.importorskip("sklearn.metrics")
    generator = np.random.default_rng(0)
    score, label = generator.normal(size=500).round(1), generator.random(500) < 0.2
    ranking = Ranking.of(score, label)
    assert ranking.pr_auc() == pytest.approx(metrics.average_precision_score(label, score))
    assert ranking.roc_auc() == pytest.approx(metrics.roc_auc_score(label, score))


def test_curve_ends_at_full_recall() -> None:
    thresholds, recall, precision = Ranking.of(
        np.array([0.9, 0.8, 0.7, 0.1]), np.array([True, False, True, False])
    ).curve()
    assert thresholds.tolist() == [0.9, 0.7]
    assert recall.tolist() == [0.5, 1.0]
    assert precision.tolist() == pytest.approx([1.0, 2 / 3])
