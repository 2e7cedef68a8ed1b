"""What a model must beat: guesses anyone could make without it."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from features.errors import DataError
from models.calibrate import Scores, logit
from models.dataset import Dataset, Index
from models.encode import Encoding
from models.learner import Grown, Matrix, best_column, can_learn, grow
from models.settings import TrainSettings
from models.split import BY_TIME, Split

CONSTANT = "constant fleet rate"
OWN_RATE = "each robot's own rate"
SINCE = "time since the last failure"
SINGLE = "best single feature"
PERMUTED = "permuted labels"
DECLARED = "declared features only"
RANDOM = "random, same time in warning"
_SMOOTHING = 5.0
_BINS = 10


@dataclass(frozen=True, slots=True)
class Rival:
    """A baseline's scores (log-odds) on the validation and test rows."""

    name: str
    about: str
    validation: Scores
    test: Scores


def rivals(
    data: Dataset,
    matrix: Matrix,
    split: Split,
    encoding: Encoding,
    settings: TrainSettings,
    model: Grown | None,
) -> Iterator[Rival]:
    """Every baseline that can be made from the training rows; none sees a test label."""
    train = split.train[data.grid[split.train]]
    rate = (float(data.label[train].sum()) + 0.5) / (len(train) + 1)
    flat = float(logit(np.array([rate]))[0])
    yield Rival(
        CONSTANT,
        f"{rate:.3g} for every row",
        np.full(len(split.validation), flat),
        np.full(len(split.test), flat),
    )
    if split.question == BY_TIME:
        own = _own_rate(data, train, rate)
        yield Rival(OWN_RATE, "share of positive training rows", own[split.validation], own[split.test])
    since = _since(data, train, rate)
    yield Rival(SINCE, "rate by time since the last failure", since[split.validation], since[split.test])
    if can_learn(data, split, settings):
        yield from _learnt(data, matrix, split, encoding, settings, model)


def _learnt(
    data: Dataset,
    matrix: Matrix,
    split: Split,
    encoding: Encoding,
    settings: TrainSettings,
    model: Grown | None,
) -> Iterator[Rival]:
    if matrix.shape[1]:
        column, sign = best_column(matrix[split.train], data.label[split.train])
        ranks = _ranked(sign * matrix[split.train, column], sign * matrix[:, column])
        about = f"{encoding.features[column]} {'above' if sign > 0 else 'below'} a threshold"
        yield Rival(SINGLE, about, ranks[split.validation], ranks[split.test])
    if settings.baseline_features:
        chosen = _declared(encoding, settings)
        grown = grow(data, matrix, split, encoding, settings, columns=chosen)
        yield _scored(DECLARED, ", ".join(settings.baseline_features), grown, matrix, split)
    if model is not None and split.question == BY_TIME:
        label = _permuted(data, split.train, settings.seed)
        if label[split.train].any():
            grown = grow(data, matrix, split, encoding, settings, label=label, rounds=model.rounds)
            yield _scored(PERMUTED, "same model, training labels shifted in time", grown, matrix, split)


def _scored(name: str, about: str, grown: Grown, matrix: Matrix, split: Split) -> Rival:
    return Rival(name, about, grown.score(matrix[split.validation]), grown.score(matrix[split.test]))


def _own_rate(data: Dataset, train: Index, rate: float) -> Scores:
    """Each robot's share of positive rows, drawn towards the fleet's by five rows' worth."""
    size = len(data.robots)
    positives = np.bincount(data.robot[train], weights=data.label[train], minlength=size)
    rows = np.bincount(data.robot[train], minlength=size)
    return logit((positives + _SMOOTHING * rate) / (rows + _SMOOTHING))[data.robot]


def _since(data: Dataset, train: Index, rate: float) -> Scores:
    """Rate of positives by decile of the time since the robot's last episode began; its own bin for never."""
    since = np.full(len(data), np.nan)
    for code in range(len(data.robots)):
        begin, end = np.searchsorted(data.robot, [code, code + 1])
        starts = np.sort(data.episodes.start[data.episodes.robot == code])
        place = np.searchsorted(starts, data.cutoff[begin:end], side="left") - 1
        known = place >= 0
        since[begin:end][known] = data.cutoff[begin:end][known] - starts[place[known]]
    known = since[train][np.isfinite(since[train])]
    edges = np.unique(np.quantile(known, np.arange(1, _BINS) / _BINS)) if len(known) else np.empty(0)
    block = np.where(np.isnan(since), 0, np.searchsorted(edges, since, side="right") + 1)
    size = len(edges) + 2
    positives = np.bincount(block[train], weights=data.label[train], minlength=size)
    rows = np.bincount(block[train], minlength=size)
    return logit((positives + _SMOOTHING * rate) / (rows + _SMOOTHING))[block]


def _ranked(known: Matrix, values: Matrix) -> Scores:
    """Values as log-odds of their rank among the `known`; missing ones below all."""
    ordered = np.sort(known[~np.isnan(known)])
    place = np.searchsorted(ordered, values, side="right") + 0.5
    return logit(np.where(np.isnan(values), 0.25, place) / (len(ordered) + 1))


def _declared(encoding: Encoding, settings: TrainSettings) -> tuple[int, ...]:
    chosen = tuple(
        place for place, name in enumerate(encoding.features) if name.startswith(settings.baseline_features)
    )
    if not chosen:
        raise DataError(
            "no feature matches the declared baseline",
            got=", ".join(settings.baseline_features),
            expected=f"prefixes of features such as {', '.join(encoding.features[:3])}",
        )
    return chosen


def _permuted(data: Dataset, train: Index, seed: int) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Labels of the training rows, rolled by a random amount within each robot."""
    label = data.label.copy()
    generator = np.random.default_rng(seed)
    for code in np.unique(data.robot[train]):
        mine = train[data.robot[train] == code]
        label[mine] = np.roll(label[mine], int(generator.integers(1, max(2, len(mine)))))
    return label
