"""Which rows may teach, tune and test: neighbours in time share data, so a random split is a leak."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.errors import DataError
from features.times import nanoseconds
from models.dataset import Dataset, Index, Times
from models.settings import TrainSettings

BY_TIME = "by time"
BY_ROBOT = "by robot"
NESTED = "unseen robots, later in time"


@dataclass(frozen=True, slots=True)
class Split:
    """Row indices of each part; `…_start` are cut-offs (ns), `…_robots` robot codes (empty: all).

    Training uses look-back cut-offs and grid rows; validation and test only the grid, at natural prevalence.
    `purged` counts rows dropped because their windows or labels reach over a border.
    """

    question: str
    train: Index
    validation: Index
    test: Index
    purged: int = 0
    validation_start: int | None = None
    test_start: int | None = None
    validation_robots: tuple[int, ...] = ()
    test_robots: tuple[int, ...] = ()


def by_time(data: Dataset, settings: TrainSettings) -> Split:
    """Train before validation before test, each border purged by look-back + lead + horizon (+ embargo).

    Borders are quantiles of the grid rows' cut-offs, labelled or not, so the last `test_share` of the rows
    is the test part; rows are purged from the earlier side, so no test row is lost and no episode's rows
    lie on both sides.
    """
    times = data.grid_times
    if len(times) == 0:
        return Split(BY_TIME, _none(), _none(), _none())
    test_start = _border(times, 1 - settings.test_share)
    validation_start = _border(times, 1 - settings.test_share - settings.validation_share)
    gap = nanoseconds(settings.gap, "reach and embargo")
    train = data.cutoff + gap <= validation_start
    validation = (data.cutoff >= validation_start) & (data.cutoff + gap <= test_start)
    test = data.cutoff >= test_start
    return Split(
        BY_TIME,
        np.flatnonzero(train),
        np.flatnonzero(validation & data.grid),
        np.flatnonzero(test & data.grid),
        purged=int((~(train | validation | test)).sum()),
        validation_start=validation_start,
        test_start=test_start,
    )


def by_robot(data: Dataset, settings: TrainSettings) -> Split | None:
    """Robots never seen in training are the test part; None with fewer than three robots.

    Robots are dealt in order of their number of episodes, so each part gets its share of failures.
    """
    present = np.unique(data.robot[data.grid])
    if len(present) < 3:
        return None
    episodes = np.bincount(data.episodes.robot, minlength=len(data.robots))[present]
    shuffled = np.random.default_rng(settings.seed).permutation(len(present))
    dealt = present[shuffled][np.argsort(-episodes[shuffled], kind="stable")]
    part = _deal(len(dealt), settings)
    of_robot = np.full(len(data.robots), -1)
    of_robot[dealt] = part
    of_row = of_robot[data.robot]
    return Split(
        BY_ROBOT,
        np.flatnonzero(of_row == 0),
        np.flatnonzero((of_row == 1) & data.grid),
        np.flatnonzero((of_row == 2) & data.grid),
        validation_robots=tuple(np.sort(dealt[part == 1]).tolist()),
        test_robots=tuple(np.sort(dealt[part == 2]).tolist()),
    )


def nested(time: Split, robot: Split) -> Split:
    """Both at once: unseen robots, in the time after everything that was learnt from."""
    return Split(
        NESTED,
        np.intersect1d(time.train, robot.train),
        np.intersect1d(time.validation, robot.validation),
        np.intersect1d(time.test, robot.test),
        purged=time.purged,
        validation_start=time.validation_start,
        test_start=time.test_start,
        validation_robots=robot.validation_robots,
        test_robots=robot.test_robots,
    )


def verify(data: Dataset, split: Split, settings: TrainSettings) -> None:
    """Raise `DataError`, with an example, when two parts of `split` share windows, labels or an episode.

    Rows of one robot in different parts must be look-back + lead + horizon apart, and where the question is
    one of time, every training row precedes every later part's.
    """
    part = np.full(len(data), -1, dtype=np.int8)
    names = ("train", "validation", "test")
    for code, rows in enumerate((split.train, split.validation, split.test)):
        if (part[rows] >= 0).any():
            raise DataError("the split leaks: a row is in two parts", got=f"{names[code]} and another")
        part[rows] = code
    rows = np.flatnonzero(part >= 0)
    near = (
        (np.diff(data.robot[rows]) == 0)
        & (np.diff(part[rows]) != 0)
        & (np.diff(data.cutoff[rows]) < nanoseconds(settings.reach, "reach"))
    )
    if near.any():
        one, other = rows[np.flatnonzero(near)[0]], rows[np.flatnonzero(near)[0] + 1]
        raise DataError(
            "the split leaks: parts share windows or labels across a border",
            got=f"{int(near.sum())} borders, the first on robot {data.robots[data.robot[one]]}: "
            f"{_when(data.cutoff[one])} in {names[part[one]]}, "
            f"{_when(data.cutoff[other])} in {names[part[other]]}",
            expected=f"rows of one robot in different parts at least {settings.reach} apart "
            "(look-back + lead + horizon)",
            hint="split by time with purge or by robot, never by random rows",
        )
    if split.question == BY_ROBOT:
        return
    for earlier, later in ((0, 1), (1, 2), (0, 2)):
        before, after = data.cutoff[part == earlier], data.cutoff[part == later]
        if len(before) and len(after) and before.max() >= after.min():
            raise DataError(
                f"the split leaks: {names[earlier]} reaches past the start of {names[later]}",
                got=_when(before.max()),
                expected=f"before {_when(after.min())}",
                hint="train before validation before test",
            )


class PurgedTimeSplit:
    """Expanding-window folds in time, purged, for scikit-learn's `cv=`.

    `cutoffs` are the rows' cut-offs in ns, in the order of `X`; `purge` is look-back + lead + horizon in ns,
    `embargo` an extra gap. Fold *k* tests the *k*-th of `n_splits` later slices and trains on all rows at
    least purge plus embargo before it. With `groups` (robots) given to `split`, a fold's tested robots are
    every `n_splits`-th of them, unseen in its training: nested, time × robot.
    Raises `DataError` for a purge of nothing, which would let windows and labels reach over the border.
    """

    def __init__(self, cutoffs: Times, purge: int, n_splits: int = 5, embargo: int = 0) -> None:
        if purge <= 0 or embargo < 0:
            raise DataError(
                "the split leaks: without a purge, windows and labels reach over the border",
                got=f"purge {purge} ns, embargo {embargo} ns",
                expected="purge = look-back + lead + horizon, above 0; embargo of at least 0",
            )
        self.cutoffs = cutoffs
        self.purge = purge
        self.embargo = embargo
        self.n_splits = n_splits

    def get_n_splits(self, X: object = None, y: object = None, groups: object = None) -> int:  # noqa: ARG002, N803
        """The number of folds."""
        return self.n_splits

    def split(
        self,
        X: Sequence[Any] | NDArray[Any],  # noqa: N803
        y: object = None,  # noqa: ARG002
        groups: Sequence[Any] | NDArray[Any] | None = None,
    ) -> Iterator[tuple[Index, Index]]:
        """Train and test indices of each fold. Raises `DataError` when a fold has no rows to train on."""
        if len(X) != len(self.cutoffs):
            raise DataError("rows and cut-offs differ in number", got=len(X), expected=len(self.cutoffs))
        ordered = np.sort(self.cutoffs)
        borders = [_border(ordered, k / (self.n_splits + 1)) for k in range(1, self.n_splits + 1)]
        turn = None if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1]
        for fold, (start, end) in enumerate(zip(borders, [*borders[1:], None], strict=True)):
            train = self.cutoffs + self.purge + self.embargo <= start
            test = (self.cutoffs >= start) & (True if end is None else self.cutoffs < end)
            if turn is not None:
                train &= turn % self.n_splits != fold
                test &= turn % self.n_splits == fold
            if not train.any() or not test.any():
                raise DataError(
                    "a fold is empty", hint="fewer folds, or more data than look-back + lead + horizon"
                )
            yield np.flatnonzero(train), np.flatnonzero(test)


def _border(ordered: Times, share: float) -> int:
    return int(ordered[min(int(np.ceil(round(len(ordered) * share, 6))), len(ordered) - 1)])


def _deal(count: int, settings: TrainSettings) -> NDArray[np.int8]:
    quota = np.array(
        [1 - settings.validation_share - settings.test_share, settings.validation_share, settings.test_share]
    )
    dealt = np.zeros(3)
    part = np.empty(count, dtype=np.int8)
    for turn in range(count):
        due = quota * (turn + 1) - dealt
        if count - turn <= (dealt == 0).sum():
            due = np.where(dealt == 0, due + count, due)
        part[turn] = int(np.argmax(due))
        dealt[part[turn]] += 1
    return part


def _when(cutoff: int) -> str:
    return f"{np.datetime64(int(cutoff), 'ns')}Z"


def _none() -> Index:
    return np.empty(0, dtype=np.int64)
