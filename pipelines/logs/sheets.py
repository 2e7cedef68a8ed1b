"""CSV, XLSX and Parquet files as a header and rows, whatever a spreadsheet made of them."""

import csv
import io
import zipfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple, TextIO

from pipelines.config import LimitsSection
from pipelines.logs.archives.unpack import Unreadable

TABLES: Final = (".csv", ".tsv", ".xlsx", ".xls", ".ods", ".parquet")
DELIMITERS: Final = ",;\t|"
UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
BATCH: Final = 65_536
BLOCK: Final = 1 << 20
LEAST: Final = 512
"""Packed bytes a part counts as at least: the ratio says nothing of a tiny one."""
TIME_BYTES: Final = 8
"""What a row unfolds to at least, as it has a time."""
LIMITS: Final = LimitsSection()


class Line(NamedTuple):
    """A row with the line it ends on, counted from 1; the header is line 1 where there are no lines.

    With a `problem` it is `lines` lines that are no row.
    """

    number: int
    cells: list[Any]
    problem: str = ""
    lines: int = 1


class Sheet(NamedTuple):
    """Names of the columns, and the rows one by one; a CSV's are texts, and may be of another width."""

    header: list[str]
    lines: Iterator[Line]


def open_sheet(file: Path, name: str = "", limits: LimitsSection = LIMITS) -> Sheet:
    """The table of a file; `name` picks a workbook's sheet, '' its first.

    A CSV is UTF-8 or, with a mark, UTF-16; bytes that are neither become lone surrogates, so that they cost
    their row. The delimiter is the one of `,;|` and tab that cuts the header into most columns. Raises
    Unreadable with table_unreadable, table_empty, entry_too_large or compression_ratio; so do the lines, at
    a line of a CSV beyond `entry_bytes`.
    """
    suffix = file.suffix.lower()
    try:
        if suffix == ".parquet":
            return _parquet(file, limits)
        lines = _csv(file, limits) if suffix in (".csv", ".tsv") else _workbook(file, name, limits)
        first = next(lines, None)
    except Unreadable:
        raise
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


def _csv(file: Path, limits: LimitsSection) -> Iterator[Line]:
    with file.open("rb") as opened:
        encoding = "utf-16" if opened.read(2) in UTF_16 else "utf-8-sig"
    with file.open(encoding=encoding, errors="surrogateescape", newline="") as text:
        lines = _lines(text, limits.entry_bytes)
        first = next(lines, "")
        if not first:
            return
        widths = {mark: len(next(csv.reader(io.StringIO(first), delimiter=mark), [])) for mark in DELIMITERS}
        mark = max(DELIMITERS, key=lambda mark: widths[mark])
        reader = csv.reader(chain([first], lines), delimiter=mark, strict=True)
        before = 0
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Line(before + 1, [], str(error), reader.line_num - before)
            else:
                yield Line(reader.line_num, cells)
            before = reader.line_num


def _lines(text: TextIO, longest: int) -> Iterator[str]:
    while line := text.readline(longest + 1):
        if len(line) > longest:
            raise Unreadable("entry_too_large", f"a line of more than {longest} characters")
        yield line


def _workbook(file: Path, name: str, limits: LimitsSection) -> Iterator[Line]:
    from python_calamine import CalamineWorkbook

    if zipfile.is_zipfile(file):
        _unfolds(file, limits)
    book = CalamineWorkbook.from_path(str(file))
    table = book.get_sheet_by_name(name) if name else book.get_sheet_by_index(0)
    for number, row in enumerate(table.to_python(), 1):
        yield Line(number, row)


def _unfolds(file: Path, limits: LimitsSection) -> None:
    """A workbook is read whole, so what its parts unfold to is counted before, whatever they declare."""
    with zipfile.ZipFile(file) as archive:
        if len(archive.infolist()) > limits.entries:
            raise Unreadable("too_many_entries", f"more than {limits.entries}")
        for part in archive.infolist():
            size, most = 0, limits.compression_ratio * max(part.compress_size, LEAST)
            with archive.open(part) as content:
                while block := content.read(BLOCK):
                    size += len(block)
                    if size > limits.entry_bytes:
                        raise Unreadable(
                            "entry_too_large", f"{part.filename}: more than {limits.entry_bytes}"
                        )
                    if size > most:
                        raise Unreadable(
                            "compression_ratio", f"{part.filename}: {limits.compression_ratio:g}"
                        )


def _parquet(file: Path, limits: LimitsSection) -> Sheet:
    import pyarrow.parquet as pq

    table = pq.ParquetFile(file)
    rows, size = table.metadata.num_rows, file.stat().st_size
    if rows * TIME_BYTES > limits.compression_ratio * size:
        raise Unreadable("compression_ratio", f"{rows} rows in {size} bytes")

    def lines() -> Iterator[Line]:
        end = 1
        for group in range(table.num_row_groups):
            number, end = end, end + table.metadata.row_group(group).num_rows
            try:
                for batch in table.iter_batches(BATCH, row_groups=[group]):
                    for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                        number += 1
                        yield Line(number, list(row))
            except Exception as error:
                yield Line(number + 1, [], f"{type(error).__name__}: {error}"[:200], end - number)

    return Sheet(list(table.schema_arrow.names), lines())
