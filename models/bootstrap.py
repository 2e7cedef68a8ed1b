"""Rows of one robot resemble each other, so chance is judged by redrawing robots, never rows."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.dataset import Index
from models.episodes import DAY, Stream

FEWEST_GROUPS = 10
_UNITS = (
    ("robot", None),
    ("robot-day", DAY),
    ("robot-hour", DAY // 24),
    ("robot-minute", DAY // 1440),
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A value with its 95 % interval; None where it cannot be computed."""

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Groups:
    """What is redrawn: `unit` in words, the group of each row and episode, draws × groups weights."""

    unit: str
    row: Index
    episode: Index
    count: int
    weights: NDArray[np.float64]


def groups(part: Stream, draws: int, seed: int) -> Groups:
    """Robots when there are at least ten, else robot-days, robot-hours or robot-minutes (UTC).

    A block under a day must last five times what an alert speaks for, or its rows would still hang together.
    """
    long_enough = [entry for entry in _UNITS if entry[1] in (None, DAY) or entry[1] >= 5 * part.warned_for]
    for unit, span in long_enough:  # noqa: B007
        rows = _keys(part.robot, part.cutoff, span)
        episodes = _keys(part.episodes.robot, part.episodes.start, span)
        keys, every = np.unique(np.concatenate([rows, episodes]), axis=0, return_inverse=True)
        every = every.reshape(-1)
        if len(keys) >= FEWEST_GROUPS:
            break
    count = int(every.max()) + 1 if len(every) else 0
    generator = np.random.default_rng(seed)
    weights = (
        generator.multinomial(count, np.full(count, 1 / count), size=draws) if count else np.zeros((draws, 0))
    )
    return Groups(unit, every[: len(part)], every[len(part) :], count, weights.astype(np.float64))


def figure(value: float, drawn: NDArray[np.float64], among: Groups) -> Figure:
    """`value` with the 2.5 and 97.5 percentiles of its bootstrap draws; no interval under five groups."""
    known = drawn[np.isfinite(drawn)]
    if not np.isfinite(value):
        return Figure(None)
    if among.count < 5 or len(known) < 20:
        return Figure(float(value))
    low, high = np.percentile(known, [2.5, 97.5])
    return Figure(float(value), float(low), float(high))


def ratio(over: NDArray[np.float64], under: NDArray[np.float64], among: Groups) -> Figure:
    """Σ over / Σ under, both given per group, with its interval."""
    with np.errstate(invalid="ignore", divide="ignore"):
        value = float(np.divide(over.sum(), under.sum()))
        return figure(value, (among.weights @ over) / (among.weights @ under), among)


def per_group(
    values: NDArray[np.float64] | NDArray[np.bool_], group: Index, count: int
) -> NDArray[np.float64]:
    """Sum of `values` in each group."""
    return np.asarray(np.bincount(group, weights=values, minlength=count), dtype=np.float64)


def _keys(robot: NDArray[np.int32], moment: NDArray[np.int64], span: int | None) -> NDArray[np.int64]:
    block = np.zeros_like(moment) if span is None else moment // span
    return np.stack([robot.astype(np.int64), block], axis=1)
