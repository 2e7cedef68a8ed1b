"""A source found in unknown logs: where its records stand, and a sample of them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from pipelines.logs.paths import below, keys
from pipelines.logs.recordings.message import LOG_TIME, PUBLISH_TIME, TOPIC
from pipelines.logs.timestamps import stamp_ns

DEEPEST: Final = 6
OF_RECORDING: Final = (LOG_TIME, PUBLISH_TIME, TOPIC)
SCALARS: Final = (str, int, float, bool)


class Row(dict[str, Any]):
    """A row of a table: its keys are names of columns, dots and all, where those of a message are paths."""


class Record(NamedTuple):
    """A record, the message it stands in, the path its file would be pushed as, and which piece of that."""

    message: dict[str, Any]
    record: dict[str, Any]
    pushed_as: str
    piece: int = 0


@dataclass
class Source:
    """Records that belong together; `path`, `topic`, `sheet`, `files` and `pairs` as in `forewarn.toml`.

    `messages` counts the messages that could have held a record, `listed` says that one may hold several.
    """

    name: str
    path: str = ""
    topic: str = ""
    sheet: str = ""
    files: str = "*"
    pairs: bool = False
    listed: bool = False
    text: bool = False
    messages: int = 0
    records: list[Record] = field(default_factory=list)


def identifier(text: str) -> str:
    """A name as `forewarn.toml` wants it: `systemStats` → `system_stats`, `/amr/odom` → `amr_odom`."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])|(?<=[a-z])(?=[A-Z]{2})", "_", text)
    name = re.sub(r"[^A-Za-z0-9]+", "_", spaced).strip("_").lower()
    return name if name[:1].isalpha() else f"stream_{name}".rstrip("_")


def leaves(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Path → scalar, or stamp of seconds and nanoseconds, of every leaf that is no list."""
    if isinstance(value, Row):
        yield from ((column, cell) for column, cell in value.items() if column)
    elif isinstance(value, dict) and stamp_ns(value) is None:
        for at, inner in inside(value, path, depth):
            yield from leaves(inner, at, depth + 1)
    elif path and (value is None or isinstance(value, (*SCALARS, dict))):
        yield path, value


def inside(value: dict[str, Any], path: str, depth: int) -> Iterator[tuple[str, Any]]:
    """Path and value of what an object at `path` holds, down to a depth; a key no path can name is not."""
    if depth < DEEPEST:
        for key, inner in value.items():
            if at := key if key in OF_RECORDING and not path else below(path, key):
                yield at, inner


def last_key(path: str) -> str:
    """The last key of a path; the whole name of a table's column."""
    return (keys(path) or [path])[-1]
