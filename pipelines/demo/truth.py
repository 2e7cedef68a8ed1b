"""What was planted in a synthetic fleet, so that a report can be scored and quarantine can be checked."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

TRUTH_NAME: Final = "truth.json"
DAY_MS: Final = 86_400_000


@dataclass(frozen=True)
class RobotTruth:
    """A robot; `cause` is what mainly makes it fail more than by chance, '' for a sound robot."""

    robot_id: str
    cause: str
    firmware: str
    site: str


@dataclass(frozen=True)
class FailureTruth:
    """A failure at `ts` (epoch ms); `since` is where its precursor begins, equal to `ts` without one."""

    robot_id: str
    ts: int
    cause: str
    planted: bool
    since: int


@dataclass(frozen=True)
class NearMiss:
    """A precursor in [start, end) (epoch ms) that recovered without a failure."""

    robot_id: str
    cause: str
    start: int
    end: int


@dataclass(frozen=True)
class Dirt:
    """One planted defect.

    `file` and `member` say where ('' for defects of a source over a time); `start` and `end` are epoch ms
    ([start, end), 0 where the defect has no duration); `reason` is the quarantine reason it must get, ''
    when nothing is to be refused.
    """

    kind: str
    robot_id: str
    file: str = ""
    member: str = ""
    source: str = ""
    start: int = 0
    end: int = 0
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True)
class Truth:
    """Everything planted in a fleet over [start, start + days), UTC."""

    seed: int
    start: str
    days: int
    start_ms: int
    messages: int
    robots: tuple[RobotTruth, ...]
    failures: tuple[FailureTruth, ...]
    near_misses: tuple[NearMiss, ...]
    dirt: tuple[Dirt, ...]

    @property
    def end_ms(self) -> int:
        """The end of the last day, epoch ms."""
        return self.start_ms + self.days * DAY_MS

    @property
    def planted_robots(self) -> frozenset[str]:
        """Ids of the robots with a planted cause."""
        return frozenset(robot.robot_id for robot in self.robots if robot.cause)

    def save(self, folder: Path) -> None:
        """Write `truth.json` into a folder, one entry a line."""
        (folder / TRUTH_NAME).write_text(_dump(asdict(self)), "utf-8")


def load_truth(folder: Path) -> Truth:
    """Read `truth.json` of a folder made by `write_fleet`."""
    value = json.loads((folder / TRUTH_NAME).read_text("utf-8"))
    kinds = {"robots": RobotTruth, "failures": FailureTruth, "near_misses": NearMiss, "dirt": Dirt}
    return Truth(**value | {key: tuple(kind(**item) for item in value[key]) for key, kind in kinds.items()})


def _dump(value: dict[str, Any]) -> str:
    lines = []
    for key, entry in value.items():
        if isinstance(entry, tuple):
            items = ",\n".join(f"    {json.dumps(item)}" for item in entry)
            lines.append(f'  "{key}": [\n{items}\n  ]' if entry else f'  "{key}": []')
        else:
            lines.append(f'  "{key}": {json.dumps(entry)}')
    return "{\n" + ",\n".join(lines) + "\n}\n"
