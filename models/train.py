"""From windows to a model and the proof of its worth: split, learn, calibrate, decide, then test once."""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa

from features.schema import CUTOFF, ROBOT, TIMESTAMP
from models.artifact import Model
from models.assess import assess
from models.baselines import rivals
from models.card import write
from models.dataset import Dataset, gather
from models.encode import Encoding
from models.evaluate import Evaluation, Part
from models.fit import Fitted, fit
from models.leakage import Certificate, certify_features, certify_times
from models.learner import Matrix
from models.settings import TrainSettings
from models.split import Split, by_robot, by_time, nested, verify


@dataclass(frozen=True)
class Trained:
    """A model, its evaluation, and the scored test rows (`robot_id, cutoff, label, risk, alert`)."""

    model: Model
    evaluation: Evaluation
    test: pa.Table


def train(
    windows: pa.Table,
    failures: pa.Table,
    facts: pa.Table | None,
    excluded_counts: Mapping[str, int],
    settings: TrainSettings,
    *,
    provenance: Mapping[str, str],
    units: Mapping[str, str],
    seen: Mapping[str, int] | None = None,
    notes: tuple[str, ...] = (),
) -> Trained:
    """Train on the earlier rows, choose on the middle ones, report on the latest, and on unseen robots.

    `windows`: `robot_id, cutoff, latest_used, is_failure_cutoff` and features; `failures`: `robot_id, ts,
    code`; `facts`: one row per robot; `excluded_counts`: windows left out per reason, carried into the
    evaluation; `provenance`: commit ids for the card; `units` of fields (`<stream>__<field>`);
    `seen` as in `models.dataset.gather`; `notes` for the evaluation. The same
    input and settings give the same bytes. With too few failures the model is the fleet's constant rate and
    the verdict says so. Raises `DataError` naming the feature or rows where data leak from after a cut-off.
    """
    margin = certify_times(windows)
    data = gather(windows, failures, facts, settings, seen)
    split = by_time(data, settings)
    encoding = Encoding.learn(_known(data, split), settings.features, settings.categorical)
    matrix = encoding.matrix(data.table)
    strongest, auc = certify_features(
        matrix[split.train], data.label[split.train], encoding, failures, settings.trusted_features
    )
    certificate = Certificate(windows.num_rows, 0, margin, strongest, auc)
    facts_shown = _categorical_facts(facts, encoding)
    fitted, by_time_part = _answer(data, matrix, split, encoding, settings, facts_shown)
    robots = by_robot(data, settings)
    evaluation = Evaluation(
        by_time=by_time_part,
        by_robot=None
        if robots is None
        else _answer(data, matrix, robots, encoding, settings, facts_shown)[1],
        nested=None
        if robots is None
        else _answer(data, matrix, nested(split, robots), encoding, settings, facts_shown)[1],
        counts=data.counts,
        excluded=dict(sorted(excluded_counts.items())),
        notes=(*notes, *_notes(data, split, robots)),
    )
    card = write(data, matrix, split, encoding, settings, fitted, evaluation, certificate, provenance, units)
    model = Model("" if fitted.grown is None else fitted.grown.text, card)
    return Trained(model, evaluation, _scored(data, matrix, split, model))


def _answer(
    data: Dataset,
    matrix: Matrix,
    split: Split,
    encoding: Encoding,
    settings: TrainSettings,
    facts: tuple[str, ...],
) -> tuple[Fitted, Part]:
    """Fit on the split's training and validation rows, then score its test rows."""
    verify(data, split, settings)
    fitted = fit(data, matrix, split, encoding, settings)
    part = assess(
        data,
        split,
        settings,
        fitted.decision,
        (fitted.score(matrix[split.validation]), fitted.score(matrix[split.test])),
        rivals(data, matrix, split, encoding, settings, fitted.grown),
        learnt=fitted.grown is not None,
        facts=facts,
    )
    return fitted, part


def _known(data: Dataset, split: Split) -> pa.Table:
    """The feature rows a model may know of: all but the test part."""
    if split.test_start is None:
        return data.table
    return data.table.filter(pa.array(data.cutoff < split.test_start))


def _categorical_facts(facts: pa.Table | None, encoding: Encoding) -> tuple[str, ...]:
    if facts is None:
        return ()
    return tuple(name for name in facts.column_names if 0 < len(encoding.categories.get(name, ())) <= 20)


def _notes(data: Dataset, split: Split, robots: Split | None) -> tuple[str, ...]:
    notes = []
    if not len(split.train) or not len(split.validation):
        notes.append(
            "the data are too short for a purged split by time: "
            f"{len(split.train)} training and {len(split.validation)} validation rows remain"
        )
    if robots is None:
        notes.append(f"no answer about unseen robots: {len(data.robots)} of at least 3 robots")
    return tuple(notes)


def _scored(data: Dataset, matrix: Matrix, split: Split, model: Model) -> pa.Table:
    risk = model.risk(matrix[split.test])
    return pa.table(
        {
            ROBOT: pa.array([data.robots[code] for code in data.robot[split.test]], pa.string()),
            CUTOFF: pa.array(data.cutoff[split.test], pa.int64()).cast(TIMESTAMP),
            "label": pa.array(data.label[split.test], pa.bool_()),
            "risk": pa.array(risk, pa.float64()),
            "alert": pa.array(risk >= model.threshold, pa.bool_()),
        }
    )
