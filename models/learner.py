"""Where models are learnt: LightGBM, told to be deterministic, or the simpler families it competes with."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.errors import DataError
from models import linear
from models.binned import binned, rows_of
from models.calibrate import Scores, logit
from models.dataset import Dataset, Flags, Index
from models.encode import Encoding, matching
from models.episodes import stream
from models.rank import Ranking
from models.settings import LOGISTIC, TREES, TrainSettings
from models.split import Split
from models.tally import missing
from models.trees import forest

FEWEST_EPISODES = 3
_ROUNDS_UNWATCHED = 100
_SAMPLE = 50_000
Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Grown:
    """A learnt model over `columns` of the matrix; `shift` corrects the log-odds for sampling.

    `text` is LightGBM's text, or the weights of `models.linear` as JSON (`rounds` is then 0).

    `usual` has the training median of every column that was never missing in training, null for the others.
    LightGBM reads a value that is missing for the first time as 0, which may be anything but usual.
    """

    text: str
    rounds: int
    shift: float
    columns: tuple[int, ...]
    usual: tuple[float | None, ...]

    def score(self, matrix: Matrix) -> Scores:
        """Log-odds, corrected for sampling and weights, one per row."""
        values = filled(_narrow(matrix, self.columns), self.usual)
        if linear.is_linear(self.text):
            return linear.score(self.text, values) + self.shift
        known = forest(self.text)
        if known is not None:
            return known.score(values) + self.shift
        import lightgbm

        raw = lightgbm.Booster(model_str=self.text).predict(values, raw_score=True)
        return np.asarray(raw, dtype=np.float64) + self.shift


def can_learn(data: Dataset, split: Split, settings: TrainSettings) -> bool:
    """Whether the training part shows both classes and at least three failure episodes."""
    label = data.label[split.train]
    if not label.any() or label.all():
        return False
    return int(stream(data, split.train, settings).reachable.sum()) >= FEWEST_EPISODES


def grow(
    data: Dataset,
    matrix: Matrix,
    split: Split,
    encoding: Encoding,
    settings: TrainSettings,
    *,
    columns: tuple[int, ...] | None = None,
    label: Flags | None = None,
    rounds: int | None = None,
) -> Grown:
    """A model of the settings' family from the training rows; trees stop early on validation rows.

    Validation positives are weighted to the odds of the (sampled) training rows, so that the loss compares.
    `columns` narrows the features, `label` replaces the labels and a given `rounds` turns early stopping off.
    """
    label = data.label if label is None else label
    columns = tuple(range(matrix.shape[1])) if columns is None else columns
    rows = _sample(split.train, label, settings)
    weight = np.where(label[rows], settings.positive_weight, 1.0)
    shift = _shift(data, split.train, rows, weight, label)
    usual = never_missing(
        (matrix[rows, column] for column in columns),
        [encoding.features[column] in encoding.categories for column in columns],
    )
    if settings.family != TREES:
        text = _weights(_narrow(matrix[rows], columns), label[rows], weight, settings)
        return Grown(text, 0, shift, columns, usual)
    seen = label[split.validation]
    watched = rounds is None and len(np.unique(seen)) == 2
    odds = np.where(seen, np.exp(-shift), 1.0)
    wanted = rounds or (settings.rounds if watched else min(settings.rounds, _ROUNDS_UNWATCHED))
    if settings.scheduler:
        from models.distributed import grow_at

        narrow = Encoding(
            tuple(encoding.features[column] for column in columns),
            {
                encoding.features[c]: encoding.categories[encoding.features[c]]
                for c in columns
                if encoding.features[c] in encoding.categories
            },
        )
        text = grow_at(settings, _narrow(matrix[rows], columns), label[rows], narrow, rounds=wanted)
        if watched:
            text, wanted = _shortened(text, _narrow(matrix[split.validation], columns), seen, odds)
        return Grown(text, wanted, shift, columns, usual)
    import lightgbm

    chosen = parameters(settings, encoding, columns)
    names = _safe([encoding.features[column] for column in columns])
    categorical = [
        place for place, column in enumerate(columns) if encoding.features[column] in encoding.categories
    ]
    train = binned(rows_of(matrix, rows, columns, names), categorical, chosen)
    train.set_label(label[rows].astype(np.float32))
    if settings.positive_weight != 1:
        train.set_weight(weight.astype(np.float32))
    valid = lightgbm.Dataset(
        rows_of(matrix, split.validation, columns, names),
        label=seen.astype(np.float32),
        weight=odds.astype(np.float32),
        reference=train,
    )
    booster = lightgbm.train(
        chosen,
        train,
        num_boost_round=wanted,
        valid_sets=[valid] if watched else None,
        callbacks=[lightgbm.early_stopping(settings.early_stopping, verbose=False)] if watched else None,
    )
    best = booster.best_iteration if watched else booster.current_iteration()
    return Grown(booster.model_to_string(num_iteration=best), best, shift, columns, usual)


def _shortened(text: str, matrix: Matrix, label: Flags, weight: Scores) -> tuple[str, int]:
    """The trees up to the round with the least log-loss on the watched rows, and how many they are."""
    import lightgbm

    booster = lightgbm.Booster(model_str=text)
    odds, losses = np.zeros(len(matrix)), []
    for start in range(booster.num_trees()):
        odds += np.asarray(booster.predict(matrix, raw_score=True, start_iteration=start, num_iteration=1))
        losses.append(float(np.average(np.logaddexp(0, odds) - label * odds, weights=weight)))
    best = int(np.argmin(losses)) + 1
    return booster.model_to_string(num_iteration=best), best


def filled(matrix: Matrix, usual: tuple[float | None, ...]) -> Matrix:
    """The matrix with what is missing for the first time at its usual value (see `Grown`)."""
    lost = [place for place in np.flatnonzero(missing(matrix)) if usual[place] is not None]
    if not lost:
        return matrix
    whole = np.array(matrix, order="F")
    for place in lost:
        whole[np.isnan(whole[:, place]), place] = usual[place]
    return whole


def never_missing(columns: Iterable[Matrix], categorical: list[bool]) -> tuple[float | None, ...]:
    """The median of each number that is known in every row."""
    return tuple(
        None if category else _middle(np.sort(column))
        for column, category in zip(columns, categorical, strict=True)
    )


def _middle(ordered: Matrix) -> float | None:
    """The median of ascending values; None with a NaN, which sorts last."""
    if np.isnan(ordered[-1]):
        return None
    return float(ordered[[(len(ordered) - 1) // 2, len(ordered) // 2]].mean(dtype=np.float64))


def contributions(text: str, matrix: Matrix) -> Scores:
    """Rows × (features + 1): each feature's share of the log-odds (TreeSHAP or weights), the base last."""
    if linear.is_linear(text):
        return linear.contributions(text, matrix)
    import lightgbm

    return np.asarray(lightgbm.Booster(model_str=text).predict(matrix, pred_contrib=True), dtype=np.float64)


