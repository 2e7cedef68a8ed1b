"""Scores a test part once and puts the model in one table with everything it must beat."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from models.baselines import RANDOM, Rival
from models.bootstrap import Figure, Groups, figure, groups
from models.calibrate import Scores
from models.dataset import Dataset
from models.decide import Decision, decide, within_budget
from models.episodes import DAY, Outcome, Stream, stream
from models.evaluate import (
    Bin,
    BudgetPoint,
    CurvePoint,
    LeadPoint,
    Part,
    Predictor,
    episode_figures,
    row_figures,
)
from models.rank import Ranking
from models.settings import TrainSettings
from models.slices import slices
from models.split import Split
from models.verdict import verdict

_SHIFTS = 100


@dataclass(frozen=True, slots=True)
class Judged:
    """A predictor's risks on the test rows with all that is derived from them."""

    risk: Scores
    decision: Decision
    ranking: Ranking
    outcome: Outcome


def assess(
    data: Dataset,
    split: Split,
    settings: TrainSettings,
    decision: Decision,
    scores: tuple[Scores, Scores],
    rivals: Iterable[Rival],
    *,
    learnt: bool,
    facts: tuple[str, ...],
) -> Part:
    """The figures of one split; `scores` are the model's log-odds on its validation and test rows."""
    validation = stream(data, split.validation, settings, split.validation_robots)
    test = stream(data, split.test, settings, split.test_robots)
    among = groups(test, settings.bootstraps, settings.seed)
    mine = _judge(scores[1], decision, test, among)
    model = _line("model", "", mine, mine, test, among, own=True)
    table = []
    for rival in rivals:
        choice = decide(rival.validation, validation, settings.alerts_per_robot_day)
        table.append(
            _line(rival.name, rival.about, _judge(rival.test, choice, test, among), mine, test, among)
        )
    if learnt and len(test):
        table.append(_random(mine, test, among, settings))
    baselines = tuple(table)
    return Part(
        question=split.question,
        counts={
            "train rows": len(split.train),
            "train positives": int(data.label[split.train].sum()),
            "validation rows": len(split.validation),
            "validation positives": int(validation.label.sum()),
            "validation episodes": len(validation.episodes),
            "test rows": len(test),
            "test positives": int(test.label.sum()),
            "test episodes": len(test.episodes),
            "purged rows": split.purged,
        },
        borders=_borders(data, split),
        interval_unit=among.unit,
        threshold_basis=decision.basis,
        calibration=decision.calibration.kind,
        model=model,
        baselines=baselines,
        verdict=verdict(model, baselines, learnt=learnt, needed=settings.min_episodes),
        reliability=_reliability(mine.risk, test),
        pr_curve=_curve(mine.ranking),
        lead_times=_lead_times(mine.outcome, test),
        budget=_budget(decision.calibration.risk(scores[0]), mine.risk, validation, test, settings),
        slices=slices(data, split, test, mine.risk, mine.outcome, facts),
    )


def _judge(score: Scores, decision: Decision, test: Stream, among: Groups) -> Judged:
    risk = decision.calibration.risk(score)
    ranking = Ranking.of(risk, test.label, among.row, among.count)
    return Judged(risk, decision, ranking, test.judged(risk >= decision.threshold))


def _line(
    name: str, about: str, judged: Judged, model: Judged, test: Stream, among: Groups, *, own: bool = False
) -> Predictor:
    value = model.ranking.pr_auc() - judged.ranking.pr_auc()
    drawn = model.ranking.pr_auc(among.weights) - judged.ranking.pr_auc(among.weights)
    difference = Figure(None) if own else figure(value, drawn, among)
    return Predictor(
        name=name,
        about=about,
        threshold=judged.decision.threshold,
        rows=row_figures(judged.risk, judged.decision.threshold, test, judged.ranking, among),
        episodes=episode_figures(judged.outcome, test, among),
        difference=difference,
        beaten=None if own or difference.low is None else difference.low > 0,
    )


