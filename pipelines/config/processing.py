"""`[join]`, `[failure]`, `[lookback]` and `[train]`: from streams to features, labels and a model."""

from dataclasses import fields
from datetime import timedelta
from typing import Any, Final, Literal

from pydantic import Field, field_validator, model_validator

from models.settings import Family, TrainSettings
from pipelines.config.logs import Direction
from pipelines.config.section import Predicate, Section
from pipelines.durations import Duration, parse_duration


class JoinSection(Section):
    """`[join]`: the anchor whose clock the observations follow: a stream, or a fixed grid."""

    anchor: str | None = Field(None, description="the stream whose records become observations")
    every: Duration | None = Field(None, description="or a fixed grid: the time between observations")
    direction: Direction = Field(
        "nearest", description="'backward' joins only what came before, 'forward' only what came after"
    )

    @model_validator(mode="after")
    def _one_clock(self) -> "JoinSection":
        if (self.anchor is None) == (self.every is None):
            raise ValueError('give either anchor = "<stream>" or every = "<duration>"')
        return self


class FailureRule(Section):
    """`[[failure.on]]`: one way to fail: a predicate on the records of a stream."""

    stream: str = Field(description="where it is seen")
    when: Predicate = Field(
        default_factory=dict, description='the values that say so: { state = "ERROR" }; {} = every record'
    )
    edge: Literal["rising", "each"] = Field(
        "rising", description="'rising': when `when` becomes true; 'each': every record that fits"
    )
    code: str = Field("", description="the failure's name; '' = the stream's name")
    code_field: str = Field("", description="take the name from this field instead")


class FailureSection(Section):
    """`[failure]`: what counts as a failure, and when two are one episode."""

    on: tuple[FailureRule, ...] = Field(min_length=1, description="one or more rules")
    episode_gap: Duration = Field(
        timedelta(minutes=5), description="failures of a robot closer than this are one episode"
    )


Statistic = Literal[
    "count", "mean", "std", "min", "max", "first", "last", "slope", "p10", "p50", "p90", "changes", "share"
]


Signal = Literal["bands", "dominant_hz", "wavelets", "zero_crossings", "autocorrelation"]


class LookbackSection(Section):
    """`[lookback]`: the windows before a cut-off, and the time after it a failure is looked for."""

    windows: tuple[Duration, ...] = Field(
        (timedelta(seconds=10), timedelta(seconds=42), timedelta(minutes=2)),
        description="how far back each window reaches from the cut-off",
    )
    statistics: tuple[Statistic, ...] = Field(
        ("count", "mean", "std", "min", "max", "last", "slope", "p50", "changes", "share"),
        description="made of every column in every window",
    )
    signals: tuple[Signal, ...] = Field(
        (), description="signal features of resampled windows; none by default"
    )
    signal_columns: tuple[str, ...] = Field((), description="what to make them of; () = every number")
    signal_every: Duration | None = Field(None, description="time between samples of a resampled window")
    signal_gap: Duration | None = Field(None, description="longest gap bridged; none = 5 x signal_every")
    exclude: tuple[str, ...] = Field((), description="columns or streams that make no features")
    lead: Duration = Field(
        timedelta(0),
        description="the shortest warning worth having: failures sooner than this are not foretold",
    )
    horizon: Duration = Field(
        timedelta(minutes=10), description="how far beyond `lead` a failure is looked for"
    )
    every: Duration = Field(timedelta(seconds=30), description="time between cut-offs")
    min_coverage: float = Field(
        0.0, ge=0, le=1, description="share of the expected observations a window must hold"
    )
    expected_every: Duration | None = Field(
        None, description="usual time between observations, for `min_coverage`"
    )
    event_cap: Duration = Field(
        timedelta(hours=1), description="'time since the last event' counts up to this"
    )

    @model_validator(mode="after")
    def _possible(self) -> "LookbackSection":
        if not self.windows or min(self.windows) <= timedelta(0):
            raise ValueError("windows must be one or more durations above 0s")
        if len(set(self.windows)) != len(self.windows):
            raise ValueError("windows are listed twice")
        if self.horizon <= timedelta(0):
            raise ValueError("horizon must be above 0s: a failure is looked for in [c+lead, c+lead+horizon)")
        if self.every <= timedelta(0):
            raise ValueError("every must be above 0s")
        if self.min_coverage > 0 and self.expected_every is None:
            raise ValueError("min_coverage needs expected_every, the usual time between observations")
        if self.signals and not self.signal_every:
            raise ValueError("signals need signal_every, the time between samples, such as '1s'")
        if self.signal_gap == timedelta(0):
            raise ValueError("signal_gap must be above 0s")
        return self

    @property
    def reach(self) -> timedelta:
        """How far before an episode's start its look-back windows begin."""
        return self.lead + max(self.windows)


