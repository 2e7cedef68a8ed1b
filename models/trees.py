"""Walks LightGBM's trees column by column: to the bit what `Booster.predict` says, in a fraction of the time.

A row leaves a tree at the first leaf, from left to right, that none of its splits rules out (QuickScorer:
Lucchese et al. 2015). So each split is one comparison of a stretch of a column, many rows at a time, and the
bits that stay tell the leaf; nothing is copied row by row.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from features.quantile_kernels import trailing_zeros

MOST_LEAVES: Final = 64
BLOCK: Final = 512
TINY: Final = np.float32(1e-35)  # LightGBM reads what is no further from zero as zero
CATEGORY, DEFAULT_LEFT, MISSING_ZERO, MISSING_NAN = 1, 2, 4, 8
LEAST: Final = np.float32(-np.inf)


@dataclass(frozen=True)
class Forest:
    """The splits of all trees in a row, those of tree t at `first[t]:first[t + 1]`, and its leaves' values.

    A row goes left when `x <= threshold`, or when x is missing and `missing_left`; else it loses the leaves
    not in `kept`. With `words[s]` ≥ 0 the split is by category, left if its bit is set in
    `bits[words[s]:words[s + 1]]`.
    """

    first: NDArray[np.int64]
    column: NDArray[np.int64]
    threshold: NDArray[np.float32]
    missing_left: NDArray[np.bool_]
    kept: NDArray[np.uint32] | NDArray[np.uint64]
    words: NDArray[np.int64]
    bits: NDArray[np.uint32]
    leaves: NDArray[np.float64]

    def score(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        """The sum of the trees for every row, added up in their order."""
        result = np.zeros(len(matrix))
        word = self.kept.dtype.type
        _walk(
            np.ascontiguousarray(matrix.T),
            word(np.iinfo(word).max),
            self.first,
            self.column,
            self.threshold,
            self.missing_left,
            self.kept,
            self.words,
            self.bits,
            self.leaves,
            result,
        )
        return result


@lru_cache(maxsize=4)
def forest(text: str) -> Forest | None:
    """The trees of LightGBM's model text; None for what only LightGBM can say.

    That is a model of several classes, an averaged one, linear leaves, trees of more than 64 leaves and zero
    as missing: none of them is learnt here.
    """
    head, *trees = text.partition("\nend of trees")[0].split("\nTree=")
    if "num_tree_per_iteration=1\n" not in head or "\naverage_output" in head:
        return None
    parts = [_fields(tree) for tree in trees]
    if any(not _plain(part) for part in parts):
        return None
    splits = [_splits(part) for part in parts]
    leaves = np.zeros((len(parts), MOST_LEAVES))
    for row, part in zip(leaves, parts, strict=True):
        order = _left_to_right(part)
        row[: len(order)] = np.array(part["leaf_value"].split(), np.float64)[order]
    rows = [row for of in splits for row in of]
    kept = np.array([row[3] for row in rows], np.uint64)
    narrow = max(int(part["num_leaves"]) for part in parts) <= MOST_LEAVES // 2
    words = np.cumsum([0, *(len(row[4]) for row in rows)])
    by_category = np.array([len(row[4]) > 0 for row in rows], np.bool_)
    return Forest(
        first=np.cumsum([0, *map(len, splits)]),
        column=np.array([row[0] for row in rows], np.int64),
        threshold=np.array([row[1] for row in rows], np.float32),
        missing_left=np.array([row[2] for row in rows], np.bool_),
        kept=kept.astype(np.uint32) if narrow else kept,
        words=np.append(np.where(by_category, words[:-1], -1 - words[:-1]), words[-1]),
        bits=np.array([word for row in rows for word in row[4]], np.uint32),
        leaves=leaves,
    )


def _fields(tree: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in tree.splitlines() if "=" in line)


def _plain(part: dict[str, str]) -> bool:
    kinds = [int(kind) for kind in part.get("decision_type", "").split()]
    linear = part.get("is_linear", "0") != "0"
    return not linear and int(part["num_leaves"]) <= MOST_LEAVES and not any(k & MISSING_ZERO for k in kinds)


def _left_to_right(part: dict[str, str]) -> list[int]:
    """The leaves of a tree as they stand from left to right."""
    if int(part["num_leaves"]) == 1:
        return [0]
    left, right = (np.array(part[side].split(), np.int64) for side in ("left_child", "right_child"))
    found, todo = [], [0]
    while todo:
        node = todo.pop()
        if node < 0:
            found.append(int(~node))
        else:
            todo += [int(right[node]), int(left[node])]
    return found


def _splits(part: dict[str, str]) -> list[tuple[int, np.float32, bool, int, list[int]]]:
    """Column, threshold, whether missing goes left, the leaves kept on going right, words of categories."""
    if int(part["num_leaves"]) == 1:
        return []
    place = {leaf: i for i, leaf in enumerate(_left_to_right(part))}
    names = ("split_feature", "threshold", "decision_type", "left_child", "right_child")
    columns, thresholds, kinds, lefts, rights = (part[name].split() for name in names)
    bounds = [int(bound) for bound in part.get("cat_boundaries", "").split()]
    categories = [int(word) for word in part.get("cat_threshold", "").split()]

    def under(node: int) -> int:
        return 1 << place[~node] if node < 0 else under(int(lefts[node])) | under(int(rights[node]))

    found = []
    for node, column in enumerate(columns):
        kind, value = int(kinds[node]), float(thresholds[node])
        words: list[int] = []
        if kind & CATEGORY:
            words = categories[bounds[int(value)] : bounds[int(value) + 1]]
            missing_left, threshold = False, LEAST
        else:
            missing_left = bool(kind & DEFAULT_LEFT) if kind & MISSING_NAN else value >= 0
            threshold = _at_most(value)
        found.append((int(column), threshold, missing_left, ~under(int(lefts[node])) & (2**64 - 1), words))
    return found


def _at_most(value: float) -> np.float32:
    """The greatest float32 that goes left at a threshold, where what is tiny counts as zero."""
    if 0 <= value < float(TINY):
        return TINY
    if -float(TINY) <= value < 0:
        return np.float32(np.nextafter(-TINY, LEAST))
    with np.errstate(over="ignore"):
        near = np.float32(value)
    return near if float(near) <= value else np.float32(np.nextafter(near, LEAST))


@njit(cache=True, nogil=True)
def _walk(columns, everything, first, column, threshold, missing_left, kept, words, bits, leaves, result):  # type: ignore[no-untyped-def]
    """Add each tree's leaf to every row's result, a block of rows at a time."""
    held = np.empty(BLOCK, kept.dtype)
    for start in range(0, result.size, BLOCK):
        size = min(BLOCK, result.size - start)
        for tree in range(first.size - 1):
            held[:] = everything
            for s in range(first[tree], first[tree + 1]):
                x = columns[column[s], start : start + size]
                if words[s] >= 0:
                    _by_category(x, bits[words[s] : abs_end(words[s + 1])], kept[s], held)
                elif missing_left[s]:
                    for i in range(size):
                        held[i] &= kept[s] if x[i] > threshold[s] else everything
                else:
                    for i in range(size):
                        held[i] &= everything if x[i] <= threshold[s] else kept[s]
            value = leaves[tree]
            for i in range(size):
                result[start + i] += value[trailing_zeros(np.uint64(held[i]))]


@njit(cache=True, nogil=True)
def abs_end(word):  # type: ignore[no-untyped-def]
    """Where the words before a split end, whether or not the split has words."""
    return word if word >= 0 else -1 - word


@njit(cache=True, nogil=True)
def _by_category(x, bits, kept, held):  # type: ignore[no-untyped-def]
    """Rows whose category is not among the bits lose the leaves not kept."""
    for i in range(x.size):
        left = False
        if x[i] > -1 and x[i] < 32 * bits.size:
            code = int(x[i])
            left = (bits[code >> 5] >> np.uint32(code & 31)) & np.uint32(1) == 1
        if not left:
            held[i] &= kept
