"""What is extracted at once: a pushed file, a ROS 2 bag's folder, or a folder of files of a message each."""

import os
from collections.abc import Iterator
from pathlib import Path

from pipelines.logs.recordings.bag_folder import METADATA, ROOT
from pipelines.logs.sheets import TABLES


def units(logs: Path, *, folders: bool = False) -> Iterator[tuple[Path, str]]:
    """(file or folder, the path it was pushed as), by path; a bag within a bag is part of the outer one.

    With `folders` a folder that holds files, none of them a table, and no folders is read as one.
    """
    whole = {path.parent for path in logs.rglob(METADATA) if _tells_of_bag(path) and path.parent != logs}
    if folders:
        whole |= {path for path in logs.rglob("*") if path.is_dir() and _holds_messages(path)}
    outer = {folder for folder in whole if not whole.intersection(folder.parents)}
    for path in sorted(logs.rglob("*")):
        if path in outer or (path.is_file() and not outer.intersection(path.parents)):
            yield path, "/" + path.relative_to(logs).as_posix()


def _holds_messages(folder: Path) -> bool:
    with os.scandir(folder) as entries:
        kinds = {entry.is_file() and not entry.name.lower().endswith(TABLES) for entry in entries}
    return kinds == {True}


def _tells_of_bag(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(ROOT)) == ROOT.encode()
