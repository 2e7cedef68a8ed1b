"""CSV, XLSX and Parquet tables, pushed as they are: every stream takes its columns from the same rows."""

import csv
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from pipelines.config import LogsSection, StreamSection
from pipelines.logs.quarantine import Ledger
from pipelines.logs.records import constant_robot
from pipelines.logs.rows import Origin
from pipelines.logs.rows import Rows as Records
from pipelines.logs.where import matches

TABLES: Final = (".csv", ".tsv", ".xlsx", ".xls", ".ods", ".parquet")
Rows = list[list[Any]]


def read_table(
    file: Path, pushed_as: str, logs: LogsSection, streams: Mapping[str, StreamSection], ledger: Ledger
) -> Iterator[Records]:
    """Records of every stream of a table whose first row names the columns; lines count from 1."""
    sheets: dict[str, tuple[list[str], Rows]] = {}
    for name, spec in streams.items():
        if spec.sheet not in sheets:
            sheets[spec.sheet] = _load(file, spec.sheet, ledger)
        header, rows = sheets[spec.sheet]
        yield _take(name, spec, logs, pushed_as, header, rows, ledger)


def _take(
    name: str,
    spec: StreamSection,
    logs: LogsSection,
    pushed_as: str,
    header: list[str],
    rows: Rows,
    ledger: Ledger,
) -> Records:
    batch = Records(name, spec, text=True)
    place = {column: index for index, column in enumerate(header)}
    robot = spec.robot or logs.robot
    needed = [*filter(None, [spec.time, spec.recv, robot.field]), *spec.where]
    needed += [field.source or field_name for field_name, field in spec.fields.items()]
    missing = [column for column in needed if column not in place]
    if header and missing:
        ledger.refuse(
            "column_missing",
            ",".join(header).encode(),
            line=1,
            stream=name,
            detail=f"{missing[0]!r} is not among the columns",
        )
        ledger.count("member", name, refused=1)
    if missing:
        return batch
    kept = [
        index
        for index, row in enumerate(rows)
        if all(matches(row[place[column]], condition) for column, condition in spec.where.items())
    ]
    constant = None if robot.field else constant_robot(robot, pushed_as)

    def column(of: str) -> list[Any]:
        at = place[of]
        return [rows[index][at] for index in kept]

    batch.places = np.array(kept, np.int64)
    batch.robots = column(robot.field) if robot.field else constant
    batch.times = column(spec.time) if spec.time else []
    batch.recv = column(spec.recv) if spec.recv else []
    batch.fields = {
        field_name: column(field.source or field_name) for field_name, field in spec.fields.items()
    }

    def origin(row: int) -> Origin:
        values = dict(zip(header, rows[kept[row]], strict=True))
        return Origin(orjson.dumps(values, default=str), line=kept[row] + 2)

    batch.origin = origin
    return batch


def _load(file: Path, sheet: str, ledger: Ledger) -> tuple[list[str], Rows]:
    suffix = file.suffix.lower()
    try:
        if suffix == ".parquet":
            header, rows = _parquet(file)
        elif suffix in (".csv", ".tsv"):
            header, rows = _csv(file, ledger)
        else:
            header, rows = _workbook(file, sheet)
    except Exception as error:
        ledger.refuse("table_unreadable", b"", detail=f"{type(error).__name__}: {error}"[:200])
        ledger.count("member", refused=1)
        return [], []
    ledger.count("member", accepted=1)
    return header, rows


def _csv(file: Path, ledger: Ledger) -> tuple[list[str], Rows]:
    text = file.read_text("utf-8-sig")
    first = text.partition("\n")[0]
    delimiter = max(",;\t|", key=first.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    header = next(lines, [])
    rows: Rows = []
    for row in lines:
        if len(row) == len(header):
            rows.append(row)
        elif row:
            raw = delimiter.join(row).encode()
            detail = f"{len(row)} columns instead of {len(header)}"
            ledger.refuse("wrong_column_count", raw, line=lines.line_num, detail=detail)
            ledger.count("record", refused=1)
    return header, rows


def _workbook(file: Path, sheet: str) -> tuple[list[str], Rows]:
    from python_calamine import CalamineWorkbook

    book = CalamineWorkbook.from_path(str(file))
    table = book.get_sheet_by_name(sheet) if sheet else book.get_sheet_by_index(0)
    rows = table.to_python()
    return [str(name) for name in rows[0]], rows[1:]


def _parquet(file: Path) -> tuple[list[str], Rows]:
    import pyarrow.parquet as pq

    table = pq.read_table(file)
    columns = [column.to_pylist() for column in table.columns]
    return table.column_names, [list(row) for row in zip(*columns, strict=True)]
