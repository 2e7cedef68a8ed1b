"""Writes a synthetic fleet: daily archives per robot, and the truth about what was planted in them.

The same arguments give the same bytes, however many workers write.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from features.errors import ConflictError, UsageError
from pipelines.demo.truth import Dirt, FailureTruth, NearMiss, RobotTruth, Truth


@dataclass(frozen=True)
class RobotOrder:
    """Everything a worker needs to write one robot's archives."""

    logs: Path
    index: int
    robots: int
    days: int
    seed: int
    start: date


@dataclass(frozen=True)
class RobotResult:
    """What was planted in one robot's archives, and how many messages they hold."""

    robot: RobotTruth
    messages: int
    failures: tuple[FailureTruth, ...]
    near_misses: tuple[NearMiss, ...]
    dirt: tuple[Dirt, ...]


def write_fleet(
    folder: Path,
    *,
    robots: int = 12,
    days: int = 2,
    seed: int = 7,
    start: str = "2026-03-01",
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> Truth:
    """Write `logs/<day>/<robot>.zip` and `truth.json` into `folder`.

    One message a robot and 5 s, so about 17,280 a robot-day (none in the fleet's first 10 s), of
    about 1.2 KB of JSON, packed 0.5 KB. Seven of twelve robots have a planted cause.
    `progress` is told robots done and robots in all.

    Raises UsageError for counts below 1 or a bad `start`, ConflictError when `folder/logs` exists.
    """
    order = RobotOrder(folder / "logs", 0, robots, days, seed, _first_day(start))
    for name, value in (("robots", robots), ("days", days), ("workers", workers)):
        if value < 1:
            raise UsageError(f"{name} must be 1 or more", got=value)
    if seed < 0:
        raise UsageError("seed must be 0 or more", got=seed)
    if order.logs.exists():
        raise ConflictError(f"{order.logs} exists already", hint="choose another folder, or remove it")
    for day in range(days):
        (order.logs / str(order.start + timedelta(days=day))).mkdir(parents=True)
    results = {}
    for result in _write_all([_for_robot(order, index) for index in range(robots)], workers):
        results[result.robot.robot_id] = result
        if progress is not None:
            progress(len(results), robots)
    truth = _truth(order, [results[robot_id] for robot_id in sorted(results)])
    truth.save(folder)
    return truth


def epoch_ms(day: date) -> int:
    """Midnight UTC of a day, milliseconds since the epoch."""
    return round(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1_000)


def _first_day(start: str) -> date:
    try:
        return date.fromisoformat(start)
    except ValueError as error:
        raise UsageError("start is no day", got=start, expected="a day such as 2026-03-01") from error


def _for_robot(order: RobotOrder, index: int) -> RobotOrder:
    return RobotOrder(order.logs, index, order.robots, order.days, order.seed, order.start)


def _write_all(orders: list[RobotOrder], workers: int) -> Iterable[RobotResult]:
    if min(workers, len(orders)) == 1:
        yield from map(_write, orders)
        return
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from multiprocessing import get_context

    with ProcessPoolExecutor(min(workers, len(orders)), mp_context=get_context("spawn")) as pool:
        for future in as_completed([pool.submit(_write, order) for order in orders]):
            yield future.result()


def _write(order: RobotOrder) -> RobotResult:
    from pipelines.demo.robot import write_robot

    return write_robot(order)


def _truth(order: RobotOrder, results: list[RobotResult]) -> Truth:
    return Truth(
        seed=order.seed,
        start=str(order.start),
        days=order.days,
        start_ms=epoch_ms(order.start),
        messages=sum(result.messages for result in results),
        robots=tuple(result.robot for result in results),
        failures=tuple(failure for result in results for failure in result.failures),
        near_misses=tuple(near_miss for result in results for near_miss in result.near_misses),
        dirt=tuple(dirt for result in results for dirt in result.dirt),
    )
