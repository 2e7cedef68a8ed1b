"""What a training run is told: one frozen value, kept whole in the model's card."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

import msgspec

from features.errors import DataError

Family = Literal["trees", "logistic", "threshold"]
TREES: Family = "trees"
LOGISTIC: Family = "logistic"
THRESHOLD: Family = "threshold"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainSettings:
    """Question, split, learner and alerting rules of one training run.

    `lead`, `horizon` and `episode_gap` define the label (docs: "Failures, episodes, labels"); `lookback` is
    the longest feature window and only widens the purge, as does `embargo`, an extra gap between the parts.
    `family` is what learns; `features` keeps only the columns these patterns match (none: all), `categorical`
    takes the numeric columns they match for categories, `monotone` maps patterns to 1 (risk may only rise
    with the feature), -1 (fall) or 0; patterns are of the shell (`battery__*`), the first match counts.
    `scheduler` is the Dask scheduler whose workers grow the trees (none: this process).
    Costs, in any one currency, make the alert-budget planner tell what a day costs. `test_share` and
    `validation_share` are shares of the grid rows, in time. `alerts_per_robot_day` is the budget the
    threshold must keep on validation; `refractory` silences a robot after an alert (None: lead plus horizon,
    the time an alert speaks for).
    Trees are small and `feature_fraction` is drawn anew at every split, because failures are few (defaults
    chosen on folds in time inside the training part of Azure PdM, docs/models.md).
    `baseline_features` are name prefixes of the columns of a rival model that must be beaten.
    `trusted_features` may separate the classes perfectly without being refused as a leak.
    Raises `DataError` for values outside their range.
    """

    lead: timedelta
    horizon: timedelta
    lookback: timedelta
    episode_gap: timedelta
    seed: int = 0
    family: Family = TREES
    features: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    embargo: timedelta = timedelta(0)
    test_share: float = 0.2
    validation_share: float = 0.2
    negatives_per_positive: float | None = None
    positive_weight: float = 1.0
    rounds: int = 400
    early_stopping: int = 50
    learning_rate: float = 0.05
    num_leaves: int = 15
    min_data_in_leaf: int = 20
    lambda_l2: float = 1.0
    feature_fraction: float = 0.5
    extra_trees: bool = True
    monotone: Mapping[str, int] = field(default_factory=dict)
    threads: int = 2
    scheduler: str = ""
    alerts_per_robot_day: float = 1.0
    refractory: timedelta | None = None
    alerts_per_day: tuple[float, ...] = (1.0, 2.0, 5.0, 10.0)
    cost_of_false_alarm: float | None = None
    cost_of_missed_failure: float | None = None
    min_episodes: int = 5
    bootstraps: int = 400
    baseline_features: tuple[str, ...] = ()
    trusted_features: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        rules = {
            "horizon": (self.horizon > timedelta(0), "a duration above 0"),
            "lead": (self.lead >= timedelta(0), "a duration of at least 0"),
            "lookback": (self.lookback >= timedelta(0), "a duration of at least 0"),
            "episode_gap": (self.episode_gap >= timedelta(0), "a duration of at least 0"),
            "embargo": (self.embargo >= timedelta(0), "a duration of at least 0"),
            "monotone": (
                set(self.monotone.values()) <= {-1, 0, 1},
                "-1 (risk falls), 0 or 1 (risk rises) per pattern",
            ),
            "test_share": (0 < self.test_share < 1, "above 0 and below 1"),
            "validation_share": (
                0 < self.validation_share < 1 - self.test_share,
                "above 0, below 1 - test_share",
            ),
            "negatives_per_positive": (
                (self.negatives_per_positive or 1) > 0,
                "above 0, or none for all rows",
            ),
            "positive_weight": (
                self.positive_weight > 0 and (not self.scheduler or self.positive_weight == 1),
                "above 0, and 1 on a Dask cluster",
            ),
            "rounds": (self.rounds >= 1, "at least 1"),
            "threads": (self.threads >= 1, "at least 1"),
            "alerts_per_robot_day": (self.alerts_per_robot_day >= 0, "at least 0"),
        }
        for name, (holds, expected) in rules.items():
            if not holds:
                raise DataError(
                    f"train setting {name} out of range", got=getattr(self, name), expected=expected
                )

    @property
    def reach(self) -> timedelta:
        """Time around a cut-off its features and label may touch: look-back + lead + horizon."""
        return self.lookback + self.lead + self.horizon

    @property
    def gap(self) -> timedelta:
        """Time kept free before a border between two parts: reach + embargo."""
        return self.reach + self.embargo

    @property
    def silence(self) -> timedelta:
        """How long a robot stays silent after an alert."""
        return self.lead + self.horizon if self.refractory is None else self.refractory

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; durations in ISO 8601 (`PT42S`)."""
        return dict(msgspec.to_builtins(self))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TrainSettings":
        """The inverse of `to_dict`. Raises `DataError` naming the field that does not fit."""
        try:
            return msgspec.convert(dict(values), cls)
        except msgspec.ValidationError as error:
            raise DataError("train settings do not fit", got=str(error)) from error
