"""A sample of files, whatever their format: enough to tell what they hold, in bounded time."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Final

from pipelines.config import LimitsSection
from pipelines.inspect.pieces import messages_in, runs, short_lines, short_parquet
from pipelines.inspect.recorded import topics
from pipelines.inspect.source import Record, Row, Source, identifier
from pipelines.inspect.sources import message_sources
from pipelines.logs.archives.names import is_lines
from pipelines.logs.archives.unpack import Unreadable
from pipelines.logs.chunk import Chunk
from pipelines.logs.jsontext import parse_message
from pipelines.logs.quarantine import Ledger
from pipelines.logs.recordings.aside import Aside
from pipelines.logs.scratch import Scratch, scratch_folder
from pipelines.logs.sheets import TABLES, open_sheet, sheet_names
from pipelines.logs.source import chunks

FILES: Final = 12
MESSAGES: Final = 2_100
MESSAGE_WINDOW: Final = 8 << 20
MOST_BYTES: Final = 128 << 20
ROWS: Final = 21_000
ROW_WINDOW: Final = 2 << 20
MOST_ROWS: Final = 200_000
VDA5050: Final = {"headerId", "manufacturer", "serialNumber"}


@dataclass
class Sample:
    """Sources found, and what was looked at: `seen` of `files` files, `whole` when nothing was left out.

    `mixed` when messages stand within lines of other text; `vda5050` when they are messages of VDA 5050.
    `refused`: (path, reason) → how many messages or files could not be read.
    """

    files: int
    seen: int = 0
    whole: bool = True
    mixed: bool = False
    vda5050: bool = False
    sources: list[Source] = field(default_factory=list)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)


def sample(files: Mapping[str, Path]) -> Sample:
    """Look at files, given by the path each would be pushed as."""
    found = Sample(len(files))
    tables = {name: path for name, path in files.items() if name.lower().endswith(TABLES)}
    others = {name: path for name, path in files.items() if name not in tables}
    messages: list[Record] = []
    for name in _spread(sorted(tables)) + _spread(sorted(others)):
        found.seen += 1
        with scratch_folder() as scratch:
            if name in tables:
                _table(name, tables[name], found, scratch)
            else:
                messages += _messages(name, others[name], found, scratch)
    if found.mixed:
        found.refused = Counter({key: count for key, count in found.refused.items() if key[1] != "not_json"})
    found.sources += message_sources(messages)
    found.whole &= found.seen == found.files
    _rename(found.sources)
    return found


def _spread(names: Sequence[str]) -> list[str]:
    """At most FILES names, evenly from first to last."""
    if len(names) <= FILES:
        return list(names)
    return [names[round(place * (len(names) - 1) / (FILES - 1))] for place in range(FILES)]


def _messages(name: str, path: Path, found: Sample, scratch: Scratch) -> Iterator[Record]:
    """Messages of a file, from beginning, middle and end; recordings in it become sources of their own."""
    limits = LimitsSection()
    ledger = Ledger(name, 0)
    aside = Aside(scratch)
    lines = path.is_file() and is_lines(name)
    read = short_lines(path, scratch, MESSAGE_WINDOW, header=False) if lines else path
    held: list[Chunk] = []
    room = MOST_BYTES
    for chunk in chunks(read, name, limits, ledger, aside):
        held.append(chunk)
        room -= len(chunk.data)
        if room < 0:
            found.whole = False
            break
    found.whole &= read == path and sum(map(len, held)) <= MESSAGES
    for piece, raw in messages_in(held, MESSAGES):
        try:
            message = _parse(raw, limits, found)
        except Unreadable as error:
            found.refused[name, error.reason] += 1
        else:
            yield Record(message, message, name, piece)
    for recording in aside.files:
        found.whole &= topics(recording.path, name, limits, ledger, found.sources)
    for refusal in ledger.refusals:
        found.refused[name, refusal["reason"]] += 1


def _parse(raw: bytes, limits: LimitsSection, found: Sample) -> dict[str, Any]:
    """The message, or the one within a line of other text. Raises Unreadable."""
    try:
        message = parse_message(raw, limits.nesting)
    except Unreadable as error:
        if error.reason != "not_json" or b"{" not in raw:
            raise
        message = parse_message(raw[raw.index(b"{") :], limits.nesting)
        found.mixed = True
    found.vda5050 |= message.keys() >= VDA5050
    return message


def _table(name: str, path: Path, found: Sample, scratch: Scratch) -> None:
    """Every sheet of a file as a source; one with the columns of an earlier file belongs to that."""
    try:
        read = _short_table(path, scratch)
        sheets = sheet_names(read)
    except Exception:
        found.refused[name, "table_unreadable"] += 1
        return
    for sheet_name in sheets:
        try:
            sheet = open_sheet(read, sheet_name)
            rows = list(islice(sheet.lines, MOST_ROWS + 1))
        except Unreadable as error:
            found.refused[name, error.reason] += 1
            continue
        found.whole &= read == path and len(rows) <= ROWS
        records = [
            Record(record, record, name, piece)
            for piece, run in enumerate(runs(len(rows), ROWS))
            for cells in (rows[place].cells for place in run)
            if len(cells) == len(sheet.header)
            for record in [Row(zip(sheet.header, cells, strict=True))]
        ]
        file = name.rpartition("/")[2]
        source = Source(
            identifier(sheet_name or file.rpartition(".")[0]),
            sheet=sheet_name if len(sheets) > 1 else "",
            files=file,
            text=True,
            messages=len(records),
            records=records,
        )
        alike = [one for one in found.sources if one.text and one.records and _columns(one) == sheet.header]
        if alike and alike[0].sheet == source.sheet:
            alike[0].files = f"*{Path(file).suffix}"
            alike[0].records += source.records
            alike[0].messages += source.messages
        elif records:
            found.sources.append(source)


def _short_table(path: Path, scratch: Scratch) -> Path:
    """A copy of a long table's beginning, middle and end; a workbook is read whole in any case."""
    if path.suffix.lower() == ".parquet":
        return short_parquet(path, scratch, 2 * ROWS)
    if path.suffix.lower() in (".csv", ".tsv"):
        return short_lines(path, scratch, ROW_WINDOW, header=True)
    return path


def _columns(source: Source) -> list[str]:
    return list(source.records[0].record)


def _rename(sources: Sequence[Source]) -> None:
    """Give every source a name of its own."""
    taken: Counter[str] = Counter()
    for source in sources:
        taken[source.name] += 1
        if taken[source.name] > 1:
            source.name = f"{source.name}_{taken[source.name]}"
