"""How far back to look and how early to warn: a quick model for every window and lead, features made once.

A sweep answers which question is worth training for; it is no evaluation. Models are small, negatives are
thinned, and nothing is calibrated. Cells of one lead share rows, splits and labels, so that they compare.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.errors import DataError, UsageError
from features.schema import IS_FAILURE_CUTOFF
from features.times import nanoseconds, window_text
from models.dataset import Dataset, gather
from models.encode import Encoding
from models.episodes import stream
from models.learner import can_learn, grow
from models.naming import parse
from models.rank import Ranking
from models.settings import TrainSettings
from models.split import by_time

ROUNDS: Final = 60
NEGATIVES_PER_POSITIVE: Final = 20.0


@dataclass(frozen=True, slots=True)
class Cell:
    """What a quick model of one window's features knows of failures `lead_s` or more ahead.

    Figures are of the newest rows (the split by time), null with the reason in `why` where the training rows
    hold too few failures or the newest none. `prevalence`: their share of positive rows; `pr_auc` of a model
    that knows nothing equals it, `lift` = pr_auc / prevalence. Durations in seconds.
    """

    window_s: float
    lead_s: float
    features: int
    rows: int
    episodes: int
    prevalence: float | None
    pr_auc: float | None
    roc_auc: float | None
    lift: float | None
    why: str


def sweep(
    windows: pa.Table,
    failures: pa.Table,
    facts: pa.Table | None,
    settings: TrainSettings,
    *,
    lengths: Sequence[timedelta],
    leads: Sequence[timedelta],
    seen: Mapping[str, int] | None = None,
) -> tuple[Cell, ...]:
    """A cell for each window and lead, windows first, both ascending.

    `windows` as for `models.train.train`, with the features of every one of `lengths` in it; only rows of the
    continuous stream are used. A cell sees the features of its window, and those without one (time since the
    last event, facts). `settings` as for training; its lead, rounds and thinning are replaced, and its
    `lookback` should be the longest window; `seen` as in `models.dataset.gather`. The same input gives the
    same cells.
    Raises UsageError without windows or leads, DataError where a window has no features.
    """
    if not lengths or not leads:
        raise UsageError("a sweep needs windows and leads", got=[list(lengths), list(leads)])
    stream_rows = windows.filter(pc.invert(windows.column(IS_FAILURE_CUTOFF)))
    cells: list[Cell] = []
    for lead in sorted(set(leads)):
        quick = replace(
            settings, lead=lead, rounds=ROUNDS, negatives_per_positive=NEGATIVES_PER_POSITIVE, monotone={}
        )
        data = gather(stream_rows, failures, facts, quick, seen)
        encoding = Encoding.learn(data.table)
        matrix = encoding.matrix(data.table)
        cells += [_cell(data, matrix, encoding, quick, length) for length in sorted(set(lengths))]
    return tuple(sorted(cells, key=lambda cell: (cell.window_s, cell.lead_s)))


def _cell(
    data: Dataset, matrix: np.ndarray, encoding: Encoding, settings: TrainSettings, length: timedelta
) -> Cell:
    columns = _columns(encoding, window_text(nanoseconds(length, "window")))
    split = by_time(data, settings)
    label = data.label[split.test]
    episodes = int(stream(data, split.test, settings).reachable.sum())
    known = length.total_seconds(), settings.lead.total_seconds(), len(columns), len(label), episodes
    if not can_learn(data, split, settings):
        return Cell(*known, None, None, None, None, "too few failures to learn from")
    if not label.any() or label.all():
        return Cell(*known, None, None, None, None, "no failure in the newest time to be judged by")
    grown = grow(data, matrix, split, encoding, settings, columns=columns, rounds=ROUNDS)
    ranking = Ranking.of(grown.score(matrix[split.test]), label)
    prevalence = float(label.mean())
    return Cell(*known, prevalence, ranking.pr_auc(), ranking.roc_auc(), ranking.pr_auc() / prevalence, "")


def _columns(encoding: Encoding, window: str) -> tuple[int, ...]:
    """Features of the window, and those without one."""
    windows = [parse(name).window for name in encoding.features]
    if window not in windows:
        raise DataError("no feature looks back this far", got=window, expected=sorted(set(windows)))
    return tuple(place for place, name in enumerate(windows) if name in ("", window))
