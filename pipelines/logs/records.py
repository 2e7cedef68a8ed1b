"""The records of one stream among decoded messages: which message, which place, and column by column."""

import re
from itertools import compress
from typing import Any

import numpy as np
import orjson

from pipelines.config import RobotSection, StreamSection
from pipelines.logs.layout import Layout
from pipelines.logs.pairs import json_values, pair_reader


class Records:
    """Columns of one stream; a record is an object at the stream's path, or in a list there.

    `message` is the position of each record's message, `place` its position among that message's records.
    """

    def __init__(self, layout: Layout, spec: StreamSection, roots: list[Any]) -> None:
        self._layout, self._spec, self._roots = layout, spec, roots
        self._node = layout.root.at(spec.path)
        found = list(map(layout.root.getter(spec.path), roots)) if spec.path else roots
        if spec.pairs:
            found = list(map(pair_reader(self._node, spec.time), found))
        lists = [value if type(value) is list else () if value is None else (value,) for value in found]
        self.records = [record for records in lists for record in records]
        counts = np.fromiter(map(len, lists), np.int64, len(lists))
        self.message = np.repeat(np.arange(len(roots)), counts)
        self.place = np.arange(len(self.records)) - np.repeat(np.cumsum(counts) - counts, counts)

    def keep(self, flags: list[bool]) -> None:
        """Keep the records whose flag is set."""
        if not all(flags):
            self.records = list(compress(self.records, flags))
            chosen = np.array(flags, bool)
            self.message, self.place = self.message[chosen], self.place[chosen]

    def column(self, path: str) -> list[Any]:
        """The value at a path of every record; a path from the root repeats its message's value."""
        if path.startswith("$."):
            values = list(map(self._layout.root.getter(path.removeprefix("$.")), self._roots))
            return [values[message] for message in self.message.tolist()]
        if not self._spec.pairs:
            return list(map(self._node.getter(path), self.records))
        values = [record.get(path) for record in self.records]
        return values if path == self._spec.time else json_values(values)

    def raw(self, row: int, message: dict[str, Any]) -> bytes:
        """JSON text of a record, out of its parsed message."""
        value: Any = message
        for key in self._spec.path.split(".") if self._spec.path else []:
            value = value[key]
        if isinstance(value, list) and not self._spec.pairs:
            value = value[int(self.place[row])]
        return orjson.dumps(value, default=str)


def constant_robot(section: RobotSection, pushed_as: str) -> str | None:
    """The robot id a file's path or the configuration tells; None when neither does."""
    if section.constant is not None or section.path is None:
        return section.constant
    found = re.search(section.path, pushed_as)
    return found["robot"] if found else None