LEARNER: Final[dict[str, Any]] = {setting.name: setting.default for setting in fields(TrainSettings)}


class TrainSection(Section):
    """`[train]`: how the classifier is trained and judged."""

    seed: int = Field(LEARNER["seed"], description="same commit, same seed: the same model, byte for byte")
    test_share: float = Field(
        LEARNER["test_share"], gt=0, lt=0.5, description="newest share of time kept for judging"
    )
    validation_share: float = Field(
        LEARNER["validation_share"],
        gt=0,
        lt=0.5,
        description="share before it, for early stopping, calibration and the threshold",
    )
    embargo: Duration = Field(LEARNER["embargo"], description="a gap between the parts beside the purge")
    family: Family = Field(
        LEARNER["family"], description="trees, logistic (regression) or (single) threshold"
    )
    features: tuple[str, ...] = Field((), description="patterns of the features to use; () = all")
    categorical: tuple[str, ...] = Field((), description="patterns of numeric features that are categories")
    monotone: dict[str, Literal[-1, 0, 1]] = Field(
        {}, description="pattern of features -> 1: risk only rises with it, -1: only falls"
    )
    negatives_per_positive: float | None = Field(
        LEARNER["negatives_per_positive"],
        gt=0,
        description="keep so many quiet rows per row before a failure; none = all",
    )
    positive_weight: float = Field(LEARNER["positive_weight"], gt=0, description="of rows before a failure")
    rounds: int = Field(LEARNER["rounds"], gt=0, description="most trees")
    early_stopping: int = Field(
        LEARNER["early_stopping"], ge=1, description="rounds without gain on validation before growing stops"
    )
    learning_rate: float = Field(LEARNER["learning_rate"], gt=0, le=1, description="of the trees")
    num_leaves: int = Field(LEARNER["num_leaves"], ge=2, description="of a tree")
    min_data_in_leaf: int = Field(LEARNER["min_data_in_leaf"], ge=1, description="rows")
    lambda_l2: float = Field(LEARNER["lambda_l2"], ge=0, description="regularisation of leaf values")
    feature_fraction: float = Field(
        LEARNER["feature_fraction"], gt=0, le=1, description="features looked at per split"
    )
    extra_trees: bool = Field(LEARNER["extra_trees"], description="thresholds drawn at random at each split")
    min_episodes: int = Field(
        LEARNER["min_episodes"],
        ge=1,
        description="fewer test episodes than this: the verdict is 'not enough failures to say'",
    )
    baseline: tuple[str, ...] = Field((), description="feature prefixes of a declared baseline model")
    retrain: str = Field(
        "every_commit",
        description="once a model is promoted, teach anew every_commit, on_drift or after robot-hours: 50h",
    )
    trusted: tuple[str, ...] = Field((), description="features that tell the classes apart and are no leak")
    distributed: bool = Field(False, description="grow the trees on the workers of pipelines.scheduler")
    mlflow: str = Field("", description="copy each run to this MLflow store, such as sqlite:////srv/runs.db")

    @field_validator("retrain")
    @classmethod
    def _rule(cls, value: str) -> str:
        if value not in ("every_commit", "on_drift"):
            try:
                parse_duration(value)
            except ValueError as error:
                raise ValueError(
                    f"retrain is every_commit, on_drift or robot-hours such as '50h'; got {value!r}"
                ) from error
        return value
