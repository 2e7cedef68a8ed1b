"""What an operator lives through: failures caught or missed, false alarms, and time to act."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from features.times import nanoseconds
from models.dataset import Codes, Dataset, Episodes, Flags, Index, Times
from models.settings import TrainSettings

DAY = 86_400 * 10**9


@dataclass(frozen=True, slots=True)
class Stream:
    """The grid rows of one part, sorted by robot and cut-off, with the episodes that start in its time.

    An episode is *reachable* when at least one row may warn of it, at `start - lead - horizon < c <=
    start - lead`; `first`, `last` bound those rows per episode. All times in ns;
    `days` is the observed time of one row.
    """

    robot: Codes
    cutoff: Times
    label: Flags
    episodes: Episodes
    first: Index
    last: Index
    warned_for: int
    refractory: int
    days: float

    def __len__(self) -> int:
        return len(self.cutoff)

    @property
    def reachable(self) -> Flags:
        """Episodes that at least one row could have warned of."""
        return self.last > self.first

    def raised(self, hot: Flags) -> Index:
        """Rows at which an alert goes out: hot, and not within `refractory` of the robot's alert before."""
        found: list[NDArray[np.int64]] = []
        rows = np.flatnonzero(hot)
        for mine in np.split(rows, np.flatnonzero(np.diff(self.robot[rows])) + 1):
            times = self.cutoff[mine]
            picked, place = [], 0
            while place < len(mine):
                picked.append(place)
                after = int(np.searchsorted(times, times[place] + self.refractory, side="left"))
                place = max(after, place + 1)
            found.append(mine[picked])
        return np.concatenate(found) if found else np.empty(0, dtype=np.int64)

    def judged(self, hot: Flags) -> "Outcome":
        """Alerts, caught episodes and lead times for rows that are hot."""
        alerts = self.raised(hot)
        place = np.searchsorted(alerts, self.first)
        caught = (place < len(alerts)) & self.reachable
        earliest = (
            alerts[np.minimum(place, max(len(alerts) - 1, 0))] if len(alerts) else np.zeros_like(self.first)
        )
        caught &= earliest < self.last
        lead = np.where(caught, self.episodes.start - self.cutoff[earliest] if len(self) else 0, -1)
        return Outcome(alerts, self.label[alerts], caught, lead)


@dataclass(frozen=True, slots=True)
class Outcome:
    """`alerts` are row indices, `true` marks those followed by a failure in their horizon.

    `caught` and `lead` (ns from the first true alert to the failure, -1 where missed) are per episode.
    """

    alerts: Index
    true: Flags
    caught: Flags
    lead: Times


def stream(data: Dataset, rows: Index, settings: TrainSettings, robots: tuple[int, ...] = ()) -> Stream:
    """The part made of grid `rows`, judged over the episodes of `robots` (codes; none: all) in its time.

    Its time runs from the first cut-off plus lead to the last plus lead plus horizon, so an episode no row
    could warn of (no data, window excluded) counts too: as missed.
    """
    robot, cutoff = data.robot[rows], data.cutoff[rows]
    lead = nanoseconds(settings.lead, "lead")
    horizon = nanoseconds(settings.horizon, "horizon")
    episodes = data.episodes
    if len(rows):
        inside = (episodes.start >= cutoff.min() + lead) & (episodes.start < cutoff.max() + lead + horizon)
    else:
        inside = np.zeros(len(episodes), dtype=bool)
    if robots:
        inside &= np.isin(episodes.robot, robots)
    episodes = episodes.take(inside)
    first, last = np.empty(len(episodes), dtype=np.int64), np.empty(len(episodes), dtype=np.int64)
    for index, (code, start) in enumerate(zip(episodes.robot, episodes.start, strict=True)):
        begin, end = np.searchsorted(robot, [code, code + 1])
        times = cutoff[begin:end]
        first[index] = begin + np.searchsorted(times, start - lead - horizon, side="right")
        last[index] = begin + np.searchsorted(times, start - lead, side="right")
    return Stream(
        robot,
        cutoff,
        data.label[rows],
        episodes,
        first,
        last,
        lead + horizon,
        nanoseconds(settings.silence, "refractory"),
        data.step / DAY,
    )
