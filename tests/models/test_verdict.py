from dataclasses import replace

import numpy as np
import pytest

from models.baselines import RANDOM
from models.bootstrap import Figure, figure, groups, ratio
from models.dataset import Episodes
from models.episodes import DAY, Stream
from models.evaluate import EpisodeFigures, Predictor, RowFigures
from models.verdict import NOT_USEFUL, TOO_FEW, USEFUL, verdict

NONE = Figure(None)


def predictor(name: str, pr_auc: float, *, beaten: bool | None = None, episodes: int = 10) -> Predictor:
    rows = RowFigures(
        1000, 50, 0.05, Figure(pr_auc, pr_auc - 0.1, pr_auc + 0.1), NONE, NONE, None, None, None
    )
    told = EpisodeFigures(
        episodes, 0, 8, Figure(0.8, 0.5, 1.0), 10.0, 9, 1, Figure(0.1), NONE, 1800.0, 600.0, 0.1
    )
    return Predictor(name, "", 0.5, rows, told, Figure(0.5 - pr_auc, 0.1, 0.2), beaten)


def test_all_baselines_beaten_is_useful() -> None:
    told = verdict(predictor("model", 0.5), (predictor("own rate", 0.2, beaten=True),), learnt=True, needed=5)
    assert told.word == USEFUL
    assert told.sentence == (
        "Useful: 8 of 10 failure episodes caught (recall 0.800 [0.500 to 1.000]), typically 30 min ahead, "
        "with 0.100 false alarms per robot-day; PR-AUC 0.500 [0.400 to 0.600] against 0.200 [0.100 to 0.300] "
        "of “own rate”."
    )


def test_one_unbeaten_baseline_is_named() -> None:
    rivals = (predictor("own rate", 0.2, beaten=True), predictor("cycle", 0.48, beaten=False))
    told = verdict(predictor("model", 0.5), rivals, learnt=True, needed=5)
    assert told.word == NOT_USEFUL
    assert told.sentence == (
        "Not useful: its PR-AUC of 0.500 [0.400 to 0.600] is above the 0.480 [0.380 to 0.580] of “cycle” by "
        "no more than chance can give (difference +0.020 [+0.100 to +0.200]), with 8 of 10 failure episodes "
        "caught."
    )
    better = verdict(predictor("model", 0.5), (predictor("cycle", 0.6, beaten=False),), learnt=True, needed=5)
    assert "is not above the 0.600 [0.500 to 0.700] of “cycle” (difference -0.100" in better.sentence


@pytest.mark.parametrize(
    ("alerts", "reason"),
    [
        (9, "8 of 10 failure episodes caught, which as much time in warning at random moments can do, too"),
        (0, "no risk reached the threshold chosen on validation, 8 of 10 failure episodes caught"),
    ],
)
def test_alerts_that_may_be_chance_are_told_apart_from_risks_that_do_not_rank(
    alerts: int, reason: str
) -> None:
    model = predictor("model", 0.5)
    model = replace(model, episodes=replace(model.episodes, alerts=alerts))
    rivals = (predictor("own rate", 0.2, beaten=True), predictor(RANDOM, 0.1, beaten=False))
    told = verdict(model, rivals, learnt=True, needed=5).sentence
    assert told.startswith(f"Not useful: {reason}")
    assert told.endswith(", though its risks rank the rows with a PR-AUC of 0.500 [0.400 to 0.600].")


@pytest.mark.parametrize(
    ("learnt", "episodes", "beaten"), [(False, 10, True), (True, 4, True), (True, 10, None)]
)
def test_too_little_to_tell(*, learnt: bool, episodes: int, beaten: bool | None) -> None:
    model = predictor("model", 0.5, episodes=episodes)
    told = verdict(model, (predictor("own rate", 0.2, beaten=beaten),), learnt=learnt, needed=5)
    assert told.word == TOO_FEW
    assert told.sentence.startswith("Not enough failures to say: ")
    assert f"{episodes} failure episodes in the test part" in told.sentence


def stream(robots: int, rows: int, step: int, warned_for: int) -> Stream:
    """Robots with `rows` rows each, `step` ns apart, no episode."""
    return Stream(
        robot=np.repeat(np.arange(robots, dtype=np.int32), rows),
        cutoff=np.tile(np.arange(rows, dtype=np.int64) * step, robots),
        label=np.zeros(robots * rows, dtype=bool),
        episodes=Episodes(np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int64), ()),
        first=np.empty(0, dtype=np.int64),
        last=np.empty(0, dtype=np.int64),
        warned_for=warned_for,
        refractory=0,
        days=step / DAY,
    )


@pytest.mark.parametrize(
    ("part", "unit", "count"),
    [
        (stream(10, 5, DAY, DAY), "robot", 10),
        (stream(3, 5, DAY, DAY), "robot-day", 15),
        (stream(2, 12, DAY // 24, 10**9), "robot-hour", 24),
        (stream(1, 100, DAY // 1440, 10**9), "robot-minute", 100),
        (stream(1, 100, DAY // 1440, DAY // 24), "robot-day", 1),
    ],
)
def test_what_is_redrawn(part: Stream, unit: str, count: int) -> None:
    among = groups(part, 50, 0)
    assert (among.unit, among.count) == (unit, count)
    assert among.weights.shape == (50, count)
    assert (among.weights.sum(axis=1) == count).all()
    assert groups(part, 50, 0).weights.tolist() == among.weights.tolist()


def test_interval_covers_the_mean_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(0)
    covered = 0
    for _ in range(200):
        among = groups(stream(40, 1, DAY, DAY), 200, int(generator.integers(10**6)))
        drawn = ratio(generator.normal(1.0, 0.5, 40), np.ones(40), among)
        assert drawn.low is not None
        assert drawn.high is not None
        covered += drawn.low <= 1.0 <= drawn.high
    assert 175 <= covered <= 199


def test_no_interval_under_five_groups() -> None:
    among = groups(stream(1, 4, DAY, DAY), 50, 0)
    assert ratio(np.ones(4), np.ones(4), among) == Figure(1.0)
    assert figure(float("nan"), np.ones(50), replace(among, count=9)) == Figure(None)
