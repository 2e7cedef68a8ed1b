"""A PX4 log's topics as columns, with its boot-relative microseconds set to UTC.

pyulog reads the file; only the topics that streams map are kept. UTC comes from the GPS (the median over its
fixes of GPS time less boot time), or from the declared time of the log's start.
"""

import io
from collections.abc import Collection
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt

from pipelines.logs.archives.unpack import Unreadable
from pipelines.logs.recordings.extras import extra

MESSAGES: Final = "logged_messages"
GPS: Final = ("vehicle_gps_position", "sensor_gps")
BOOT_TIME: Final = "timestamp"
GPS_TIME: Final = "time_utc_usec"
EARLIEST_US: Final = 946_684_800_000_000
MOST_FIELDS: Final = 100_000
HEAD_BYTES: Final = 3
MOST_STEPS: Final = 1_000_000

Column = npt.NDArray[Any] | list[Any]


@dataclass(frozen=True)
class Topic:
    """One instance of a topic: column name (`q[0]`, `esc[1].rpm`) → values; times in µs since boot."""

    name: str
    instance: int
    columns: dict[str, Column]

    def __len__(self) -> int:
        return len(next(iter(self.columns.values())))


@dataclass(frozen=True)
class ULogFile:
    """`utc_offset_us` is added to a boot time; None where the log tells no UTC. Dropouts are in ms."""

    topics: tuple[Topic, ...]
    start_us: int
    utc_offset_us: int | None
    dropouts_ms: tuple[int, ...]
    damage: Unreadable | None


def load_ulog(path: Path, names: Collection[str]) -> ULogFile:
    """Read the topics of these names, and the log's text messages as `logged_messages`.

    Raises Unreadable with bad_ulog when not even its definitions can be read.
    """
    with extra("px4"):
        from pyulog import ULog

    with redirect_stdout(io.StringIO()), path.open("rb") as head, path.open("rb") as whole:
        file = _Watched(whole)
        try:
            _check_size(ULog(_Watched(head), parse_header_only=True).message_formats)
            log = ULog(file, [*names, *GPS])
        except Unreadable:
            raise
        except Exception as error:
            raise Unreadable("bad_ulog", f"{error!r}"[:200]) from error
        damage = Unreadable("truncated_recording", "the last message is cut off") if file.short else None
    if log.file_corruption:
        damage = Unreadable("corrupt_recording", "parts between readable messages are damaged")
    topics = [Topic(data.name, data.multi_id, _columns(data)) for data in log.data_list]
    utc = _utc_offset(topics)
    texts = [Topic(MESSAGES, 0, _texts(log))] if log.logged_messages or log.logged_messages_tagged else []
    return ULogFile(
        tuple(topic for topic in [*topics, *texts] if topic.name in names),
        log.start_timestamp,
        utc,
        tuple(dropout.duration for dropout in log.dropouts),
        damage,
    )


class _Watched:
    """A file that knows whether it ended within a message: pyulog stops there without a word.

    Where pyulog meets damage it goes back to one byte behind the message's beginning, by as much as it asked
    for. Where the file gave less, that would be before the beginning, again and again. After MOST_STEPS such
    bytes the file has ended: one preallocated and never written holds nothing else.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.tell, self.close = file.tell, file.close
        self.short = self._in_message = False
        self._lacking = self._steps = 0

    def read(self, size: int) -> bytes:
        """Up to `size` bytes."""
        found = self._file.read(size) if self._steps < MOST_STEPS else b""
        self._lacking = size - len(found)
        self.short = bool(self._lacking) and (bool(found) or self._in_message)
        self._in_message = size == HEAD_BYTES and len(found) == HEAD_BYTES
        return found

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go elsewhere."""
        if whence == io.SEEK_CUR:
            self._steps += 1
            offset += self._lacking
        self._lacking = 0
        return self._file.seek(offset, whence)


def _check_size(formats: dict[str, Any]) -> None:
    """Refuse definitions whose nested arrays would unfold to more fields than any log has."""
    sizes: dict[str, int] = {}

    def fields_of(name: str, above: tuple[str, ...]) -> int:
        if name in above:
            raise Unreadable("bad_ulog", f"the definition of {name} holds itself")
        if name not in sizes:
            inner = formats[name].fields if name in formats else []
            sizes[name] = sum(
                max(count, 1) * max(fields_of(kind, (*above, name)), 1) for kind, count, _ in inner
            )
        if sizes[name] > MOST_FIELDS:
            raise Unreadable("bad_ulog", f"{name} has {sizes[name]} fields")
        return sizes[name]

    for name in formats:
        fields_of(name, ())


def _columns(data: Any) -> dict[str, Column]:
    columns: dict[str, Column] = dict(data.data)
    texts: dict[str, list[npt.NDArray[Any]]] = {}
    for field in data.field_data:
        if field.type_str == "bool":
            columns[field.field_name] = data.data[field.field_name] != 0
        elif field.type_str == "char" and field.field_name.endswith("]"):
            texts.setdefault(field.field_name.rpartition("[")[0], []).append(data.data[field.field_name])
    for name, characters in texts.items():
        rows = np.stack(characters, axis=1).astype(np.uint8)
        columns[name] = [row.tobytes().split(b"\0")[0].decode("utf-8", "replace") for row in rows]
    return columns


def _texts(log: Any) -> dict[str, Column]:
    tagged = [text for texts in log.logged_messages_tagged.values() for text in texts]
    texts = sorted([*log.logged_messages, *tagged], key=lambda text: text.timestamp)
    return {
        "timestamp": np.array([text.timestamp for text in texts], np.uint64),
        "level": [text.log_level_str() for text in texts],
        "tag": [getattr(text, "tag", None) for text in texts],
        "message": [text.message for text in texts],
    }


def _utc_offset(topics: list[Topic]) -> int | None:
    for name in GPS:
        found = [
            topic for topic in topics if topic.name == name and {GPS_TIME, BOOT_TIME} <= set(topic.columns)
        ]
        for topic in found:
            utc = np.asarray(topic.columns[GPS_TIME]).astype(np.int64)
            boot = np.asarray(topic.columns[BOOT_TIME]).astype(np.int64)
            offsets = np.sort((utc - boot)[utc >= EARLIEST_US])
            if len(offsets):
                return int(offsets[len(offsets) // 2])
    return None
