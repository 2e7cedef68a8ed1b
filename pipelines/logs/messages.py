"""A file of JSON messages to raw batches, one a stream."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from pipelines.config import LogsSection, StreamSection
from pipelines.logs.batch import Batch, Origin
from pipelines.logs.jsontext import Refused, parse_message
from pipelines.logs.layout import Layout
from pipelines.logs.members import Message, messages
from pipelines.logs.quarantine import Ledger
from pipelines.logs.records import Records, constant_robot
from pipelines.logs.where import matches


def read_messages(
    file: Path, pushed_as: str, logs: LogsSection, streams: Mapping[str, StreamSection], ledger: Ledger
) -> Iterator[tuple[Batch, Callable[[int], Origin]]]:
    """A batch for every stream, filled from all messages of the file, and how to find a record's origin."""
    layout = Layout(streams, logs.robot)
    kept: list[Message] = []
    roots: list[Any] = []
    for message in messages(file, logs.limits, ledger):
        try:
            roots.append(decode(message.raw, layout, logs.limits.nesting))
            kept.append(message)
        except Refused as refusal:
            ledger.refuse(
                refusal.reason, message.raw, member=message.member, line=message.line, detail=str(refusal)
            )
            ledger.count("member", refused=1)
    ledger.count("member", accepted=len(kept))
    for name, spec in streams.items():
        records = Records(layout, spec, roots)
        origin = _origins(records, kept, logs.limits.nesting)
        yield _fill(Batch(name, spec), records, origin, logs, pushed_as, ledger), origin


def decode(raw: bytes, layout: Layout, nesting: int) -> Any:
    """One message as the layout's root. Raises Refused with the quarantine's reason."""
    if raw.isascii() and raw.count(b"[") + raw.count(b"{") <= nesting:
        try:
            return layout.decode(raw)
        except msgspec.DecodeError:
            pass
    return layout.root.build(parse_message(raw, nesting))


def _fill(
    batch: Batch,
    records: Records,
    origin: Callable[[int], Origin],
    logs: LogsSection,
    pushed_as: str,
    ledger: Ledger,
) -> Batch:
    spec = batch.spec
    objects = [record is not None for record in records.records]
    for row in (row for row, good in enumerate(objects) if not good):
        told = origin(row)
        ledger.refuse("record_not_an_object", told.raw, member=told.member, line=told.line, stream=batch.name)
        ledger.count("record", batch.name, refused=1)
    records.keep(objects)
    for path, condition in spec.where.items():
        records.keep([matches(value, condition) for value in records.column(path)])
    robot = spec.robot or logs.robot
    batch.robots = (
        records.column(robot.field)
        if robot.field
        else [constant_robot(robot, pushed_as)] * len(records.records)
    )
    batch.times = records.column(spec.time) if spec.time else []
    batch.recv = records.column(spec.recv) if spec.recv else []
    batch.fields = {name: records.column(field.source or name) for name, field in spec.fields.items()}
    return batch


def _origins(records: Records, kept: list[Message], nesting: int) -> Callable[[int], Origin]:
    def origin(row: int) -> Origin:
        message = kept[int(records.message[row])]
        return Origin(records.raw(row, parse_message(message.raw, nesting)), message.member, message.line)

    return origin
