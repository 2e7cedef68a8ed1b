"""How long each robot was watched: without hours of operation a count of failures says nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from reports.series import Series, Times

HOUR_NS: Final = 3_600 * 10**9

_NONE: Final = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Exposure:
    """Observed time of one robot: stretches `[start, end]` in ns, and the episodes that began within them.

    `operated` are the episodes on the operating clock: ns of observed time before each, gaps left out.
    `outside` counts episodes in no stretch; they enter no rate.
    """

    start: Times
    end: Times
    episodes: Times
    operated: Times
    outside: int

    @property
    def total(self) -> int:
        """Observed time in ns."""
        return int((self.end - self.start).sum())

    @property
    def hours(self) -> float:
        """Observed time in hours."""
        return self.total / HOUR_NS

    def within(self, start: int, end: int) -> tuple[int, int]:
        """Observed ns, and episodes that began, in `[start, end)`."""
        overlap = np.minimum(self.end, end) - np.maximum(self.start, start)
        return int(overlap[overlap > 0].sum()), int(((self.episodes >= start) & (self.episodes < end)).sum())

    def durations(self) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Hours of operation from the record's start, or an episode, to the next; the last is censored."""
        marks = np.concatenate([[0], self.operated, [self.total]])
        hours = np.diff(marks) / HOUR_NS
        failed = np.append(np.ones(len(self.operated), dtype=bool), False)
        kept = failed | (hours > 0)
        return hours[kept], failed[kept]


def exposures(series: Series, started: Mapping[str, Times], longest_window: int) -> dict[str, Exposure]:
    """Observed time per scored robot.

    A robot is observed from one cut-off (or failure) to the next unless they are further apart than ten
    usual steps or, because windows after a failure are excluded, the longest window and two steps; a stretch
    begins one step before its first cut-off. `started` holds the episode starts per robot,
    `longest_window` is in ns.
    """
    limit = max(10 * series.step, longest_window + 2 * series.step)
    return {
        name: _exposure(series.cutoff[series.rows(index)], started.get(name, _NONE), series.step, limit)
        for index, name in enumerate(series.robots)
    }


def _exposure(cutoff: Times, started: Times, step: int, limit: int) -> Exposure:
    instants = np.sort(np.concatenate([cutoff, started]))
    breaks = np.flatnonzero(np.diff(instants) > limit) + 1
    first = np.concatenate([[0], breaks]).astype(np.int64)
    last = np.append(breaks, len(instants)) - 1
    start, end = instants[first] - step, instants[last]
    seen = np.searchsorted(cutoff, end, "right") > np.searchsorted(cutoff, start, "left")
    start, end = start[seen], end[seen]
    start[1:] = np.maximum(start[1:], end[:-1])
    place = np.searchsorted(start, started, "right") - 1
    inside = (place >= 0) & (started <= end[np.maximum(place, 0)])
    episodes, place = started[inside], place[inside]
    before = np.concatenate([[0], np.cumsum(end - start)])[:-1]
    return Exposure(start, end, episodes, before[place] + episodes - start[place], int((~inside).sum()))
