"""What is extracted at once: a pushed file, or a ROS 2 bag's folder, whose files belong together."""

from collections.abc import Iterator
from pathlib import Path

from pipelines.logs.recordings.bag_folder import METADATA, ROOT


def units(logs: Path) -> Iterator[tuple[Path, str]]:
    """(file or folder, the path it was pushed as), by path; a bag within a bag is part of the outer one."""
    bags = {path.parent for path in logs.rglob(METADATA) if _tells_of_bag(path) and path.parent != logs}
    outer = {bag for bag in bags if not bags.intersection(bag.parents)}
    for path in sorted(logs.rglob("*")):
        if path in outer or (path.is_file() and not outer.intersection(path.parents)):
            yield path, "/" + path.relative_to(logs).as_posix()


def _tells_of_bag(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(ROOT)) == ROOT.encode()
