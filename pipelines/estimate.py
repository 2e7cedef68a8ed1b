"""What a fleet will need, from what this project's datums took: seconds and bytes per robot-hour."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from features.errors import DataError, UsageError

HOUR_S: Final = 3600.0
PER: Final = 1000.0


@dataclass(frozen=True)
class Rates:
    """Measured over `robot_hours`. seconds: pipeline → core-seconds of its datums. stored: repo → bytes.

    fixed: the part of a pipeline's seconds that did not grow between two runs of different size.
    peaks: pipeline → the most memory (bytes) a datum of it held, where that was measured. held: the part of a
    peak that did not grow between two such runs.
    """

    robot_hours: float
    seconds: Mapping[str, float]
    stored: Mapping[str, int]
    fixed: Mapping[str, float] = field(default_factory=dict)
    peaks: Mapping[str, int] = field(default_factory=dict)
    held: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Stage:
    """One pipeline's share of the work."""

    pipeline: str
    core_seconds_per_robot_hour: float
    core_hours: float


@dataclass(frozen=True)
class Estimate:
    """Predicted for `robot_hours`. wall_hours: on `cores`; fleet-wide steps on one. dollars: at `price`.

    memory_gib: of `cores` workers of `worker_gib` each; alone_gib: of the one machine that runs the
    fleet-wide steps. None where nothing was measured.
    """

    robot_hours: float
    cores: int
    price: float
    core_hours: float
    wall_hours: float
    memory_gib: float | None
    worker_gib: float | None
    alone_gib: float | None
    storage_gib: float
    dollars: float
    dollars_per_1000_robot_hours: float
    bottleneck: str
    stages: tuple[Stage, ...]
    assumptions: tuple[str, ...]


def estimate(
    rates: Rates,
    *,
    robots: int,
    hours: float,
    cores: int,
    price: float,
    gib_per_core: float | None,
    alone: frozenset[str],
) -> Estimate:
    """Scale measured rates to `robots` times `hours` on `cores`, linearly but for what is fixed.

    price: dollars an hour for all cores. gib_per_core: memory of a worker, None = what the hungriest datum of
    a robot-day held. alone: pipelines with one datum, which use one core; what they held grows, but for
    what did not between two runs, or else what the thriftiest step needs. Raises
    DataError without measurements, UsageError for sizes that are not above 0.
    """
    if min(robots, hours, cores) <= 0 or price < 0:
        raise UsageError("robots, hours and cores must be above 0", got=(robots, hours, cores, price))
    if rates.robot_hours <= 0 or not any(rates.seconds.values()):
        raise DataError("nothing was measured yet", hint="push logs first: rates come from datums that ran")
    wanted = robots * hours
    factor = wanted / rates.robot_hours
    fixed = {name: min(rates.fixed.get(name, 0.0), seconds) for name, seconds in rates.seconds.items()}
    hours_of = {
        name: (fixed[name] + (seconds - fixed[name]) * factor) / HOUR_S
        for name, seconds in rates.seconds.items()
    }
    walls = {name: taken if name in alone else taken / cores for name, taken in hours_of.items()}
    wall = sum(walls.values())
    dollars = wall * price
    worker = _most(peak for name, peak in rates.peaks.items() if name not in alone)
    worker = worker if gib_per_core is None else gib_per_core
    least = min(rates.peaks.values(), default=0)
    kept = {name: rates.held.get(name) or least for name in rates.peaks}
    single = _most(
        kept[name] + (peak - kept[name]) * factor for name, peak in rates.peaks.items() if name in alone
    )
    return Estimate(
        robot_hours=wanted,
        cores=cores,
        price=price,
        core_hours=sum(hours_of.values()),
        wall_hours=wall,
        memory_gib=None if worker is None else cores * worker,
        worker_gib=worker,
        alone_gib=single,
        storage_gib=sum(rates.stored.values()) * factor / 2**30,
        dollars=dollars,
        dollars_per_1000_robot_hours=dollars / wanted * PER,
        bottleneck=max(walls, key=lambda name: walls[name]),
        stages=tuple(Stage(name, taken * HOUR_S / wanted, taken) for name, taken in hours_of.items()),
        assumptions=(
            f"measured on {rates.robot_hours:g} robot-hours of this project, on this machine's cores",
            "work and storage grow in proportion to robot-hours" + _but(fixed),
            f"{', '.join(sorted(alone))} run on one core, all else on every core without waiting",
            _worker(worker, gib_per_core),
            f"what {', '.join(sorted(alone))} hold grows in proportion, but for what every process holds",
            "no time for moving data between machines; no repeated work",
        ),
    )


def intercept(runs: Sequence[tuple[int, float]]) -> float:
    """Seconds that do not grow with robot-days, from runs as (robot-days, seconds), newest first.

    By the newest run and the smallest before it; 0 where they do not differ in size.
    """
    (days, seconds), (fewer, less) = runs[0], min(runs, key=lambda run: run[0])
    if fewer <= 0 or fewer >= days:
        return 0.0
    slope = max(0.0, seconds - less) / (days - fewer)
    return max(0.0, seconds - slope * days)


def _most(sizes: Iterable[float]) -> float | None:
    return max((size / 2**30 for size in sizes), default=None)


def _worker(measured: float | None, given: float | None) -> str:
    if given is not None:
        return f"a worker needs {given:g} GiB: given, not measured"
    if measured is None:
        return "no memory was measured: give a worker's with --gib-per-core"
    return f"a worker needs {measured:.3g} GiB: the most a datum of a robot-day held"


def _but(fixed: Mapping[str, float]) -> str:
    told = [f"{seconds:.3g} s of {name}" for name, seconds in sorted(fixed.items()) if seconds]
    return f"; only {' and '.join(told)} do not, as two runs of different size show" if told else ""
