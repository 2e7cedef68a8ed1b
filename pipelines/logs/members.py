"""What a pushed file holds: members of archives, lines of logs, or the one message it is."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from isal import igzip

from pipelines.config import LimitsSection
from pipelines.logs.quarantine import Ledger


@dataclass(frozen=True)
class Message:
    """Bytes of one message, and where they stood."""

    raw: bytes
    member: str = ""
    line: int | None = None


def messages(file: Path, limits: LimitsSection, ledger: Ledger) -> Iterator[Message]:
    """Messages of a ZIP of `.json` or `.json.gz` members, in order of member names, or of one JSON file.

    A member that cannot be read goes to the ledger with its reason; the others are read.
    """
    if zipfile.is_zipfile(file):
        yield from _zip(file, limits, ledger)
        return
    raw = file.read_bytes()
    name = file.name
    content = _gunzip(raw, file.name, limits, ledger) if name.endswith(".gz") else raw
    if content is None:
        return
    if name.removesuffix(".gz").endswith((".jsonl", ".ndjson", ".log")):
        for number, line in enumerate(content.splitlines(), 1):
            if line.strip():
                yield Message(line, line=number)
    else:
        yield Message(content)


def _zip(file: Path, limits: LimitsSection, ledger: Ledger) -> Iterator[Message]:
    try:
        archive = zipfile.ZipFile(file)
    except (zipfile.BadZipFile, OSError) as error:
        ledger.refuse("archive_unreadable", b"", detail=str(error))
        ledger.count("member", refused=1)
        return
    total, seen = 0, set[str]()
    with archive:
        for position, info in enumerate(sorted(archive.infolist(), key=lambda info: info.filename)):
            if info.is_dir():
                continue
            reason = _refusal(info, limits, position, seen)
            if reason is None:
                total += info.file_size
                reason = "total_too_large" if total > limits.total_bytes else None
            seen.add(info.filename)
            if reason is not None:
                ledger.refuse(reason, info.filename.encode(), member=info.filename, offset=info.header_offset)
                ledger.count("member", refused=1)
                continue
            try:
                raw = archive.read(info)
            except (
                zipfile.BadZipFile,
                zlib.error,
                OSError,
                NotImplementedError,
                RuntimeError,
                EOFError,
            ) as error:
                ledger.refuse(
                    "member_unreadable",
                    b"",
                    member=info.filename,
                    offset=info.header_offset,
                    detail=str(error),
                )
                ledger.count("member", refused=1)
                continue
            content = _gunzip(raw, info.filename, limits, ledger) if info.filename.endswith(".gz") else raw
            if content is not None:
                yield Message(content, info.filename)


def _refusal(info: zipfile.ZipInfo, limits: LimitsSection, position: int, seen: set[str]) -> str | None:
    name = info.filename
    if position >= limits.entries:
        return "too_many_entries"
    if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or ":" in name[:3]:
        return "path_escapes"
    if name in seen:
        return "name_collision"
    if (info.external_attr >> 16) & 0o170000 == 0o120000:
        return "link"
    if info.file_size > limits.entry_bytes:
        return "entry_too_large"
    if info.file_size > limits.compression_ratio * max(info.compress_size, 1):
        return "compression_ratio"
    return None


def _gunzip(raw: bytes, member: str, limits: LimitsSection, ledger: Ledger) -> bytes | None:
    reason, detail = "", ""
    try:
        with igzip.GzipFile(fileobj=io.BytesIO(raw)) as file:
            content: bytes = file.read(limits.entry_bytes + 1)
        if len(content) > limits.entry_bytes:
            reason = "entry_too_large"
        elif len(content) > limits.compression_ratio * max(len(raw), 1):
            reason = "compression_ratio"
        else:
            return content
    except EOFError as error:
        reason, detail = "truncated_gzip", str(error)
    except (OSError, zlib.error) as error:
        reason, detail = ("bad_crc" if "CRC" in str(error) else "bad_gzip"), str(error)
    except Exception as error:
        reason, detail = "bad_gzip", str(error)
    ledger.refuse(reason, raw, member=member, detail=detail)
    ledger.count("member", refused=1)
    return None
