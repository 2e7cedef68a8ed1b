"""A discrete simulation of one run on many workers, fed with the times that datums took.

What is simulated is what runs: a pipeline begins when the one before it has ended; the engine, one process,
sends sets of datums and records what comes back, one thing after the other, and keeps at most two sets a
worker on their way; a worker takes the next set that waits. Training and report are one datum on one worker.
"""

import heapq
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pipelines.cluster import LEAST_SENT, SENT_PER_THREAD
from pipelines.pachd.executor import DEFAULT_SETS_PER_WORKER, MOST_PER_SET

SENDING = 0.5  # of the engine's seconds a datum: planning and sending it; the rest is recording its result


@dataclass(frozen=True)
class Stage:
    """A pipeline as measured. seconds: of single datums.

    alone: it is one datum, and `seconds` are what it takes without data and for each robot-day.
    """

    name: str
    seconds: Sequence[float]
    alone: bool = False


@dataclass(frozen=True)
class Costs:
    """What measured datums do not tell.

    engine_s: the engine's own time a datum. set_s: a set's way there and back, requests to the object store
    included.
    """

    engine_s: float
    set_s: float


@dataclass(frozen=True)
class Ran:
    """One stage simulated: seconds it took, of them the engine's and, summed over workers, the workers'."""

    name: str
    wall_s: float
    engine_s: float
    work_s: float
    alone: bool

    def limit(self, workers: int) -> str:
        """What there was too little of: workers, the engine's one process, or one machine for one datum."""
        if self.alone:
            return f"{self.name} on one machine"
        return "the engine" if self.engine_s * workers > self.work_s else "workers"


def simulate(stages: Sequence[Stage], costs: Costs, *, datums: int, workers: int, seed: int = 7) -> list[Ran]:
    """Run `datums` datums, robot-days, through every stage; times are drawn from those measured."""
    chance = random.Random(seed)
    found = []
    for stage in stages:
        if stage.alone:
            fixed, each = stage.seconds
            took = fixed + each * datums
            found.append(Ran(stage.name, took + costs.set_s, costs.engine_s, took, alone=True))
        else:
            found.append(_spread(stage, costs, datums, workers, chance))
    return found


def bottleneck(ran: Sequence[Ran], workers: int) -> tuple[str, float]:
    """What limits for the longest, and its share of the time."""
    total: dict[str, float] = {}
    for one in ran:
        limit = one.limit(workers)
        total[limit] = total.get(limit, 0.0) + one.wall_s
    name = max(total, key=lambda limit: total[limit])
    return name, total[name] / sum(total.values())


def _spread(stage: Stage, costs: Costs, datums: int, workers: int, chance: random.Random) -> Ran:
    limit = max(LEAST_SENT, SENT_PER_THREAD * workers)
    size = min(MOST_PER_SET, max(1, -(-datums // (limit * DEFAULT_SETS_PER_WORKER))))
    left = [size] * (datums // size) + [datums % size] * (datums % size > 0)
    free = [0.0] * workers
    coming: list[tuple[float, int]] = []
    engine, engine_busy, work = 0.0, 0.0, 0.0
    while left or coming:
        if left and len(coming) < limit:
            number = left.pop()
            engine += (spent := number * costs.engine_s * SENDING)
            took = sum(chance.choices(stage.seconds, k=number))
            ends = max(engine, heapq.heappop(free)) + costs.set_s + took
            heapq.heappush(free, ends)
            heapq.heappush(coming, (ends, number))
            work += took
        else:
            ends, number = heapq.heappop(coming)
            spent = number * costs.engine_s * (1 - SENDING)
            engine = max(engine, ends) + spent
        engine_busy += spent
    return Ran(stage.name, engine, engine_busy, work, alone=False)


def stages_of(recorded: Mapping[str, Mapping[str, object]]) -> list[Stage]:
    """Stages as `benchmarks.scale stages` writes them."""
    return [
        Stage(name, list(told["seconds"]), bool(told["alone"]))  # type: ignore[call-overload]
        for name, told in recorded.items()
    ]
