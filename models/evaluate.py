"""The figures of one predictor and of a whole evaluation, as frozen values that read and write JSON."""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import numpy as np

from features.errors import DataError
from models.bootstrap import Figure, Groups, figure, per_group, ratio
from models.calibrate import Scores
from models.decide import row_f1
from models.episodes import Outcome, Stream
from models.rank import Ranking


@dataclass(frozen=True, slots=True)
class RowFigures:
    """Figures over the rows of a part, at natural prevalence; precision, recall and F1 at the threshold."""

    rows: int
    positives: int
    prevalence: float | None
    pr_auc: Figure
    roc_auc: Figure
    brier: Figure
    precision: float | None
    recall: float | None
    f1: float | None


@dataclass(frozen=True, slots=True)
class EpisodeFigures:
    """Figures over failures. `unreachable` episodes (no usable row could warn of them) count as missed.

    An alert is a hot row outside the refractory period; it is true when an episode starts in its horizon.
    `time_in_warning` is the share of rows within lead plus horizon after an alert.
    """

    episodes: int
    unreachable: int
    caught: int
    recall: Figure
    robot_days: float
    alerts: int
    false_alarms: int
    false_alarms_per_robot_day: Figure
    precision: Figure
    lead_time_median_s: float | None
    lead_time_p10_s: float | None
    time_in_warning: float | None


@dataclass(frozen=True, slots=True)
class Predictor:
    """One line of the table: the model or a baseline.

    `difference` is the model's PR-AUC minus this one's, drawn in pairs; `beaten` says whether the model is
    better beyond chance (None for the model itself or where it cannot be told).
    """

    name: str
    about: str
    threshold: float
    rows: RowFigures
    episodes: EpisodeFigures
    difference: Figure
    beaten: bool | None


@dataclass(frozen=True, slots=True)
class Bin:
    """Reliability: rows whose risk lies in [low, high], their mean risk and the rate that came true."""

    low: float
    high: float
    rows: int
    positives: int
    mean_risk: float
    rate: float


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One point of the precision-recall curve."""

    threshold: float
    recall: float
    precision: float


@dataclass(frozen=True, slots=True)
class LeadPoint:
    """Share of episodes warned of at least `seconds` ahead."""

    seconds: float
    recall: float


@dataclass(frozen=True, slots=True)
class BudgetPoint:
    """What `alerts_per_day` (fleet-wide; threshold from validation) brought on the test part.

    `cost_per_day` is false alarms and missed failures at the settings' costs; None where no costs are given.
    """

    alerts_per_day: float
    threshold: float
    test_alerts_per_day: float | None
    precision: float | None
    recall: float | None
    false_alarms_per_robot_day: float | None
    caught_per_day: float | None = None
    cost_per_day: float | None = None


@dataclass(frozen=True, slots=True)
class Slice:
    """The model's figures on the test rows where `by` (robot, a fact, hour of day) is `value`."""

    by: str
    value: str
    rows: int
    positives: int
    pr_auc: float | None
    roc_auc: float | None
    episodes: int
    caught: int
    alerts: int
    false_alarms: int
    robot_days: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """`useful`, `not useful` or `not enough failures to say`, and the sentence that says why."""

    word: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Part:
    """Answer to one question (`by time`, `by robot`, `unseen robots, later in time`).

    `counts` are rows per part and rows purged, `borders` ISO times or robots, `training` how the model grew.
    """

    question: str
    counts: Mapping[str, int]
    borders: Mapping[str, str]
    interval_unit: str
    threshold_basis: str
    calibration: str
    model: Predictor
    baselines: tuple[Predictor, ...]
    verdict: Verdict
    reliability: tuple[Bin, ...] = ()
    pr_curve: tuple[CurvePoint, ...] = ()
    lead_times: tuple[LeadPoint, ...] = ()
    budget: tuple[BudgetPoint, ...] = ()
    slices: tuple[Slice, ...] = ()


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything a report says about a model: `by_time` decides, the others answer about unseen robots.

    `counts` hold windows, labels, failures and exclusions per reason; `notes` what a reader must know.
    """

    by_time: Part
    by_robot: Part | None
    nested: Part | None
    counts: Mapping[str, int]
    excluded: Mapping[str, int]
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The verdict of the split by time."""
        return self.by_time.verdict

    def to_json(self) -> bytes:
        """UTF-8 JSON with sorted keys; the same evaluation gives the same bytes."""
        return msgspec.json.format(msgspec.json.encode(self, order="sorted"), indent=1)

    @classmethod
    def from_json(cls, text: bytes | str) -> "Evaluation":
        """The inverse of `to_json`. Raises `DataError` when the text is no evaluation."""
        try:
            return msgspec.json.decode(text, type=cls)
        except msgspec.DecodeError as error:
            raise DataError(
                "this is no evaluation", got=str(error), hint="written by another version?"
            ) from error


