"""Settings found by search, and kept only where they beat the defaults on rows the search never saw.

The search (Optuna, tree-structured Parzen estimator) works inside the training part: purged folds in time,
features ranked by gain on each fold's own training rows. The validation part then judges winner against
default once; the test part stays untouched for the training run that follows.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from features.errors import DataError, UsageError
from features.times import nanoseconds
from models.bootstrap import Figure, figure, groups
from models.dataset import Dataset, Index, gather
from models.encode import Encoding
from models.episodes import stream
from models.leakage import certify_features, certify_times
from models.learner import Matrix, can_learn, gains, grow
from models.naming import parse
from models.rank import Ranking
from models.select import Selection, select
from models.settings import LOGISTIC, THRESHOLD, TREES, TrainSettings
from models.split import PurgedTimeSplit, Split, by_time

if TYPE_CHECKING:
    import optuna

FOLDS = 3
_WATCHED = 0.2
_CONVINCED = 0.95
_TOPS = (0, 100, 30, 10)
_ALL = "all"


@dataclass(frozen=True, slots=True)
class Progress:
    """Told after every trial: how many are finished, its mean fold PR-AUC, the best so far, the default's."""

    finished: int
    score: float
    best: float
    default: float


@dataclass(frozen=True, slots=True)
class Tuned:
    """What a search found.

    `default_score`, `best_score` are mean PR-AUCs of the inner folds; `default`, `winner` those on the
    untouched validation rows, `difference` the winner's minus the default's, drawn in pairs, and `convinced`
    the share of draws in which the winner is better. `better` decides: above 0, and in 95 % of the draws.
    `settings` are the winner's changes of `TrainSettings`; `windows` the look-backs it uses (empty: all);
    `dropped` features by reason.
    """

    finished: int
    default_score: float
    best_score: float
    default: float
    winner: float
    difference: Figure
    convinced: float
    better: bool
    settings: Mapping[str, Any]
    windows: tuple[str, ...]
    dropped: Mapping[str, tuple[str, ...]]


def tune(
    windows: pa.Table,
    failures: pa.Table,
    facts: pa.Table | None,
    settings: TrainSettings,
    *,
    storage: Path,
    seconds: float,
    trials: int,
    told: Callable[[Progress], None],
    seen: Mapping[str, int] | None = None,
) -> Tuned:
    """Search for `seconds` or until `trials` are finished, going on where the study in `storage` stopped.

    Tables and `seen` as `train` takes them. The study's name is a hash of data and settings, so that other
    data begin anew. With the same data, settings and number of trials the winner is the same. Raises
    `DataError` when the training part has too few failures for folds or leaks, `UsageError` without the
    extra `tune`.
    """
    optuna = _optuna()
    certify_times(windows)
    data = gather(windows, failures, facts, settings, seen)
    bench = Bench.of(data, failures, settings)
    storage.parent.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        storage=f"sqlite:///{storage}",
        study_name=bench.name(),
        direction="maximize",
        load_if_exists=True,
    )
    done = _finished(study)
    study.sampler = optuna.samplers.TPESampler(seed=settings.seed + len(done), n_startup_trials=8)
    if not study.trials:
        study.enqueue_trial(bench.default())

    def report(study: Any, trial: Any) -> None:
        finished = _finished(study)
        told(Progress(len(finished), trial.value or 0.0, study.best_value, finished[0].value or 0.0))

    if len(done) < trials:
        study.optimize(
            bench.objective, n_trials=trials - len(done), timeout=seconds or None, callbacks=[report]
        )
    return bench.judged(study)


