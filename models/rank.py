"""Ranking figures (PR-AUC, ROC-AUC) that can be recomputed for hundreds of bootstrap draws at once.

Only the scores of positives are thresholds where recall changes, so negatives are counted between them per
bootstrap group; a draw is then a matrix product instead of another sort.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.dataset import Flags

Weights = NDArray[np.float64]
_MOST_CELLS = 20_000_000


@dataclass(frozen=True, slots=True)
class Ranking:
    """Counts by threshold (distinct scores of positives, highest first) × group.

    `hits` positives at the threshold, `above` negatives strictly between it and the one before, `ties`
    negatives equal to it, `negatives` all of a group.
    """

    thresholds: Weights
    hits: Weights
    above: Weights
    ties: Weights
    negatives: Weights

    @classmethod
    def of(
        cls, score: NDArray[Any], label: Flags, group: NDArray[np.int64] | None = None, groups: int = 1
    ) -> "Ranking":
        """Count scores (higher means riskier; no NaN) against labels, per `group` code below `groups`.

        Beyond 20 million cells neighbouring thresholds are merged.
        """
        group = np.zeros(len(score), dtype=np.int64) if group is None else group
        thresholds, place = np.unique(score[label], return_inverse=True)
        if len(thresholds) * groups > _MOST_CELLS:
            edges = thresholds[:: -(-len(thresholds) * groups // _MOST_CELLS)]
            return cls.of(
                edges[np.maximum(np.searchsorted(edges, score, "right") - 1, 0)], label, group, groups
            )
        size = len(thresholds)
        if size == 0:
            none = np.zeros((0, groups))
            return cls(np.zeros(0), none, none, none, _tally(group[~label], groups))
        rest, of = score[~label], group[~label]
        left = np.searchsorted(thresholds, rest, side="left")
        right = np.searchsorted(thresholds, rest, side="right")
        tied = right > left
        beyond = ~tied & (right > 0)
        return cls(
            thresholds=np.asarray(thresholds[::-1], dtype=np.float64),
            hits=_table(place, group[label], size, groups),
            above=_table(right[beyond] - 1, of[beyond], size, groups),
            ties=_table(left[tied], of[tied], size, groups),
            negatives=_tally(of, groups),
        )

    def pr_auc(self, weights: Weights | None = None) -> Any:
        """Average precision, Σ (Rₙ − Rₙ₋₁) Pₙ, one value per row of `weights` (draws × groups).

        NaN for a draw without positives. Ties count as one threshold, as in scikit-learn.
        """
        hits, _, upto = self._cumulated(weights)
        total = hits.sum(axis=0)
        caught = hits.cumsum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            precision = np.where(hits > 0, caught / (caught + upto), 0.0)
            return _single((hits * precision).sum(axis=0) / total, weights)

    def roc_auc(self, weights: Weights | None = None) -> Any:
        """Chance that a positive outranks a negative, ties counting half; NaN where a class is absent."""
        hits, ties, upto = self._cumulated(weights)
        negatives = self.negatives @ self._columns(weights)
        with np.errstate(invalid="ignore", divide="ignore"):
            return _single(
                (hits * (negatives - upto + ties / 2)).sum(axis=0) / (hits.sum(axis=0) * negatives), weights
            )

    def curve(self) -> tuple[Weights, Weights, Weights]:
        """Thresholds (descending) with recall and precision at each."""
        hits, _, upto = self._cumulated(None)
        caught = hits.cumsum(axis=0)[:, 0]
        return (
            self.thresholds,
            caught / max(caught[-1] if len(caught) else 1, 1),
            caught / np.maximum(caught + upto[:, 0], 1),
        )

    def _columns(self, weights: Weights | None) -> Weights:
        return np.ones((len(self.negatives), 1)) if weights is None else weights.T

    def _cumulated(self, weights: Weights | None) -> tuple[Weights, Weights, Weights]:
        columns = self._columns(weights)
        hits, ties = self.hits @ columns, self.ties @ columns
        return hits, ties, (self.above @ columns + ties).cumsum(axis=0)


def _tally(group: NDArray[np.int64], groups: int) -> Weights:
    return np.bincount(group, minlength=groups).astype(np.float64)


def _table(place: NDArray[np.int64], group: NDArray[np.int64], size: int, groups: int) -> Weights:
    counts = np.bincount(place * groups + group, minlength=size * groups).astype(np.float64)
    return counts.reshape(size, groups)[::-1]


def _single(values: Weights, weights: Weights | None) -> Any:
    return float(values[0]) if weights is None else values
