"""A small fleet with a planted cause, so that a test knows what a model ought to find."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pytest

from features.schema import CUTOFF, FAILURES, IS_FAILURE_CUTOFF, LATEST_USED, ROBOT, TIMESTAMP
from models.settings import TrainSettings

MINUTE = 60 * 10**9
START = 1_767_225_600 * 10**9


@dataclass(frozen=True)
class Fleet:
    windows: pa.Table
    failures: pa.Table
    facts: pa.Table


def settings_of(**changed: object) -> TrainSettings:
    usual: dict[str, object] = {
        "lead": timedelta(minutes=2),
        "horizon": timedelta(minutes=30),
        "lookback": timedelta(minutes=2),
        "episode_gap": timedelta(minutes=10),
        "rounds": 60,
        "early_stopping": 20,
        "bootstraps": 50,
        "threads": 1,
    }
    return TrainSettings(**(usual | changed))  # type: ignore[arg-type]


def fleet_of(
    robots: int = 12, minutes: int = 2000, every: int = 400, effect: float = 3.0, seed: int = 0
) -> Fleet:
    """Robots with one grid row a minute; battery voltage sags by `effect` σ in the 30 minutes before failing.

    Failures come about `every` minutes per robot (0: never). A minute after a failure is left out, as
    `failure_in_window` would.
    """
    generator = np.random.default_rng(seed)
    names: list[str] = []
    cutoffs: list[int] = []
    volts: list[float] = []
    failed: list[tuple[str, int]] = []
    for number in range(robots):
        robot = f"r{number:02d}"
        gaps = generator.integers(every // 2, every * 2, size=minutes // max(every // 2, 1)) if every else []
        fails = np.cumsum(gaps)
        fails = fails[fails < minutes] if every else np.empty(0, dtype=int)
        failed += [(robot, START + int(at) * MINUTE) for at in fails]
        for minute in range(minutes):
            if (fails == minute - 1).any():
                continue
            ahead = fails[fails >= minute + 2]
            sagging = bool(len(ahead)) and ahead[0] - minute < 32
            names.append(robot)
            cutoffs.append(START + minute * MINUTE)
            volts.append(25.0 - effect * sagging + generator.normal())
    size = len(names)
    windows = pa.table(
        {
            ROBOT: pa.array(names, pa.string()),
            CUTOFF: pa.array(cutoffs, pa.int64()).cast(TIMESTAMP),
            LATEST_USED: pa.array(np.array(cutoffs) - 10**9, pa.int64()).cast(TIMESTAMP),
            IS_FAILURE_CUTOFF: pa.array(np.zeros(size, dtype=bool)),
            "battery__voltage__mean__2m": pa.array(volts, pa.float64()),
            "battery__voltage__min__2m": pa.array(np.array(volts) - 0.5, pa.float64()),
            "pose__speed__mean__2m": pa.array(generator.normal(size=size), pa.float64()),
            "state__last__2m": pa.array(generator.choice(["idle", "busy"], size=size), pa.string()),
        }
    )
    failures = pa.table(
        [
            pa.array([robot for robot, _ in failed], pa.string()),
            pa.array([at for _, at in failed], pa.int64()).cast(TIMESTAMP),
            pa.array(["stall"] * len(failed), pa.string()),
        ],
        schema=FAILURES,
    )
    named = sorted(set(names))
    facts = pa.table(
        {ROBOT: named, "machine__model": ["a", "b"] * (len(named) // 2) + ["a"] * (len(named) % 2)}
    )
    return Fleet(windows, failures, facts)


@pytest.fixture(scope="session")
def make_fleet() -> Callable[..., Fleet]:
    return fleet_of


@pytest.fixture(scope="session")
def make_settings() -> Callable[..., TrainSettings]:
    return settings_of


@pytest.fixture(scope="session")
def fleet() -> Fleet:
    return fleet_of()