def row_figures(risk: Scores, threshold: float, part: Stream, ranking: Ranking, among: Groups) -> RowFigures:
    """Row figures of risks against the labels of `part`, with intervals from the draws of `among`."""
    label, hot = part.label, risk >= threshold
    positives = int(label.sum())
    right = int((hot & label).sum())
    ones = np.ones(len(part))
    return RowFigures(
        rows=len(part),
        positives=positives,
        prevalence=positives / len(part) if len(part) else None,
        pr_auc=figure(ranking.pr_auc(), ranking.pr_auc(among.weights), among),
        roc_auc=figure(ranking.roc_auc(), ranking.roc_auc(among.weights), among),
        brier=ratio(
            per_group((risk - label) ** 2, among.row, among.count),
            per_group(ones, among.row, among.count),
            among,
        ),
        precision=right / int(hot.sum()) if hot.any() else None,
        recall=right / positives if positives else None,
        f1=row_f1(hot, label) if positives else None,
    )


def episode_figures(outcome: Outcome, part: Stream, among: Groups) -> EpisodeFigures:
    """Episode figures of an outcome, with intervals from the draws of `among`."""
    true = np.zeros(len(part))
    true[outcome.alerts] = outcome.true
    raised = np.zeros(len(part))
    raised[outcome.alerts] = 1

    def rows(values: Scores) -> Scores:
        return per_group(values, among.row, among.count)

    leads = outcome.lead[outcome.caught] / 1e9
    return EpisodeFigures(
        episodes=len(part.episodes),
        unreachable=int((~part.reachable).sum()),
        caught=int(outcome.caught.sum()),
        recall=ratio(
            per_group(outcome.caught, among.episode, among.count),
            per_group(np.ones(len(part.episodes)), among.episode, among.count),
            among,
        ),
        robot_days=len(part) * part.days,
        alerts=len(outcome.alerts),
        false_alarms=int((~outcome.true).sum()),
        false_alarms_per_robot_day=ratio(rows(raised - true), rows(np.full(len(part), part.days)), among),
        precision=ratio(rows(true), rows(raised), among),
        lead_time_median_s=float(np.median(leads)) if len(leads) else None,
        lead_time_p10_s=float(np.percentile(leads, 10)) if len(leads) else None,
        time_in_warning=time_in_warning(outcome, part),
    )


def time_in_warning(outcome: Outcome, part: Stream) -> float | None:
    """Share of rows within lead plus horizon after one of their robot's alerts."""
    if not len(part):
        return None
    place = np.searchsorted(outcome.alerts, np.arange(len(part)), side="right") - 1
    if not len(outcome.alerts):
        return 0.0
    last = outcome.alerts[np.maximum(place, 0)]
    warned = (
        (place >= 0) & (part.robot[last] == part.robot) & (part.cutoff - part.cutoff[last] < part.warned_for)
    )
    return float(warned.mean())
