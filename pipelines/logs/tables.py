"""Tables pushed as they are, to raw records: every stream takes its columns from the same rows."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from pipelines.config import StreamSection
from pipelines.logs.archives.unpack import Unreadable
from pipelines.logs.intake import Intake
from pipelines.logs.quarantine import Ledger
from pipelines.logs.records import constant_robot
from pipelines.logs.rows import Origin, Rows
from pipelines.logs.sheets import Line, Sheet, open_sheet
from pipelines.logs.where import matches

BATCH: Final = 100_000
SWAPPED: Final = str.maketrans(",.", ".,")


def read_table(file: Path, streams: Mapping[str, StreamSection], intake: Intake) -> None:
    """Add the records of every stream, batch by batch; the first row of a table names its columns."""
    logs, ledger = intake.logs, intake.ledger
    for name in sorted({spec.sheet for spec in streams.values()}):
        of_sheet = {stream: spec for stream, spec in streams.items() if spec.sheet == name}
        try:
            sheet = open_sheet(file, name, logs.limits)
        except Unreadable as error:
            ledger.refuse_member(error.reason, b"", name, detail=str(error))
            continue
        ledger.count("member", accepted=1)
        tables = [_Table(stream, spec, intake, sheet.header) for stream, spec in of_sheet.items()]
        readable = [table for table in tables if table.complete(ledger)]
        first = 0
        for batch in _batches(sheet, ledger, logs.limits.entry_bytes):
            for table in readable:
                intake.add(table.rows(batch, first))
            first += len(batch)


def _batches(sheet: Sheet, ledger: Ledger, most: int) -> Iterator[list[Line]]:
    """Rows of the header's width, at most BATCH that unfold to little more than `most` bytes.

    The others, but for empty lines, are refused. What was read before the table breaks counts.
    """
    fitting, whole = _fitting(sheet, ledger), False
    while not whole:
        batch: list[Line] = []
        held, whole = 0, True
        try:
            for line in fitting:
                batch.append(line)
                held += line.size
                if len(batch) >= BATCH or held >= most:
                    whole = False
                    break
        except Exception as error:
            reason = error.reason if isinstance(error, Unreadable) else "table_broken"
            ledger.refuse_member(reason, b"", detail=f"{type(error).__name__}: {error}"[:200])
            whole = True
        yield batch


def _fitting(sheet: Sheet, ledger: Ledger) -> Iterator[Line]:
    width = len(sheet.header)
    for line in sheet.lines:
        if len(line.cells) == width and not line.problem:
            yield line
        elif line.problem:
            ledger.refuse("bad_row", b"", line=line.number, detail=line.problem)
            ledger.count("record", refused=line.lines)
        elif line.cells:
            raw = ",".join(map(str, line.cells)).encode("utf-8", "surrogateescape")
            detail = f"{len(line.cells)} columns instead of {width}"
            ledger.refuse("wrong_column_count", raw, line=line.number, detail=detail)
            ledger.count("record", refused=1)


class _Table:
    """One stream's view of a table; spaces around a column's name count neither there nor in the settings."""

    def __init__(self, name: str, spec: StreamSection, intake: Intake, header: Sequence[str]) -> None:
        self._name, self._spec, self._header = name, spec, header
        self._place = {column: index for index, column in enumerate(header)}
        robot = spec.robot or intake.logs.robot
        self._robot = robot.field
        self._constant = None if robot.field else constant_robot(robot, intake.pushed_as)

    def complete(self, ledger: Ledger) -> bool:
        """Whether the table has every column the stream reads; the first that is missing is told."""
        spec = self._spec
        needed = [*filter(None, [spec.time, spec.recv, self._robot]), *spec.where]
        needed += [field.source or name for name, field in spec.fields.items()]
        missing = [column for column in needed if column.strip() not in self._place]
        if missing:
            ledger.refuse(
                "column_missing",
                ",".join(self._header).encode("utf-8", "surrogateescape"),
                line=1,
                stream=self._name,
                detail=f"{missing[0]!r} is not among the columns",
            )
            ledger.count("member", self._name, refused=1)
        return not missing

    def rows(self, lines: Sequence[Line], first: int) -> Rows:
        """The stream's records among `lines`, the first of which is row `first` of the table."""
        spec = self._spec
        kept = [
            index
            for index, line in enumerate(lines)
            if all(
                matches(line.cells[self._place[name.strip()]], wanted) for name, wanted in spec.where.items()
            )
        ]

        def column(name: str) -> list[Any]:
            at = self._place[name.strip()]
            return [lines[index].cells[at] for index in kept]

        def origin(row: int) -> Origin:
            line = lines[kept[row]]
            values = {name: _readable(cell) for name, cell in zip(self._header, line.cells, strict=True)}
            return Origin(orjson.dumps(values, default=str), line=line.number)

        recv_unit = spec.recv_unit or spec.unit
        return Rows(
            self._name,
            spec,
            places=np.array(kept, np.int64) + first,
            robots=column(self._robot) if self._robot else self._constant,
            times=self._times(column(spec.time), spec.unit) if spec.time else [],
            recv=self._times(column(spec.recv), recv_unit) if spec.recv else [],
            fields={
                name: self._numbers(column(field.source or name), field.type)
                for name, field in spec.fields.items()
            },
            text=True,
            origin=origin,
        )

    def _numbers(self, values: list[Any], kind: str) -> list[Any]:
        """Texts that spell numbers with a decimal comma, with a point instead, and the other way round."""
        if self._spec.decimal == "." or kind not in ("float", "int"):
            return values
        return [value.translate(SWAPPED) if isinstance(value, str) else value for value in values]

    def _times(self, values: list[Any], unit: str) -> list[Any]:
        return values if unit == "iso8601" else [_number(one) for one in self._numbers(values, "float")]


def _number(value: Any) -> Any:
    """What a text spells; the text itself, to be refused, where that is no number; null where it is empty."""
    if not isinstance(value, str):
        return value
    try:
        return int(value) if value.strip() else None
    except ValueError:
        pass
    try:
        return float(value)
    except ValueError:
        return value


def _readable(cell: Any) -> Any:
    return (
        cell.encode("utf-8", "surrogateescape").decode("utf-8", "replace") if isinstance(cell, str) else cell
    )
