"""Members of tar archives and of folders: rarer than ZIPs, so read by the standard library."""

import os
import tarfile
from collections.abc import Callable, Collection, Iterable, Iterator
from io import FileIO
from pathlib import Path

from pipelines.config import LimitsSection
from pipelines.logs.archives.members import Members
from pipelines.logs.archives.names import is_lines, refusal
from pipelines.logs.archives.tar import tar_entries
from pipelines.logs.archives.unpack import Unreadable, unpack
from pipelines.logs.archives.walk import files_below
from pipelines.logs.chunk import CHUNK_BYTES
from pipelines.logs.quarantine import Ledger

Item = tuple[str, Callable[[], bytes]]


def tar_members(file: Path, limits: LimitsSection, ledger: Ledger) -> Iterator[Members]:
    """Groups of a tar's members, in order of their names; what is no plain file is refused."""
    with file.open("rb") as opened:

        def reader(info: tarfile.TarInfo) -> Callable[[], bytes]:
            def read() -> bytes:
                if info.size > limits.entry_bytes:
                    raise Unreadable("entry_too_large", f"{info.size} bytes, at most {limits.entry_bytes}")
                if not info.isreg() or info.issparse():
                    raise Unreadable("link" if info.issym() or info.islnk() else "not_a_file", info.linkname)
                opened.seek(info.offset_data)
                content = opened.read(info.size)
                if len(content) < info.size:
                    raise Unreadable("member_truncated", f"{len(content)} of {info.size} bytes")
                return content

            return read

        found = [info for info in tar_entries(opened, ledger) if not info.isdir()]
        yield from _grouped([(info.name, reader(info)) for info in found], limits, ledger)


def folder_members(
    folder: Path, limits: LimitsSection, ledger: Ledger, but: Collection[str]
) -> Iterator[Members]:
    """Groups of the files below a folder, by their paths, `but` some; links and devices are refused."""

    def reader(entry: os.DirEntry[str]) -> Callable[[], bytes]:
        def read() -> bytes:
            if not entry.is_file(follow_symlinks=False):
                raise Unreadable("link" if entry.is_symlink() else "not_a_file")
            with FileIO(entry.path) as opened:
                size = os.fstat(opened.fileno()).st_size
                if size > limits.entry_bytes:
                    raise Unreadable("entry_too_large", f"{size} bytes, at most {limits.entry_bytes}")
                return opened.read(size)

        return read

    files = ((name, entry) for name, entry in files_below(folder) if name not in but)
    yield from _grouped([(name, reader(entry)) for name, entry in files], limits, ledger)


def _grouped(items: Iterable[Item], limits: LimitsSection, ledger: Ledger) -> Iterator[Members]:
    """Contents in groups of about CHUNK_BYTES; what cannot be read goes to the ledger."""
    ordered = sorted(items, key=lambda item: (len(item[0].encode(errors="replace")), item[0]))
    names: list[str] = []
    contents: list[bytes] = []
    size = total = 0
    for place, (name, read) in enumerate(ordered):
        rest = len(ordered) - place
        if place == limits.entries:
            _refuse_rest(ledger, "too_many_entries", name, rest, f"more than {limits.entries}")
            break
        raw = b""
        try:
            _check_name(name, ordered[place - 1][0] if place else None)
            raw = read()
            content = unpack(raw, limits)
        except Unreadable as error:
            ledger.refuse_member(error.reason, raw, name, detail=str(error))
            continue
        size += len(content)
        if total + size > limits.total_bytes:
            _refuse_rest(ledger, "total_too_large", name, rest, f"more than {limits.total_bytes} bytes")
            break
        names.append(name)
        contents.append(content)
        if size >= CHUNK_BYTES:
            yield _members(contents, names)
            names, contents, total, size = [], [], total + size, 0
    if contents:
        yield _members(contents, names)


def _check_name(name: str, before: str | None) -> None:
    reason = refusal(name) or ("name_collision" if name == before else None)
    if reason:
        raise Unreadable(reason, repr(name)[:200])


def _members(contents: list[bytes], names: list[str]) -> Members:
    of_lines = frozenset(place for place, name in enumerate(names) if is_lines(name))
    return Members(contents, names.__getitem__, of_lines)


def _refuse_rest(ledger: Ledger, reason: str, name: str, count: int, detail: str) -> None:
    ledger.refuse_member(reason, b"", name, detail=f"{detail}; {count} from this one on", count=count)