@dataclass(frozen=True)
class Bench:
    """Folds and columns every candidate is measured on."""

    data: Dataset
    matrix: Matrix
    encoding: Encoding
    settings: TrainSettings
    selection: Selection
    windows: tuple[str, ...]
    folds: tuple[Split, ...]
    ranks: tuple[tuple[int, ...], ...]
    final: Split
    final_rank: tuple[int, ...]

    @classmethod
    def of(cls, data: Dataset, failures: pa.Table, settings: TrainSettings) -> "Bench":
        """Cut the folds and rank the features by their gain in each. DataError where failures are too few."""
        split = by_time(data, settings)
        known = data.table.filter(pa.array(data.cutoff < (split.test_start or 0)))
        encoding = Encoding.learn(known, settings.features, settings.categorical)
        matrix = encoding.matrix(data.table)
        certify_features(
            matrix[split.train], data.label[split.train], encoding, failures, settings.trusted_features
        )
        folds = _folds(data, split.train, settings)
        if not folds or not data.label[split.validation].any():
            raise DataError(
                "too few failures to tune",
                got=f"{len(folds)} usable folds in the training part, "
                f"{int(data.label[split.validation].sum())} positive validation rows",
                expected="failures in several stretches of the training part, and in validation",
                hint="push more logs; until then the defaults serve",
            )
        final = _watched(data, split.train, split.validation, settings)
        selection = select(data, matrix, split.train, encoding)
        ranks = tuple(_by_gain(data, matrix, fold, encoding, settings, selection) for fold in (*folds, final))
        lengths = {parse(name).window: parse(name).seconds for name in encoding.features}
        labels = tuple(sorted((window for window in lengths if window), key=lengths.__getitem__))
        return cls(data, matrix, encoding, settings, selection, labels, folds, ranks[:-1], final, ranks[-1])

    def name(self) -> str:
        """The study's name: a hash of everything a score depends on."""
        told = hashlib.sha256(json.dumps(self.settings.to_dict(), sort_keys=True).encode())
        told.update(self.matrix.tobytes())
        told.update(self.data.label.tobytes())
        told.update(self.data.cutoff.tobytes())
        told.update(json.dumps(self.encoding.features).encode())
        return told.hexdigest()[:16]

    def default(self) -> dict[str, Any]:
        """The settings as they are, as a trial's parameters."""
        told = self.settings
        return {"family": told.family, "windows": _ALL, "top": 0, "as_set": True}

    def objective(self, trial: "optuna.Trial") -> float:
        """Mean PR-AUC over the folds."""
        chosen = self._chosen(trial)
        found = [
            self._score(fold, rank, chosen, trial.params)
            for fold, rank in zip(self.folds, self.ranks, strict=True)
        ]
        return float(np.mean([ranking.pr_auc() for ranking in found]))

    def judged(self, study: "optuna.Study") -> Tuned:
        """Winner against default on the validation rows, which no trial has seen."""
        first, best = _finished(study)[0], study.best_trial
        judges = stream(self.data, self.final.test, self.settings)
        among = groups(judges, self.settings.bootstraps, self.settings.seed)
        one, other = (
            self._score(self.final, self.final_rank, _changes(trial.params), trial.params, among)
            for trial in (first, best)
        )
        value = other.pr_auc() - one.pr_auc()
        drawn = other.pr_auc(among.weights) - one.pr_auc(among.weights)
        known = drawn[np.isfinite(drawn)]
        convinced = float((known > 0).mean()) if len(known) else 0.0
        columns = self._columns(self.final_rank, best.params)
        changes = dict(_changes(best.params))
        if len(columns) < len(self.encoding.features):
            changes["features"] = tuple(self.encoding.features[column] for column in columns)
        picked = best.params["windows"]
        return Tuned(
            finished=len(_finished(study)),
            default_score=first.value or 0.0,
            best_score=best.value or 0.0,
            default=one.pr_auc(),
            winner=other.pr_auc(),
            difference=figure(value, drawn, among),
            convinced=convinced,
            better=value > 0 and convinced >= _CONVINCED,
            settings=changes,
            windows=() if picked == _ALL else tuple(picked.split("+")),
            dropped=self.selection.dropped,
        )

    def _chosen(self, trial: "optuna.Trial") -> dict[str, Any]:
        spans = [_ALL, *self.windows]
        spans += ["+".join(self.windows[:-1])] if len(self.windows) > 2 else []
        as_set = trial.suggest_categorical("as_set", [True, False])
        family = trial.suggest_categorical("family", [TREES, LOGISTIC, THRESHOLD])
        trial.suggest_categorical("windows", spans)
        trial.suggest_categorical("top", list(_TOPS))
        if not as_set and family == TREES:
            trial.suggest_int("num_leaves", 3, 31, log=True)
            trial.suggest_float("learning_rate", 0.01, 0.2, log=True)
            trial.suggest_int("min_data_in_leaf", 5, 200, log=True)
            trial.suggest_float("lambda_l2", 0.01, 30.0, log=True)
            trial.suggest_float("feature_fraction", 0.1, 1.0)
            trial.suggest_categorical("extra_trees", [True, False])
        if not as_set and family == LOGISTIC:
            trial.suggest_float("penalty", 0.01, 1000.0, log=True)
        return _changes(trial.params)

    def _columns(self, rank: tuple[int, ...], params: Mapping[str, Any]) -> tuple[int, ...]:
        if params["windows"] == _ALL and params["top"] == 0 and params["as_set"]:
            return tuple(range(len(self.encoding.features)))
        spans = set(self.windows if params["windows"] == _ALL else params["windows"].split("+"))
        fitting = [column for column in rank if parse(self.encoding.features[column]).window in spans | {""}]
        return tuple(sorted(fitting[: params["top"] or None]))

    def _score(
        self,
        split: Split,
        rank: tuple[int, ...],
        changes: Mapping[str, Any],
        params: Mapping[str, Any],
        among: Any = None,
    ) -> Ranking:
        columns = self._columns(rank, params)
        told = replace(self.settings, **changes)
        grown = grow(self.data, self.matrix, split, self.encoding, told, columns=columns)
        score, label = grown.score(self.matrix[split.test]), self.data.label[split.test]
        return Ranking.of(score, label) if among is None else Ranking.of(score, label, among.row, among.count)


