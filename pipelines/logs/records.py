"""From messages to raw records: which part of a message is which stream's record."""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from pipelines.config import LogsSection, RobotSection, StreamSection
from pipelines.logs.batch import Batch, Origin
from pipelines.logs.jsontext import Refused, parse
from pipelines.logs.members import Message, messages
from pipelines.logs.paths import Reader, reader
from pipelines.logs.quarantine import Ledger
from pipelines.logs.where import matches

Place = tuple[int, int]
NO_RECORD: Final[dict[str, Any]] = {}


def read_messages(
    file: Path, pushed_as: str, logs: LogsSection, streams: Mapping[str, StreamSection], ledger: Ledger
) -> Iterator[tuple[Batch, Callable[[int], Origin]]]:
    """A batch for every stream, filled from all messages of the file, and how to find a record's origin."""
    kept: list[Message] = []
    readers = [_StreamReader(name, spec, logs, pushed_as) for name, spec in streams.items()]
    for message in messages(file, logs.limits, ledger):
        try:
            value = parse(message.raw, logs.limits.nesting)
            if not isinstance(value, dict):
                raise Refused("not_an_object", f"the message is a {type(value).__name__}")
        except Refused as refusal:
            ledger.refuse(
                refusal.reason, message.raw, member=message.member, line=message.line, detail=str(refusal)
            )
            ledger.count("member", refused=1)
            continue
        ledger.count("member", accepted=1)
        kept.append(message)
        for stream in readers:
            stream.read(value, len(kept) - 1, message, ledger)
    for stream in readers:
        yield stream.batch, stream.origins(kept, logs.limits.nesting)


class _StreamReader:
    """Takes one stream's records out of messages."""

    def __init__(self, name: str, spec: StreamSection, logs: LogsSection, pushed_as: str) -> None:
        self.batch = Batch(name, spec)
        self.places: list[Place] = []
        self._spec = spec
        self._at = reader(spec.path)
        self._robot = robot_reader(spec.robot or logs.robot, pushed_as)
        self._time = reader(spec.time or "")
        self._recv = reader(spec.recv or "")
        self._fields = [
            (self.batch.fields[name], reader(f.source or name)) for name, f in spec.fields.items()
        ]
        self._where = [(reader(key), condition) for key, condition in spec.where.items()]

    def read(self, message: dict[str, Any], position: int, origin: Message, ledger: Ledger) -> None:
        found = self._at(message, message) if self._spec.path else message
        if found is None:
            return
        items = pairs_records(found, self._spec) if self._spec.pairs else found
        for index, record in enumerate(items if isinstance(items, list) else [items]):
            if type(record) is not dict:
                ledger.refuse(
                    "record_not_an_object",
                    orjson.dumps(record),
                    member=origin.member,
                    line=origin.line,
                    stream=self.batch.name,
                )
                ledger.count("record", self.batch.name, refused=1)
                continue
            if self._where and not all(
                matches(at(message, record), condition) for at, condition in self._where
            ):
                continue
            self.places.append((position, index))
            self.batch.robots.append(self._robot(message, record))
            if self._spec.time:
                self.batch.times.append(self._time(message, record))
            if self._spec.recv:
                self.batch.recv.append(self._recv(message, record))
            for values, at in self._fields:
                values.append(at(message, record))

    def origins(self, kept: list[Message], nesting: int) -> Callable[[int], Origin]:
        def origin(row: int) -> Origin:
            position, index = self.places[row]
            message = kept[position]
            value = parse(message.raw, nesting)
            found = self._at(value, value) if self._spec.path else value
            items = pairs_records(found, self._spec) if self._spec.pairs else found
            record = items[index] if isinstance(items, list) else items
            return Origin(orjson.dumps(record, default=str), message.member, message.line)

        return origin


def robot_reader(section: RobotSection, pushed_as: str) -> Reader:
    """A function (message, record) → robot id, None where there is none."""
    if section.field is not None:
        return reader(section.field)
    if section.constant is not None:
        constant = section.constant
    else:
        found = re.search(section.path or "", pushed_as)
        constant = found["robot"] if found else None  # type: ignore[assignment]
    return lambda _message, _record: constant


def pairs_records(found: Any, spec: StreamSection) -> Any:
    """Key-value pairs, each value a JSON text, as records: pairs of the same time are one record."""
    if not isinstance(found, list):
        return found
    records: dict[Any, dict[str, Any]] = {}
    others: list[Any] = []
    for pair in found:
        if not isinstance(pair, dict) or not isinstance(pair.get("key"), str):
            others.append(pair)
            continue
        when = pair.get(spec.time) if spec.time else None
        record = records.setdefault(repr(when), {spec.time: when} if spec.time and when is not None else {})
        record[pair["key"]] = _json_value(pair.get("value"))
    return [*records.values(), *others]


def _json_value(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text
