"""CSV, XLSX and Parquet files as a header and rows, whatever a spreadsheet made of them."""

import csv
import io
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple

from pipelines.logs.archives.unpack import Unreadable

TABLES: Final = (".csv", ".tsv", ".xlsx", ".xls", ".ods", ".parquet")
DELIMITERS: Final = ",;\t|"
UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
BATCH: Final = 65_536


class Line(NamedTuple):
    """A row with the line it ends on, counted from 1; the header is line 1 where there are no lines."""

    number: int
    cells: list[Any]


class Sheet(NamedTuple):
    """Names of the columns, and the rows one by one; a CSV's are texts, and may be of another width."""

    header: list[str]
    lines: Iterator[Line]


def open_sheet(file: Path, name: str = "") -> Sheet:
    """The table of a file; `name` picks a workbook's sheet, '' its first.

    A CSV is UTF-8 or, with a mark, UTF-16; bytes that are neither become lone surrogates, so that they cost
    their row. The delimiter is the one of `,;|` and tab that cuts the header into most columns. Raises
    Unreadable with table_unreadable or table_empty.
    """
    suffix = file.suffix.lower()
    try:
        if suffix == ".parquet":
            return _parquet(file)
        lines = _csv(file) if suffix in (".csv", ".tsv") else _workbook(file, name)
        first = next(lines, None)
    except Exception as error:
        raise Unreadable("table_unreadable", f"{type(error).__name__}: {error}"[:200]) from error
    if first is None:
        raise Unreadable("table_empty", "not even a header")
    return Sheet([str(name).strip() for name in first.cells], lines)


def sheet_names(file: Path) -> list[str]:
    """Names of a workbook's sheets; `['']` for a file that is one table."""
    if file.suffix.lower() in (".csv", ".tsv", ".parquet"):
        return [""]
    from python_calamine import CalamineWorkbook

    return list(CalamineWorkbook.from_path(str(file)).sheet_names)


def _csv(file: Path) -> Iterator[Line]:
    with file.open("rb") as opened:
        encoding = "utf-16" if opened.read(2) in UTF_16 else "utf-8-sig"
    with file.open(encoding=encoding, errors="surrogateescape", newline="") as text:
        first = text.readline()
        if not first:
            return
        widths = {mark: len(next(csv.reader(io.StringIO(first), delimiter=mark), [])) for mark in DELIMITERS}
        reader = csv.reader(chain([first], text), delimiter=max(DELIMITERS, key=lambda mark: widths[mark]))
        for row in reader:
            yield Line(reader.line_num, row)


def _workbook(file: Path, name: str) -> Iterator[Line]:
    from python_calamine import CalamineWorkbook

    book = CalamineWorkbook.from_path(str(file))
    table = book.get_sheet_by_name(name) if name else book.get_sheet_by_index(0)
    for number, row in enumerate(table.to_python(), 1):
        yield Line(number, row)


def _parquet(file: Path) -> Sheet:
    import pyarrow.parquet as pq

    table = pq.ParquetFile(file)

    def lines() -> Iterator[Line]:
        number = 1
        for batch in table.iter_batches(BATCH):
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                number += 1
                yield Line(number, list(row))

    return Sheet(list(table.schema_arrow.names), lines())