def _changes(params: Mapping[str, Any]) -> dict[str, Any]:
    """The trial's parameters as changes of `TrainSettings`."""
    changes = {
        name: value for name, value in params.items() if name not in ("windows", "top", "as_set", "penalty")
    }
    return changes | ({"lambda_l2": params["penalty"]} if "penalty" in params else {})


def _folds(data: Dataset, rows: Index, settings: TrainSettings) -> tuple[Split, ...]:
    """Purged folds in time within `rows`, tested on grid rows; those without failures to learn are left."""
    gap = nanoseconds(settings.gap, "reach and embargo")
    try:
        pairs = list(PurgedTimeSplit(data.cutoff[rows], gap, FOLDS).split(rows))
    except DataError:
        return ()
    cut = [_watched(data, rows[train], rows[test][data.grid[rows[test]]], settings) for train, test in pairs]
    return tuple(
        fold for fold in cut if can_learn(data, fold, settings) and len(np.unique(data.label[fold.test])) == 2
    )


def _watched(data: Dataset, train: Index, test: Index, settings: TrainSettings) -> Split:
    """A split whose early stopping watches the last fifth of `train`, purged; `test` is only scored."""
    times = np.sort(data.cutoff[train][data.grid[train]])
    border = times[int(len(times) * (1 - _WATCHED))] if len(times) else 0
    gap = nanoseconds(settings.gap, "reach and embargo")
    early = train[data.cutoff[train] + gap <= border]
    late = train[(data.cutoff[train] >= border) & data.grid[train]]
    return Split("inner fold", early, late, test)


def _by_gain(
    data: Dataset,
    matrix: Matrix,
    fold: Split,
    encoding: Encoding,
    settings: TrainSettings,
    selection: Selection,
) -> tuple[int, ...]:
    """The kept columns, most gain in the fold's own training rows first; unused ones last."""
    grown = grow(data, matrix, fold, encoding, replace(settings, family=TREES), columns=selection.kept)
    order = np.argsort(-gains(grown.text), kind="stable")
    return tuple(selection.kept[place] for place in order)


def _finished(study: "optuna.Study") -> list["optuna.trial.FrozenTrial"]:
    return [trial for trial in study.trials if trial.value is not None]


def _optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise UsageError(
            "tune needs Optuna", got="not installed", hint="pip install 'forewarn[tune]'"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
