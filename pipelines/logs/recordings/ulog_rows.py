"""A PX4 log's topics to raw records: columns are taken as they are, only their times become UTC.

A stream's `topic` is a topic's name, which means its instance 0, or `name:1` for another instance. Times are
`timestamp` (`@log_time`) or any other of the boot's clock.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from pipelines.config import LogsSection, StreamSection
from pipelines.logs.archives.unpack import Unreadable
from pipelines.logs.intake import Intake
from pipelines.logs.quarantine import OTHER
from pipelines.logs.recordings.message import LOG_TIME, PUBLISH_TIME, SECOND_NS, TOPIC
from pipelines.logs.recordings.ulog_file import BOOT_TIME, Topic, ULogFile, load_ulog
from pipelines.logs.records import constant_robot
from pipelines.logs.rows import Origin, Rows
from pipelines.logs.timestamps import EPOCH
from pipelines.logs.where import matches

NO_UTC: Final = "the log holds times since boot and no GPS time: declare logs.start, the UTC of its start"


def ulog_rows(
    path: Path, member: str, streams: Mapping[str, StreamSection], intake: Intake
) -> Iterator[Rows]:
    """Records of every stream of one log; dropouts and damage go to the ledger."""
    logs, pushed_as, ledger = intake.logs, intake.pushed_as, intake.ledger
    wanted = {name: _topic(spec.topic) for name, spec in streams.items()}
    try:
        log = load_ulog(path, {name for name, _ in wanted.values()})
    except Unreadable as error:
        with path.open("rb") as file:
            raw = file.read(ledger.raw_limit + 1)
        ledger.refuse_member(error.reason, raw, member, detail=str(error))
        return
    if log.damage is not None:
        ledger.refuse_member(log.damage.reason, b"", member, detail=str(log.damage))
    if log.dropouts_ms:
        told = (
            f"{len(log.dropouts_ms)} dropouts of {sum(log.dropouts_ms)} ms in all: the logger did not keep up"
        )
        ledger.refuse_member("logger_dropout", b"", member, detail=told, count=len(log.dropouts_ms))
    offset = _offset_ns(log, logs.start)
    for topic in log.topics:
        asked = [name for name, at in wanted.items() if at == (topic.name, topic.instance)]
        ledger.count("member" if asked else OTHER, accepted=len(topic))
        for name in asked:
            spec = streams[name]
            robot = constant_robot(spec.robot or logs.robot, pushed_as) or ""
            if offset is None and spec.time is not None:
                ledger.refuse("no_utc", b"", member=member, stream=name, robot=robot or None, detail=NO_UTC)
                ledger.count("record", name, robot, refused=len(topic))
            else:
                rows = _Columns(topic, offset or 0, len(topic)).rows(name, spec, logs, pushed_as, member)
                if len(rows) < len(topic):
                    ledger.count(OTHER, name, accepted=len(topic) - len(rows))
                yield rows


def _topic(text: str) -> tuple[str, int]:
    name, _, instance = text.partition(":")
    return name, int(instance) if instance.isdigit() else 0


def _offset_ns(log: ULogFile, start: str) -> int | None:
    """What to add to a boot time: the declared start counts more than the GPS."""
    if not start:
        return None if log.utc_offset_us is None else log.utc_offset_us * 1_000
    since = datetime.fromisoformat(start) - EPOCH
    declared = (since.days * 86_400 + since.seconds) * SECOND_NS + since.microseconds * 1_000
    return declared - log.start_us * 1_000


class _Columns:
    def __init__(self, topic: Topic, offset: int, rows: int) -> None:
        self._topic, self._offset, self._rows = topic, offset, rows

    def rows(self, name: str, spec: StreamSection, logs: LogsSection, pushed_as: str, member: str) -> Rows:
        """The stream's records; times are nanoseconds from here on."""
        kept = np.ones(self._rows, np.bool_)
        for path, condition in spec.where.items():
            kept &= np.array([matches(value, condition) for value in self._values(path)], np.bool_)
        chosen = np.flatnonzero(kept)
        robot = spec.robot or logs.robot

        def origin(row: int) -> Origin:
            place = int(chosen[row])
            values = {key: column[place] for key, column in self._topic.columns.items()}
            return Origin(orjson.dumps(values, default=_plain), member)

        return Rows(
            name,
            spec.model_copy(update={"unit": "ns", "recv_unit": "ns"}),
            places=chosen,
            robots=self._take(robot.field, chosen) if robot.field else constant_robot(robot, pushed_as),
            times=self._times(spec.time, chosen) if spec.time else [],
            recv=self._times(spec.recv, chosen) if spec.recv else [],
            fields={
                field_name: self._take(field.source or field_name, chosen)
                for field_name, field in spec.fields.items()
            },
            origin=origin,
        )

    def _values(self, path: str) -> list[Any]:
        """A column as Python values; NaN is null, and so is a column the log does not have."""
        if path == TOPIC:
            return [f"{self._topic.name}:{self._topic.instance}"] * self._rows
        column = self._topic.columns.get(path, [None] * self._rows)
        if isinstance(column, list):
            return column
        values = column.tolist()
        return [None if value != value else value for value in values] if column.dtype.kind == "f" else values

    def _take(self, path: str, chosen: Any) -> list[Any]:
        values = self._values(path)
        return values if len(chosen) == len(values) else [values[row] for row in chosen.tolist()]

    def _times(self, path: str, chosen: Any) -> list[Any]:
        boot = self._take(BOOT_TIME if path in (LOG_TIME, PUBLISH_TIME) else path, chosen)
        return [value * 1_000 + self._offset if isinstance(value, int) else value for value in boot]


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else str(value)