def _random(model: Judged, test: Stream, among: Groups, settings: TrainSettings) -> Predictor:
    """The model's own risks moved in time within each robot: as often in warning, knowing nothing.

    Figures are means over 100 moves, intervals their 2.5 to 97.5 percentiles; beaten when fewer than one
    move in twenty catches as many episodes.
    """
    generator = np.random.default_rng(settings.seed)
    parts = np.split(np.arange(len(test)), np.flatnonzero(np.diff(test.robot)) + 1)
    found = []
    for _ in range(_SHIFTS):
        moved = np.concatenate(
            [np.roll(model.risk[rows], int(generator.integers(len(rows)))) for rows in parts]
        )
        outcome = test.judged(moved >= model.decision.threshold)
        caught = outcome.caught.mean() if len(outcome.caught) else np.nan
        found.append(
            (Ranking.of(moved, test.label).pr_auc(), caught, len(outcome.alerts), outcome.true.sum())
        )
    pr_auc, recall, alerts, true = np.array(found, dtype=np.float64).T
    typical = _line(RANDOM, "", model, model, test, among)
    own = model.ranking.pr_auc()
    days = len(test) * test.days
    return Predictor(
        name=RANDOM,
        about=f"the model's risks moved in time within each robot, {_SHIFTS} times",
        threshold=model.decision.threshold,
        rows=replace(
            typical.rows,
            pr_auc=_spread(pr_auc),
            roc_auc=Figure(0.5),
            brier=Figure(None),
            precision=None,
            recall=None,
            f1=None,
        ),
        episodes=replace(
            typical.episodes,
            caught=round(float(np.nan_to_num(recall.mean())) * len(test.episodes)),
            recall=_spread(recall),
            alerts=round(alerts.mean()),
            false_alarms=round((alerts - true).mean()),
            false_alarms_per_robot_day=_spread((alerts - true) / days if days else alerts * np.nan),
            precision=_spread(true[alerts > 0] / alerts[alerts > 0]),
            lead_time_median_s=None,
            lead_time_p10_s=None,
        ),
        difference=_spread(own - pr_auc),
        beaten=bool(np.mean(recall >= model.outcome.caught.mean()) < 0.05) if len(test.episodes) else None,
    )


def _spread(values: Scores) -> Figure:
    known = values[np.isfinite(values)]
    if not len(known):
        return Figure(None)
    low, high = np.percentile(known, [2.5, 97.5])
    return Figure(float(known.mean()), float(low), float(high))


def _borders(data: Dataset, split: Split) -> Mapping[str, str]:
    borders = {}
    if split.validation_start is not None and split.test_start is not None:
        borders["validation starts"] = f"{np.datetime64(split.validation_start, 'ns')}Z"
        borders["test starts"] = f"{np.datetime64(split.test_start, 'ns')}Z"
    if split.test_robots:
        borders["test robots"] = ", ".join(data.robots[code] for code in split.test_robots)
    return borders


def _reliability(risk: Scores, test: Stream) -> tuple[Bin, ...]:
    if not len(risk):
        return ()
    edges = np.unique(
        np.quantile(risk, [0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.98, 0.99, 0.995, 1], method="lower")
    )
    place = np.clip(np.searchsorted(edges, risk, side="right") - 1, 0, max(len(edges) - 2, 0))
    bins = []
    for index in np.unique(place):
        mine = place == index
        bins.append(
            Bin(
                low=float(risk[mine].min()),
                high=float(risk[mine].max()),
                rows=int(mine.sum()),
                positives=int(test.label[mine].sum()),
                mean_risk=float(risk[mine].mean()),
                rate=float(test.label[mine].mean()),
            )
        )
    return tuple(bins)


def _curve(ranking: Ranking) -> tuple[CurvePoint, ...]:
    thresholds, recall, precision = ranking.curve()
    if not len(thresholds):
        return ()
    chosen = np.unique(np.linspace(0, len(thresholds) - 1, 100).round().astype(int))
    return tuple(CurvePoint(float(thresholds[i]), float(recall[i]), float(precision[i])) for i in chosen)


def _lead_times(outcome: Outcome, test: Stream) -> tuple[LeadPoint, ...]:
    if not len(test.episodes):
        return ()
    points = np.linspace(0, test.warned_for, 25)
    return tuple(
        LeadPoint(float(p) / 1e9, float((outcome.caught & (outcome.lead >= p)).mean())) for p in points
    )


def _budget(
    before: Scores, risk: Scores, validation: Stream, test: Stream, settings: TrainSettings
) -> tuple[BudgetPoint, ...]:
    """What each number of alerts a day, fleet-wide, would have bought: thresholds from validation."""
    lasted, tested = _span(validation), _span(test)
    points = []
    for wanted in settings.alerts_per_day if lasted and tested else ():
        threshold = within_budget(before, validation, wanted * lasted)
        outcome = test.judged(risk >= threshold)
        count = len(outcome.alerts)
        points.append(
            BudgetPoint(
                alerts_per_day=wanted,
                threshold=threshold,
                test_alerts_per_day=count / tested,
                precision=float(outcome.true.mean()) if count else None,
                recall=float(outcome.caught.mean()) if len(test.episodes) else None,
                false_alarms_per_robot_day=float((~outcome.true).sum()) / (len(test) * test.days)
                if test.days
                else None,
                caught_per_day=float(outcome.caught.sum()) / tested,
                cost_per_day=_cost(outcome, settings, tested),
            )
        )
    return tuple(points)


def _cost(outcome: Outcome, settings: TrainSettings, days: float) -> float | None:
    """What false alarms and missed failures cost a day, None without costs."""
    if settings.cost_of_false_alarm is None or settings.cost_of_missed_failure is None:
        return None
    false, missed = int((~outcome.true).sum()), int((~outcome.caught).sum())
    return (false * settings.cost_of_false_alarm + missed * settings.cost_of_missed_failure) / days


def _span(part: Stream) -> float:
    """Days from the first to the last cut-off."""
    return float(part.cutoff.max() - part.cutoff.min()) / DAY if len(part) else 0.0
