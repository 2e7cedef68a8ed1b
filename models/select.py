"""Features that never change, say the same twice or drift only cost a model rows; they are left out first.

Judged on training rows only, so that the choice itself is no leak.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.dataset import Dataset, Index
from models.drift import ks
from models.encode import Encoding
from models.learner import Matrix

CONSTANT = "constant"
DUPLICATE = "duplicate"
UNSTABLE = "unstable over time"
UNSTABLE_FROM = 0.5


@dataclass(frozen=True, slots=True)
class Selection:
    """Column numbers worth keeping, and the names of the others by reason."""

    kept: tuple[int, ...]
    dropped: Mapping[str, tuple[str, ...]]


def select(data: Dataset, matrix: Matrix, rows: Index, encoding: Encoding) -> Selection:
    """Drop columns that are constant, equal to an earlier one, or drifting, judged on `rows` alone.

    Drifting: the Kolmogorov-Smirnov distance between the rows without failure of the earlier and of the
    later half (by cut-off) is above 0.5, as of a counter or a clock in disguise. Categories do not drift.
    """
    quiet = rows[~data.label[rows]]
    border = np.median(data.cutoff[quiet]) if len(quiet) else 0
    early, late = quiet[data.cutoff[quiet] < border], quiet[data.cutoff[quiet] >= border]
    kept: list[int] = []
    dropped: dict[str, list[str]] = {CONSTANT: [], DUPLICATE: [], UNSTABLE: []}
    seen = set()
    for column, name in enumerate(encoding.features):
        values = matrix[rows, column]
        content = hashlib.sha256(values.tobytes()).digest()
        known = values[~np.isnan(values)]
        if not len(known) or (len(known) == len(values) and known.min() == known.max()):
            dropped[CONSTANT].append(name)
        elif content in seen:
            dropped[DUPLICATE].append(name)
        elif (
            name not in encoding.categories
            and ks(matrix[early, column], matrix[late, column])[0] > UNSTABLE_FROM
        ):
            dropped[UNSTABLE].append(name)
        else:
            kept.append(column)
        seen.add(content)
    return Selection(tuple(kept), {reason: tuple(names) for reason, names in dropped.items()})
