"""Records of one stream out of parsed messages: the exact way, one value at a time."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import numpy as np

from pipelines.config import LogsSection, RobotSection, StreamSection
from pipelines.logs.chunk import Chunk
from pipelines.logs.pairs import TIME, declared_keys, pair_records
from pipelines.logs.paths import Reader, reader
from pipelines.logs.quarantine import Ledger
from pipelines.logs.rows import Origin, Rows
from pipelines.logs.spans import elements, span_at
from pipelines.logs.where import matches

Origins = Callable[[StreamSection, int, int], Origin]
"""Where a record stands, by its stream, the number of its message, and its index within."""


class RecordReader:
    """Collects the records of one stream, message by message."""

    def __init__(self, name: str, spec: StreamSection, logs: LogsSection, pushed_as: str) -> None:
        self.name, self.spec = name, spec
        robot = spec.robot or logs.robot
        self.constant = None if robot.field else constant_robot(robot, pushed_as)
        self._at = reader(spec.path)
        self._keys = declared_keys(spec)
        self._robot = reader(robot.field) if robot.field else None
        flat = spec.pairs
        self._time, self._recv = (reader(path) if path else None for path in (spec.time, spec.recv))
        if flat and spec.time and not spec.time.startswith("$."):
            self._time = lambda _message, record: record[TIME]
        self._fields = {name: _reader(field.source or name, flat) for name, field in spec.fields.items()}
        self._where = [(_reader(path, flat), condition) for path, condition in spec.where.items()]
        self.clear()

    def clear(self) -> None:
        """Begin a new chunk."""
        self._rows = Rows(self.name, self.spec, robots=[] if self._robot else self.constant)
        self._rows.times, self._rows.recv = [], []
        self._rows.fields = {name: [] for name in self.spec.fields}
        self._places: list[tuple[int, int]] = []

    def read(self, message: dict[str, Any], number: int, origins: Origins, ledger: Ledger) -> int:
        """Take the records of message `number`; returns how many it holds, refused ones too."""
        spec, rows = self.spec, self._rows
        found = self._at(message, message) if spec.path else message
        if found is None:
            return 0
        if spec.pairs:
            items: list[Any] = pair_records(found, spec.time, self._keys)
        else:
            items = found if isinstance(found, list) and spec.path else [found]
        held = 0
        for index, record in enumerate(items):
            if not isinstance(record, dict):
                robot = self._robot(message, {}) if self._robot else self.constant
                ledger.refuse_record(
                    self.name,
                    robot if isinstance(robot, str) else None,
                    "record_not_an_object",
                    origins(spec, number, index),
                    "a pair needs a key" if spec.pairs else f"a record is a {type(record).__name__}",
                )
                held += 1
                continue
            if not all(matches(at(message, record), condition) for at, condition in self._where):
                continue
            self._places.append((number, index))
            held += 1
            if self._robot:
                rows.robots.append(self._robot(message, record))  # type: ignore[union-attr]
            if self._time:
                rows.times.append(self._time(message, record))  # type: ignore[union-attr]
            if self._recv:
                rows.recv.append(self._recv(message, record))  # type: ignore[union-attr]
            for name, at in self._fields.items():
                rows.fields[name].append(at(message, record))  # type: ignore[union-attr]
        return held

    def rows(self, origins: Origins, first: int) -> Rows:
        """What was collected since `clear`; `first` is the number of its first message in the input."""
        places, spec = self._places, self.spec
        self._rows.places = np.array([number for number, _ in places], np.int64) + first
        self._rows.origin = lambda row: origins(spec, *places[row])
        return self._rows


def record_origin(chunk: Chunk, spec: StreamSection, message: int, index: int) -> Origin:
    """The bytes of a record and where they stand; for pairs, of all pairs of the message."""
    raw = chunk.raw(message)
    start, end = span = span_at(raw, spec.path)
    if spec.path and not spec.pairs:
        found = elements(raw, span)
        start, end = found[index] if index < len(found) else span
    offset = int(chunk.offsets[message]) + start
    return Origin(raw[start:end], chunk.member(message), chunk.line(message), offset)


def constant_robot(section: RobotSection, pushed_as: str) -> str | None:
    """The robot id the config or the file's path, percent-decoded, tells for all records."""
    if section.constant is not None:
        return section.constant
    found = re.search(section.path or "", pushed_as)
    return unquote(found["robot"] or "") or None if found else None


def _reader(path: str, flat: bool) -> Reader:
    """Keys of pairs may hold dots: they are no paths."""
    if flat and not path.startswith("$."):
        return lambda _message, record: record.get(path)
    return reader(path)
