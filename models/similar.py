"""Has this happened before? The nearest earlier failures, how far away, and whether any is near."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.schema import CODE, CUTOFF, ROBOT, TIMESTAMP
from models.artifact import Model
from models.dataset import Dataset, Index
from models.episodes import Stream
from models.learner import Matrix

_MOST_CASES = 200
_MOST_FEATURES = 20
_DIGITS = 6
"""Points are kept to so many, so nothing is told apart that is nearer."""
_FARTHEST = 10.0

Points = NDArray[np.float64]

SCHEMA = pa.schema(
    [
        (ROBOT, pa.string()),
        (CUTOFF, TIMESTAMP),
        ("rank", pa.int32()),
        ("case_robot_id", pa.string()),
        ("case_cutoff", TIMESTAMP),
        ("case_failure", TIMESTAMP),
        (CODE, pa.string()),
        ("distance", pa.float64()),
        ("unlike_anything_seen", pa.bool_()),
    ]
)


def cases(
    data: Dataset, matrix: Matrix, train: Index, seen: Stream, gain: NDArray[np.float64]
) -> dict[str, Any]:
    """The training failures as points: the last row before each, in the features of most gain.

    Features are centred at the median and scaled by the interquartile range of the training rows, clipped
    at ±10; a missing value sits at the centre. At most the newest 200 cases and 20 features.
    Categories have no distance: their `gain` is to be 0. `near` is the distance within which 95 % of the
    cases have another; farther than that is unlike anything seen. Empty with fewer than two cases.
    """
    which = np.flatnonzero(seen.reachable)
    which = which[np.argsort(seen.episodes.start[which], kind="stable")][-_MOST_CASES:]
    chosen = [int(column) for column in np.argsort(-gain, kind="stable")[:_MOST_FEATURES] if gain[column] > 0]
    if len(which) < 2 or not chosen:
        return {}
    known = matrix[train][:, chosen].astype(np.float64)
    filled = np.where(np.isnan(known).all(axis=0), 0.0, known)
    low, centre, high = np.nanpercentile(filled, [25, 50, 75], axis=0)
    scale = np.where(high > low, high - low, np.maximum(np.nanstd(filled, axis=0), 1e-9))
    rows = train[seen.last[which] - 1]
    points = _placed(matrix[rows][:, chosen], centre, scale)
    apart = _distances(points, points)
    np.fill_diagonal(apart, np.inf)
    return {
        "columns": chosen,
        "centre": centre.tolist(),
        "scale": scale.tolist(),
        "near": max(float(np.percentile(apart.min(axis=1), 95)), 10.0**-_DIGITS),
        "points": np.round(points, _DIGITS).tolist(),
        "robot": [data.robots[code] for code in data.robot[rows]],
        "cutoff": data.cutoff[rows].tolist(),
        "failure": seen.episodes.start[which].tolist(),
        "code": [seen.episodes.code[index] for index in which],
    }


def similar(model: Model, windows: pa.Table, matrix: Matrix, *, most: int = 3) -> pa.Table:
    """The `most` nearest training failures of each of the windows, nearest first; columns as `SCHEMA`.

    `windows`: `robot_id`, `cutoff`; `matrix`: what the model read of each (`Model.matrix`).
    `distance` is the root mean square difference over the model's main features, in interquartile ranges.
    Empty when the model knows fewer than two failures.
    """
    known: Mapping[str, Any] = model.card["cases"]
    if not known or not len(matrix):
        return SCHEMA.empty_table()
    points = _placed(matrix[:, known["columns"]], np.asarray(known["centre"]), np.asarray(known["scale"]))
    apart = _distances(points, np.asarray(known["points"]))
    nearest = np.argsort(apart, axis=1, kind="stable")[:, :most]
    of = np.repeat(np.arange(len(matrix)), nearest.shape[1])
    case = nearest.reshape(-1)
    distance = apart[of, case]
    return pa.table(
        [
            windows[ROBOT].cast(pa.string()).take(pa.array(of)),
            windows[CUTOFF].cast(TIMESTAMP).take(pa.array(of)),
            pa.array(np.tile(np.arange(1, nearest.shape[1] + 1), len(matrix)), pa.int32()),
            pa.array([known["robot"][index] for index in case], pa.string()),
            pa.array([known["cutoff"][index] for index in case], pa.int64()).cast(TIMESTAMP),
            pa.array([known["failure"][index] for index in case], pa.int64()).cast(TIMESTAMP),
            pa.array([known["code"][index] for index in case], pa.string()),
            pa.array(distance, pa.float64()),
            pa.array(np.repeat(apart.min(axis=1) > known["near"], nearest.shape[1]), pa.bool_()),
        ],
        schema=SCHEMA,
    )


def _placed(values: NDArray[Any], centre: Points, scale: Points) -> Points:
    placed = (values.astype(np.float64) - centre) / scale
    return np.asarray(np.clip(np.nan_to_num(placed, nan=0.0), -_FARTHEST, _FARTHEST))


def _distances(one: Points, other: Points) -> Points:
    """Root mean square difference between every pair of points."""
    return np.asarray(np.sqrt(((one[:, None, :] - other[None, :, :]) ** 2).mean(axis=2)))


def recurring(model: Model) -> pa.Table:
    """Training failures that look alike: chains of cases nearer than the card's `near` form a cluster.

    Columns: `cluster` (1 is the largest), `robot_id`, `failure` (time), `code`; a case without a neighbour is
    a cluster of its own.
    """
    known: Mapping[str, Any] = model.card["cases"]
    schema = pa.schema(
        [("cluster", pa.int32()), (ROBOT, pa.string()), ("failure", TIMESTAMP), (CODE, pa.string())]
    )
    if not known:
        return schema.empty_table()
    points = np.asarray(known["points"])
    linked = _distances(points, points) <= known["near"]
    group = np.arange(len(points))
    for _ in range(len(points)):
        lowest = np.where(linked, group[None, :], len(points)).min(axis=1)
        if (lowest == group).all():
            break
        group = lowest
    found, sizes = np.unique(group, return_counts=True)
    rank = {
        int(first): place for place, first in enumerate(found[np.argsort(-sizes, kind="stable")], start=1)
    }
    cluster = [rank[int(first)] for first in group]
    order = np.lexsort((known["failure"], cluster))
    return pa.table(
        [
            pa.array([cluster[index] for index in order], pa.int32()),
            pa.array([known["robot"][index] for index in order], pa.string()),
            pa.array([known["failure"][index] for index in order], pa.int64()).cast(TIMESTAMP),
            pa.array([known["code"][index] for index in order], pa.string()),
        ],
        schema=schema,
    )
