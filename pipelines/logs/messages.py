"""Chunks of JSON messages to checked records: plain ones by the scanner, the others by the exact parser."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import numpy as np

from pipelines.config import StreamSection
from pipelines.logs import split
from pipelines.logs.archives.unpack import Unreadable
from pipelines.logs.chunk import Chunk
from pipelines.logs.intake import Intake
from pipelines.logs.jsontext import parse_message
from pipelines.logs.part import Ints
from pipelines.logs.quarantine import OTHER
from pipelines.logs.records import RecordReader, record_origin
from pipelines.logs.rows import Rows
from pipelines.logs.scan.plan import Plan, plan
from pipelines.logs.scan.scanner import Scan, Scanner
from pipelines.logs.scan.tree import MISSING
from pipelines.logs.where import chosen

SAMPLES = 4


class MessageReader:
    """Reads chunk after chunk, and adds the records of every stream to the spool."""

    def __init__(self, streams: Mapping[str, StreamSection], intake: Intake, *, exact: bool = False) -> None:
        self._streams, self._intake, self._exact = streams, intake, exact
        self._logs, self._ledger = intake.logs, intake.ledger
        self._readers = intake.record_readers(streams)
        self._plan: Plan | None = None
        self._scanner: Scanner | None = None
        self._messages = 0

    def read(self, chunks: Iterable[Chunk]) -> None:
        """Read all chunks."""
        for chunk in chunks:
            if self._logs.lines == "mixed":
                chunk = self._without_text(chunk)
            if len(chunk):
                self._read(chunk)
                self._messages += len(chunk)

    def _without_text(self, chunk: Chunk) -> Chunk:
        """The messages within lines, and the number of lines without one to the ledger."""
        found = split.within_lines(chunk)
        if len(found) < len(chunk):
            self._ledger.count(OTHER, accepted=len(chunk) - len(found))
        return found

    def _read(self, chunk: Chunk) -> None:
        rest = np.arange(len(chunk)) if self._exact else self._scan(chunk)
        self._ledger.count("member", accepted=len(chunk) - len(rest))
        if not len(rest):
            return
        origins = partial(record_origin, chunk)
        for reader in self._readers:
            reader.clear()
        for number in rest.tolist():
            try:
                message = parse_message(chunk.raw(number), self._logs.limits.nesting)
            except Unreadable as refusal:
                self._ledger.refuse_member(
                    refusal.reason,
                    chunk.raw(number),
                    chunk.member(number),
                    line=chunk.line(number),
                    offset=int(chunk.offsets[number]),
                    detail=str(refusal),
                )
                continue
            self._ledger.count("member", accepted=1)
            for reader in self._readers:
                reader.read(message, number, origins, self._ledger)
        for reader in self._readers:
            self._intake.add(reader.rows(origins, self._messages))

    def _scan(self, chunk: Chunk) -> Ints:
        """Read the plain messages; returns the numbers of the others."""
        if self._scanner is None:
            self._plan = plan(self._streams, self._logs.robot, self._samples(chunk))
            if self._plan is None:
                self._exact = True
                return np.arange(len(chunk))
            self._scanner = Scanner(self._plan, self._logs.limits.nesting)
        text = _unicode(chunk)
        found = self._scanner.scan(chunk.text, chunk.starts[text], chunk.ends[text])
        for reader in self._readers:
            self._intake.add(self._rows(found, reader, chunk, text))
        others = np.ones(len(chunk), np.bool_)
        others[text[found.plain]] = False
        return np.flatnonzero(others)

    def _samples(self, chunk: Chunk) -> list[Any]:
        samples = []
        for number in np.unique(np.linspace(0, len(chunk) - 1, SAMPLES).astype(int)).tolist():
            try:
                samples.append(parse_message(chunk.raw(number), self._logs.limits.nesting))
            except Unreadable:
                continue
        return samples

    def _rows(self, found: Scan, reader: RecordReader, chunk: Chunk, text: Ints) -> Rows:
        """One stream's records among what the scanner found."""
        spec, source = reader.spec, found.plan.sources[reader.name]
        messages = found.messages(source.table)
        columns = {path: found.column_for(source.table, cell) for path, cell in source.cells.items()}
        chosen_rows = chosen(columns, spec.where, len(messages))
        if spec.pairs:
            paths = [*(field.source or name for name, field in spec.fields.items()), *spec.where]
            chosen_rows &= np.logical_or.reduce([columns[path].kinds != MISSING for path in paths])
        picked = np.flatnonzero(chosen_rows)
        if len(picked) < len(messages):
            columns = {path: cells.take(picked) for path, cells in columns.items()}
        robot = (spec.robot or self._logs.robot).field
        numbers = text[messages]

        def origin(row: int) -> Any:
            at = picked[row]
            index = int(at - np.searchsorted(messages, messages[at]))
            return record_origin(chunk, spec, int(numbers[at]), index)

        return Rows(
            reader.name,
            spec,
            places=numbers[picked] + self._messages,
            robots=columns[robot] if robot else reader.constant,
            times=columns[spec.time] if spec.time else [],
            recv=columns[spec.recv] if spec.recv else [],
            fields={name: columns[field.source or name] for name, field in spec.fields.items()},
            origin=origin,
        )


def _unicode(chunk: Chunk) -> Ints:
    """Numbers of the messages that are valid UTF-8."""
    try:
        if not chunk.data.isascii():
            chunk.data.decode("utf-8")
    except UnicodeDecodeError:
        return np.array([number for number in range(len(chunk)) if _is_unicode(chunk.raw(number))], np.int64)
    return np.arange(len(chunk))


def _is_unicode(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