def gains(text: str) -> Scores:
    """Total gain of each feature; for weights their size."""
    if linear.is_linear(text):
        return linear.gains(text)
    import lightgbm

    return np.asarray(lightgbm.Booster(model_str=text).feature_importance("gain"), dtype=np.float64)


def parameters(settings: TrainSettings, encoding: Encoding, columns: tuple[int, ...]) -> dict[str, Any]:
    """LightGBM's parameters for the settings, deterministic."""
    chosen: dict[str, Any] = {
        "objective": "binary",
        "metric": "binary_logloss",
        "learning_rate": settings.learning_rate,
        "num_leaves": settings.num_leaves,
        "min_data_in_leaf": settings.min_data_in_leaf,
        "lambda_l2": settings.lambda_l2,
        "feature_fraction_bynode": settings.feature_fraction,
        "extra_trees": settings.extra_trees,
        "num_threads": settings.threads,
        "seed": settings.seed,
        "deterministic": True,
        "force_row_wise": True,
        "feature_pre_filter": False,
        "verbosity": -1,
    }
    if settings.monotone:
        chosen["monotone_constraints"] = _directions(settings, encoding, columns)
    return chosen


def _directions(settings: TrainSettings, encoding: Encoding, columns: tuple[int, ...]) -> list[int]:
    """The direction of each column. Raises `DataError` for a category, which has none."""
    directions = dict.fromkeys(encoding.features, 0)
    for pattern in reversed(list(settings.monotone)):
        for name in matching(encoding.features, [pattern]):
            if name in encoding.categories:
                raise DataError(
                    "a category rises or falls with nothing",
                    got=f"monotone {pattern!r}, which matches {name}",
                    expected="patterns of numeric features",
                )
            directions[name] = settings.monotone[pattern]
    return [directions[encoding.features[column]] for column in columns]


def _weights(matrix: Matrix, label: Flags, weight: Scores, settings: TrainSettings) -> str:
    only = None if settings.family == LOGISTIC else best_column(matrix, label)[0]
    return linear.written(matrix, label, weight, penalty=settings.lambda_l2, only=only)


def best_column(matrix: Matrix, label: Flags) -> tuple[int, int]:
    """The column and direction (1, -1) that rank the labels best (PR-AUC); missing values rank lowest."""
    positives, negatives = np.flatnonzero(label), np.flatnonzero(~label)
    rows = np.sort(np.concatenate([positives, negatives[:: max(1, -(-len(negatives) // _SAMPLE))]]))
    best = (-1.0, 0, 1)
    for column in range(matrix.shape[1]):
        for sign in (1, -1):
            values = sign * matrix[rows, column]
            ranking = Ranking.of(np.where(np.isnan(values), -np.inf, values), label[rows])
            best = max(best, (ranking.pr_auc(), column, sign), key=lambda entry: entry[0])
    return best[1], best[2]


def _sample(rows: Index, label: Flags, settings: TrainSettings) -> Index:
    """Training rows with negatives thinned to the wanted ratio."""
    if settings.negatives_per_positive is None:
        return rows
    positives, negatives = rows[label[rows]], rows[~label[rows]]
    wanted = min(len(negatives), max(1, round(settings.negatives_per_positive * len(positives))))
    chosen = np.random.default_rng(settings.seed).choice(negatives, wanted, replace=False)
    return np.sort(np.concatenate([positives, chosen]))


def _shift(data: Dataset, train: Index, rows: Index, weight: Scores, label: Flags) -> float:
    """Log-odds of the natural rate minus those of the weighted sample: the prior correction (Elkan 2001).

    The natural rate is that of the training grid rows; look-back cut-offs, thinning and weights all bend it.
    """
    grid = train[data.grid[train]]
    if not len(grid):
        return 0.0
    natural = max(float(label[grid].mean()), 0.5 / len(grid))
    sampled = float(np.average(label[rows], weights=weight))
    return float(logit(np.array([natural]))[0] - logit(np.array([sampled]))[0])


def _narrow(matrix: Matrix, columns: tuple[int, ...]) -> Matrix:
    return matrix if len(columns) == matrix.shape[1] else np.ascontiguousarray(matrix[:, columns])


def _safe(names: list[str]) -> list[str]:
    """Names LightGBM's text format accepts, still unique."""
    safe = [re.sub(r'[",:\[\]{}\s]', "_", name) for name in names]
    return [name if safe.count(name) == 1 else f"{name}_{place}" for place, name in enumerate(safe)]
