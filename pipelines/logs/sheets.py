"""CSV, XLSX and Parquet files as a header and rows, whatever a spreadsheet made of them."""

import csv
import io
import zipfile
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TextIO

from pipelines.config import LimitsSection
from pipelines.logs.archives.unpack import Unreadable

if TYPE_CHECKING:
    import pyarrow as pa

TABLES: Final = (".csv", ".tsv", ".xlsx", ".xls", ".ods", ".parquet")
DELIMITERS: Final = ",;\t|"
UTF_16: Final = (b"\xff\xfe", b"\xfe\xff")
BATCH: Final = 65_536
NESTED: Final = 1_024
"""Rows at once of a table with lists or structs, whose texts are read unfolded."""
BLOCK: Final = 1 << 20
LEAST: Final = 512
"""Packed bytes a part counts as at least: the ratio says nothing of a tiny one."""
TIME_BYTES: Final = 8
"""What a row unfolds to at least, as it has a time."""
LIMITS: Final = LimitsSection()


class Line(NamedTuple):
    """A row with the line it ends on, counted from 1; the header is line 1 where there are no lines.

    With a `problem` it is `lines` lines that are no row. size: bytes its texts unfold to, where a few packed
    ones may unfold to many.
    """

    number: int
    cells: list[Any]
    problem: str = ""
    lines: int = 1
    size: int = 0


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
    """Texts are read as they were packed, each different one once, and what they unfold to is counted."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema, size = pq.read_schema(file), file.stat().st_size
    table = pq.ParquetFile(file, read_dictionary=[field.name for field in schema if _is_text(field.type)])
    rows, groups = table.metadata.num_rows, range(table.num_row_groups)
    declared = sum(table.metadata.row_group(group).total_byte_size for group in groups)
    most = limits.compression_ratio * size
    if max(rows * TIME_BYTES, declared) > most:
        raise Unreadable("compression_ratio", f"{rows} rows of {declared} bytes in {size} bytes")
    at_once = NESTED if any(pa.types.is_nested(kind) for kind in schema.types) else BATCH

    def lines() -> Iterator[Line]:
        end, unfolded = 1, 0
        for group in groups:
            number, end = end, end + table.metadata.row_group(group).num_rows
            try:
                for batch in table.iter_batches(at_once, row_groups=[group]):
                    held = sum(map(_unfolded, batch.columns))
                    unfolded += held
                    _check_ratio(unfolded, most, size)
                    each = held // max(1, batch.num_rows)
                    for row in zip(*map(_values, batch.columns), strict=True):
                        number += 1
                        yield Line(number, list(row), size=each)
            except Unreadable:
                raise
            except Exception as error:
                yield Line(number + 1, [], f"{type(error).__name__}: {error}"[:200], end - number)

    return Sheet(list(schema.names), lines())


def _check_ratio(unfolded: int, most: float, size: int) -> None:
    if unfolded > most:
        raise Unreadable("compression_ratio", f"more than {most:.0f} bytes in {size}")


def _is_text(kind: "pa.DataType") -> bool:
    import pyarrow.types as of

    texts = (of.is_string, of.is_large_string, of.is_string_view)
    return any(is_it(kind) for is_it in (*texts, of.is_binary, of.is_large_binary, of.is_binary_view))


def _unfolded(column: "pa.Array") -> int:
    """Bytes of a column once each row has its own."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_dictionary(column.type):
        return int(column.nbytes)
    return pc.sum(pc.binary_length(column.dictionary).take(column.indices)).as_py() or 0


def _values(column: "pa.Array") -> list[Any]:
    """A column's values; texts that are the same are one object."""
    import pyarrow as pa

    if not pa.types.is_dictionary(column.type):
        return list(column.to_pylist())
    values = [*column.dictionary.to_pylist(), None]
    return [values[-1 if at is None else at] for at in column.indices.to_pylist()]
