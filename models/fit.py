"""Trees, calibration and threshold together: everything learnt from the training and validation rows."""

from dataclasses import dataclass

import numpy as np

from models.calibrate import Scores, constant
from models.dataset import Dataset
from models.decide import NEVER, Decision, decide
from models.encode import Encoding
from models.episodes import stream
from models.learner import Grown, Matrix, can_learn, grow
from models.settings import TrainSettings
from models.split import Split


@dataclass(frozen=True, slots=True)
class Fitted:
    """Trees (None: the constant-rate model) and how their scores become alerts."""

    grown: Grown | None
    decision: Decision

    def score(self, matrix: Matrix) -> Scores:
        """Log-odds of the rows; zeros without trees."""
        return np.zeros(len(matrix)) if self.grown is None or not len(matrix) else self.grown.score(matrix)


def fit(data: Dataset, matrix: Matrix, split: Split, encoding: Encoding, settings: TrainSettings) -> Fitted:
    """Learn from the split; without enough failures, the constant rate of its grid rows."""
    if not matrix.shape[1] or not can_learn(data, split, settings):
        rows = np.concatenate([split.train, split.validation])
        rows = rows[data.grid[rows]]
        rate = (float(data.label[rows].sum()) + 0.5) / (len(rows) + 1) if len(rows) else 0.0
        return Fitted(None, Decision(constant(rate), NEVER, "too few failures to learn from: no alerts"))
    grown = grow(data, matrix, split, encoding, settings)
    validation = stream(data, split.validation, settings, split.validation_robots)
    return Fitted(
        grown, decide(grown.score(matrix[split.validation]), validation, settings.alerts_per_robot_day)
    )
