"""Checked records on their way to tables: in memory while they are few, else on disk, by their robots.

A table is sorted per robot, so a file of many robots need not be in memory at once: beyond BUDGET its records
are written to the scratch folder, into one of BUCKETS by their robot, and come back bucket by bucket.
"""

import pickle
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final
from zlib import crc32

import numpy as np

from pipelines.logs.part import Part, concatenate
from pipelines.logs.scratch import Scratch

BUDGET: Final = 32 << 20
BUCKETS: Final = 64


class Spool:
    """The parts of every stream, in the order of the input; without a scratch folder all in memory."""

    def __init__(self, streams: Iterable[str], scratch: Scratch | None = None) -> None:
        self._held: dict[str, list[Part]] = {name: [] for name in streams}
        self._scratch, self._bytes, self._spilled = scratch, 0, False

    def add(self, name: str, part: Part) -> None:
        """The next records of a stream."""
        self._held[name].append(part)
        self._bytes += part.nbytes
        if self._scratch is not None and self._bytes > BUDGET:
            self._spill(self._scratch())

    def groups(self) -> Iterator[Mapping[str, list[Part]]]:
        """The parts of all streams, of some robots at a time; at least once, and each robot in one group."""
        if self._scratch is None or not self._spilled:
            yield self._held
            return
        self._spill(self._scratch())
        for file in sorted(self._scratch().glob("bucket-*")):
            yield {name: [] for name in self._held} | _load(file)

    def _spill(self, scratch: Path) -> None:
        for name, parts in self._held.items():
            if any(len(part) for part in parts):
                _store(scratch, name, concatenate([part for part in parts if len(part)]))
        self._held = {name: [] for name in self._held}
        self._bytes, self._spilled = 0, True


def _store(scratch: Path, name: str, part: Part) -> None:
    bucket = np.array([crc32(robot.encode()) % BUCKETS for robot in part.names], np.int64)[part.codes]
    for number in np.unique(bucket).tolist():
        with (scratch / f"bucket-{number:02}").open("ab") as file:
            pickle.dump((name, part.take(bucket == number).of_robots()), file, protocol=5)


def _load(file: Path) -> dict[str, list[Part]]:
    found: dict[str, list[Part]] = {}
    with file.open("rb") as opened:
        size = file.stat().st_size
        while opened.tell() < size:
            name, part = pickle.load(opened)  # noqa: S301 (written by this process)
            found.setdefault(name, []).append(part)
    return found
