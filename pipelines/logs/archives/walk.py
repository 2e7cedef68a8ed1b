"""The files below a folder, of which there may be one a message: a walk that asks no more than it must."""

import os
from collections.abc import Iterator
from pathlib import Path


def files_below(folder: Path) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """(path below the folder, entry) of everything that is no folder itself; links are not followed."""
    below = [("", os.fspath(folder))]
    while below:
        before, path = below.pop()
        with os.scandir(path) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    below.append((f"{before}{entry.name}/", entry.path))
                else:
                    yield before + entry.name, entry
