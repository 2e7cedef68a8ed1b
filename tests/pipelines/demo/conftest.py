"""A small fleet, written once, and its messages as an obvious reader sees them."""

import zipfile
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson
import pytest

from pipelines.demo.fleet import write_fleet
from pipelines.demo.truth import Truth

GZIP = 31


@cache
def _members(path: Path) -> list[tuple[str, bytes]]:
    with zipfile.ZipFile(path) as archive:
        return [(info.filename, archive.read(info)) for info in archive.infolist()]


@dataclass(frozen=True)
class Fleet:
    """The folder a fleet was written to, and its truth."""

    folder: Path
    truth: Truth

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    def members(self, file: str) -> list[tuple[str, bytes]]:
        """Name and bytes of an archive's members, in the order they are packed."""
        return _members(self.logs / file)

    def messages(self, robot: str) -> list[dict[str, Any]]:
        """Every readable message of a robot, once, by time."""
        found = {}
        for path in sorted(self.logs.glob(f"*/{robot}.zip")):
            for _, data in self.members(path.relative_to(self.logs).as_posix()):
                try:
                    message = orjson.loads(zlib.decompress(data, GZIP))
                except (zlib.error, ValueError):
                    continue
                found[message["ts"]] = message
        return [found[ts] for ts in sorted(found)]


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """Three robots, two days, planned so that one failure crosses midnight."""
    folder = tmp_path_factory.mktemp("fleet")
    return Fleet(folder, write_fleet(folder, robots=3, days=2, seed=6, workers=1))


@pytest.fixture(scope="session")
def messages(fleet: Fleet) -> dict[str, list[dict[str, Any]]]:
    """The readable messages of the two faulty robots."""
    return {robot_id: fleet.messages(robot_id) for robot_id in sorted(fleet.truth.planted_robots)}
