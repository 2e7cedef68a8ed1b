from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.dataset import Episodes
from models.decide import NEVER, decide, f1, row_f1, threshold, within_budget
from models.episodes import Stream


def part(label: list[bool], *, days: float = 0.01, refractory: int = 1) -> Stream:
    """One robot, one row a tick; every run of positives is an episode that begins right after it."""
    flags = np.array(label, dtype=bool)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(int), [0]])))
    first, last = edges[::2], edges[1::2]
    return Stream(
        robot=np.zeros(len(flags), dtype=np.int32),
        cutoff=np.arange(len(flags), dtype=np.int64),
        label=flags,
        episodes=Episodes(
            np.zeros(len(first), dtype=np.int32), last.astype(np.int64), ("stall",) * len(first)
        ),
        first=first.astype(np.int64),
        last=last.astype(np.int64),
        warned_for=10,
        refractory=refractory,
        days=days,
    )


QUIET = [False] * 40
LABEL = [*QUIET, True, True, *QUIET, True, True, *QUIET]


def test_a_clean_score_finds_the_clean_threshold() -> None:
    rows = part(LABEL, refractory=5)
    risk = np.where(rows.label, 0.8, 0.1) + np.linspace(0, 0.01, len(rows))
    chosen, basis = threshold(risk, rows, budget=100)
    assert 0.11 < chosen <= 0.8
    assert basis.startswith("best episode F1")
    outcome = rows.judged(risk >= chosen)
    assert outcome.caught.all()
    assert outcome.true.all()


def test_the_budget_binds() -> None:
    rows = part(LABEL, days=1.0, refractory=5)
    risk = np.where(rows.label, 0.8, 0.1) + np.linspace(0, 0.01, len(rows))
    chosen, _ = threshold(risk, rows, budget=1.5 / len(rows))
    assert len(rows.judged(risk >= chosen).alerts) == 1


def test_nothing_to_choose_means_never() -> None:
    rows = part(LABEL)
    assert threshold(np.full(len(rows), 0.3), rows, budget=100)[0] == NEVER
    assert threshold(np.linspace(0, 1, len(rows)), rows, budget=0)[0] == NEVER


def test_without_failures_the_budget_alone_decides() -> None:
    rows = part([False] * 100, days=1.0)
    risk = np.linspace(0.1, 0.9, 100)
    chosen, basis = threshold(risk, rows, budget=0.1)
    assert len(rows.judged(risk >= chosen).alerts) == 10
    assert "no failure in validation" in basis
    assert within_budget(risk, rows, 7) == pytest.approx(np.mean(risk[-8:-6]))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9)), min_size=2, max_size=60))
def test_the_chosen_threshold_is_the_best_candidate(drawn: list[tuple[bool, int]]) -> None:
    rows = part([label for label, _ in drawn])
    risk = np.array([level for _, level in drawn]) / 10 + 0.05
    chosen, _ = threshold(risk, rows, budget=1e9)
    if not rows.label.any():
        return

    def merit(level: float) -> tuple[float, float]:
        outcome = rows.judged(risk >= level)
        caught = sum(outcome.caught.tolist()) / len(outcome.caught)
        true = sum(outcome.true.tolist()) / max(len(outcome.true), 1)
        return f1(true, caught), row_f1(risk >= level, rows.label)

    levels = sorted(set(risk.tolist()))
    candidates = [(a + b) / 2 for a, b in pairwise(levels)]
    best = max((merit(level) for level in candidates), default=(0.0, 0.0))
    assert merit(chosen) == pytest.approx(best if best[0] > 0 else merit(NEVER))


def test_decide_joins_calibration_and_threshold() -> None:
    rows = part(LABEL * 20, refractory=5)
    score = np.where(rows.label, 2.0, -2.0) + np.random.default_rng(0).normal(0, 0.5, len(rows))
    decision = decide(score, rows, budget=100)
    risk = decision.calibration.risk(score)
    assert risk.mean() == pytest.approx(rows.label.mean(), abs=0.01)
    assert rows.judged(risk >= decision.threshold).caught.all()
