"""A good average can hide a robot, a site or a shift where the model fails: the same figures, cut apart."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.calibrate import Scores
from models.dataset import Dataset
from models.episodes import Outcome, Stream
from models.evaluate import Slice
from models.rank import Ranking
from models.split import Split

_MOST_VALUES = 200
_HOURS = ("00:00-06:00", "06:00-12:00", "12:00-18:00", "18:00-24:00")
_SIX_HOURS = 6 * 3600 * 10**9

Names = NDArray[np.object_]


def slices(
    data: Dataset, split: Split, test: Stream, risk: Scores, outcome: Outcome, facts: tuple[str, ...]
) -> tuple[Slice, ...]:
    """Figures by robot, by each categorical fact in `facts`, and by six-hour block of the UTC day."""
    return tuple(
        _slice(by, value, test, risk, outcome, rows == value, episodes == value)
        for by, rows, episodes in _cuts(data, split, test, facts)
        for value in sorted(set(rows.tolist()) | set(episodes.tolist()))[:_MOST_VALUES]
    )


def _cuts(
    data: Dataset, split: Split, test: Stream, facts: tuple[str, ...]
) -> Iterator[tuple[str, Names, Names]]:
    robots = np.array(data.robots, dtype=object)
    yield "robot", robots[test.robot], robots[test.episodes.robot]
    for fact in facts:
        rows = np.array(data.table[fact].cast(pa.string()).fill_null("unknown").to_pylist(), dtype=object)
        of_robot = np.full(len(data.robots), "unknown", dtype=object)
        of_robot[data.robot] = rows
        yield fact, rows[split.test], of_robot[test.episodes.robot]
    blocks = np.array(_HOURS, dtype=object)
    yield (
        "time of day (UTC)",
        blocks[test.cutoff // _SIX_HOURS % 4],
        blocks[test.episodes.start // _SIX_HOURS % 4],
    )


def _slice(
    by: str,
    value: str,
    test: Stream,
    risk: Scores,
    outcome: Outcome,
    rows: NDArray[np.bool_],
    episodes: NDArray[np.bool_],
) -> Slice:
    label = test.label[rows]
    ranking = Ranking.of(risk[rows], label)
    both = bool(label.any() and not label.all())
    mine = rows[outcome.alerts]
    return Slice(
        by=by,
        value=value,
        rows=int(rows.sum()),
        positives=int(label.sum()),
        pr_auc=ranking.pr_auc() if label.any() else None,
        roc_auc=ranking.roc_auc() if both else None,
        episodes=int(episodes.sum()),
        caught=int(outcome.caught[episodes].sum()),
        alerts=int(mine.sum()),
        false_alarms=int((mine & ~outcome.true).sum()),
        robot_days=int(rows.sum()) * test.days,
    )
