"""What a pushed file holds: members of archives, lines of logs, or the one message it is."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from isal import igzip_lib, isal_zlib

from pipelines.config import LimitsSection
from pipelines.logs.quarantine import Ledger
from pipelines.logs.zipfiles import BadArchive, Entry, entries, read

LINES: Final = (".jsonl", ".ndjson", ".log")
ZIP: Final = b"PK"
GZIP: Final = b"\x1f\x8b"
LINK: Final = 0o120000


@dataclass(frozen=True, slots=True)
class Message:
    """Bytes of one message, and where they stood."""

    raw: bytes
    member: str = ""
    line: int | None = None


class Unreadable(Exception):  # noqa: N818 - a verdict on the bytes
    """Compressed bytes cannot be read; `reason` is the quarantine's code."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(detail)
        self.reason = reason


def messages(file: Path, limits: LimitsSection, ledger: Ledger) -> Iterator[Message]:
    """Messages of a ZIP of `.json` or `.json.gz` members, in order of member names, or of one JSON file.

    A member that cannot be read goes to the ledger with its reason; the others are read.
    """
    raw = file.read_bytes()
    if raw.startswith(ZIP):
        yield from _zip(raw, limits, ledger)
        return
    try:
        content = gunzip(raw, limits) if raw.startswith(GZIP) else raw
    except Unreadable as error:
        ledger.refuse(error.reason, raw, detail=str(error))
        ledger.count("member", refused=1)
        return
    if file.name.removesuffix(".gz").endswith(LINES):
        for number, line in enumerate(content.splitlines(), 1):
            if line.strip():
                yield Message(line, line=number)
    else:
        yield Message(content)


def _zip(raw: bytes, limits: LimitsSection, ledger: Ledger) -> Iterator[Message]:
    archive = memoryview(raw)
    total, seen = 0, set[str]()
    try:
        listed = sorted(entries(archive), key=lambda entry: (entry.name, entry.offset))
    except BadArchive as error:
        ledger.refuse("archive_unreadable", raw, detail=str(error))
        ledger.count("member", refused=1)
        return
    for position, entry in enumerate(listed):
        if entry.name.endswith("/") and entry.size == 0:
            continue
        packed = b""
        try:
            _refuse(entry, limits, position, seen)
            seen.add(entry.name)
            packed = read(archive, entry, limits.entry_bytes)
            content = gunzip(packed, limits) if entry.name.endswith(".gz") else packed
            total = _within_total(total + len(content), limits)
        except (Unreadable, BadArchive) as error:
            reason = error.reason if isinstance(error, Unreadable) else "member_unreadable"
            ledger.refuse(reason, packed, member=entry.name, offset=entry.offset, detail=str(error))
            ledger.count("member", refused=1)
            continue
        yield Message(content, entry.name)


def _refuse(entry: Entry, limits: LimitsSection, position: int, seen: set[str]) -> None:
    """Refuse a member by what the directory says of it. Raises Unreadable."""
    name = entry.name
    if position >= limits.entries:
        raise Unreadable("too_many_entries", f"more than {limits.entries}")
    if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or name[1:2] == ":":
        raise Unreadable("path_escapes", name)
    if "\0" in name:
        raise Unreadable("nul_in_name", repr(name))
    if name in seen:
        raise Unreadable("name_collision", name)
    if entry.mode & 0o170000 == LINK:
        raise Unreadable("link", name)
    if entry.size > limits.entry_bytes:
        raise Unreadable("entry_too_large", f"{entry.size} bytes")
    if entry.size > limits.compression_ratio * max(entry.packed, 1):
        raise Unreadable("compression_ratio", f"{entry.size} bytes out of {entry.packed}")


def _within_total(total: int, limits: LimitsSection) -> int:
    if total > limits.total_bytes:
        raise Unreadable("total_too_large", f"beyond {limits.total_bytes} bytes in one archive")
    return total


def gunzip(raw: bytes, limits: LimitsSection) -> bytes:
    """Content of one or more gzip members. Raises Unreadable when cut off, damaged, too large or a bomb."""
    limit = min(limits.entry_bytes, int(limits.compression_ratio * max(len(raw), 1)))
    content, rest = b"", raw
    while rest:
        stream = isal_zlib.decompressobj(31)
        try:
            content += stream.decompress(rest, limit - len(content) + 1)
        except igzip_lib.IsalError as error:  # type: ignore[misc]
            raise Unreadable("bad_crc" if "checksum" in str(error) else "bad_gzip", str(error)) from error
        if len(content) > limit:
            too_large = limit == limits.entry_bytes
            raise Unreadable("entry_too_large" if too_large else "compression_ratio", f"beyond {limit} bytes")
        if not stream.eof:
            raise Unreadable("truncated_gzip", f"{len(content)} bytes could be read")
        rest = stream.unused_data
    return content
