"""The members of a ZIP, in an order of their own, each checked before a byte of it is unfolded."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from mmap import MADV_DONTNEED, mmap
from typing import Final

import deflate
import numpy as np
import numpy.typing as npt
from isal import isal_zlib
from numba import njit

from pipelines.config import LimitsSection
from pipelines.logs.archives.directory import (
    AT_ONCE,
    BadArchive,
    Directory,
    Ints,
    read_directory,
    recover_directory,
)
from pipelines.logs.archives.members import Content, Members
from pipelines.logs.archives.names import are_lines, by_name, refusal, same_as_before, suspects
from pipelines.logs.archives.unpack import DEFLATE_BOUND, Unreadable, check, inflate, unpack
from pipelines.logs.chunk import CHUNK_BYTES
from pipelines.logs.quarantine import Ledger

Flags = npt.NDArray[np.bool_]
STORED: Final = 0
DEFLATED: Final = 8
LINK: Final = 0o120000
ENCRYPTED: Final = 0x41
SLASH: Final = ord("/")
TOGETHER: Final = 256
"""Members unfolded in one go: one that is damaged sends them all the careful way."""


def zip_members(file: mmap, limits: LimitsSection, ledger: Ledger) -> Iterator[Members]:
    """Groups of members, in order of their names; refused members are in the ledger instead.

    Members of one name and the same bytes count as duplicates; of one name and different bytes none is read.
    Pages of the file are given back as they were read: an archive may be larger than the memory.
    """
    archive = np.frombuffer(file, np.uint8)

    def forget() -> None:
        file.madvise(MADV_DONTNEED)

    try:
        directory = read_directory(archive, forget)
    except BadArchive as error:
        directory = recover_directory(archive)
        rest = archive[directory.start : directory.start + limits.entry_bytes].tobytes()
        detail = f"{error}; {len(directory)} members were found without it"
        ledger.refuse_member("archive_unreadable", rest, offset=directory.start, detail=detail)
    zipped = _Zip(directory, limits, ledger)
    for group in zipped.members(zipped.readable()):
        yield group
        forget()


class _Zip:
    def __init__(self, directory: Directory, limits: LimitsSection, ledger: Ledger) -> None:
        self._directory, self._limits, self._ledger = directory, limits, ledger
        self._archive, self._entries = directory.archive, directory.entries
        self._view = memoryview(directory.archive)  # type: ignore[arg-type]

    def readable(self) -> Ints:
        """Entries to read, in order of names; the others are refused, or are folders."""
        entries, limits = self._entries, self._limits
        order = by_name(self._archive, entries.name, entries.name_size)
        last = entries.name[order] + entries.name_size[order] - 1
        order = order[~((self._archive[last] == SLASH) & (entries.size[order] == 0))]
        if len(order) > limits.entries:
            self._refuse_rest("too_many_entries", order[limits.entries :], f"more than {limits.entries}")
            order = order[: limits.entries]
        doubtful = self._doubtful()
        named = same_as_before(self._archive, entries.name[order], entries.name_size[order])
        if named.any():
            order = self._without_collisions(order, named)
        for entry in order[doubtful[order]].tolist():
            self._refuse(entry, *self._reason(entry))
        return order[~doubtful[order]]

    def members(self, order: Ints) -> Iterator[Members]:
        """Contents in groups of about CHUNK_BYTES."""
        contents: list[Content] = []
        numbers: list[int] = []
        size, left = 0, self._limits.total_bytes
        for some, found in self._contents(order):
            length = sum(map(len, found))
            if length > left:
                rest = order[int(np.flatnonzero(order == some[0])[0]) :]
                detail = f"more than {self._limits.total_bytes} bytes in one archive"
                self._refuse_rest("total_too_large", rest, detail)
                break
            contents += found
            numbers += some
            size, left = size + length, left - length
            if size >= CHUNK_BYTES:
                yield self._group(contents, numbers)
                contents, numbers, size = [], [], 0
        if contents:
            yield self._group(contents, numbers)

    def _contents(self, order: Ints) -> Iterator[tuple[list[int], Sequence[Content]]]:
        """Entries and their contents: many at once where all are small gzip streams, else one by one."""
        limit = min(CHUNK_BYTES, self._limits.total_bytes // TOGETHER)
        for first in range(0, len(order), AT_ONCE):
            looked_at = order[first : first + AT_ONCE]
            quick, length = self._quick(looked_at)
            for at in range(0, len(looked_at), TOGETHER):
                some, plain = looked_at[at : at + TOGETHER], quick[at : at + TOGETHER]
                sizes = length[at : at + TOGETHER][plain]
                found = self._at_once(some[plain], sizes) if sizes.sum() <= limit else None
                if found is not None and len(found) == len(some):
                    yield some.tolist(), found
                    continue
                unfolded = dict(zip(some[plain].tolist(), found or (), strict=False))
                for entry in some.tolist():
                    content = unfolded.pop(entry, None) or self._content(entry)
                    if content is not None:
                        yield [entry], [content]

    def _at_once(self, some: Ints, length: Ints) -> list[bytearray] | None:
        """Contents of small gzip streams, None if any is not quite what it says."""
        begin, view, sizes = self._entries.data[some], self._view, length.tolist()
        ends = begin + self._entries.packed[some]
        raws = list(map(view.__getitem__, map(slice, begin.tolist(), ends.tolist())))
        if list(map(isal_zlib.crc32, raws)) != self._entries.crc[some].tolist():
            return None
        try:
            found = list(map(deflate.gzip_decompress, raws, sizes))
        except deflate.DeflateError:
            return None
        return found if list(map(len, found)) == sizes else None

    def _group(self, contents: list[Content], numbers: list[int]) -> Members:
        places = np.flatnonzero(self._of_lines[numbers]).tolist() if self._of_lines.any() else ()
        return Members(contents, lambda place: self._directory.name(numbers[place]), frozenset(places))

    @cached_property
    def _of_lines(self) -> Flags:
        entries = self._entries
        return are_lines(self._archive, entries.name + entries.name_size, entries.name_size)

    def _quick(self, order: Ints) -> tuple[Flags, Ints]:
        """Which entries are one small gzip stream, stored; and the length their last four bytes tell."""
        entries, limits = self._entries, self._limits
        begin, packed = entries.data[order], entries.packed[order]
        quick = (
            (entries.method[order] == STORED)
            & (packed >= 18)
            & (packed * DEFLATE_BOUND <= limits.entry_bytes)
        )
        safe = np.where(quick, begin, 0)
        quick &= (self._archive[safe] == 0x1F) & (
            self._archive[np.minimum(safe + 1, len(self._archive) - 1)] == 0x8B
        )
        quick &= ~_begin_again(self._archive, safe, np.where(quick, packed, 0))
        tail = np.where(quick, begin + packed - 4, 0)
        length = np.zeros(len(order), np.int64)
        for place in range(4):
            length |= self._archive[tail + place].astype(np.int64) << (8 * place)
        return quick & (length <= limits.compression_ratio * packed), length

    def _content(self, entry: int) -> bytes | None:
        """One member's content by the careful way; None when it was refused."""
        entries = self._entries
        raw = self._raw(entry)
        size, crc = int(entries.size[entry]), int(entries.crc[entry])
        try:
            if entries.method[entry] == DEFLATED:
                return unpack(inflate(raw, size, crc, self._limits), self._limits)
            check(raw, size, crc)
            return unpack(raw, self._limits)
        except Unreadable as error:
            self._refuse(entry, error.reason, str(error))
            return None

    def _doubtful(self) -> Flags:
        """Entries that break a rule; `_reason` tells which."""
        entries, limits = self._entries, self._limits
        doubtful = np.zeros(len(self._directory), np.bool_)
        for entry in np.flatnonzero(suspects(self._archive, entries.name, entries.name_size)).tolist():
            doubtful[entry] = refusal(self._directory.name(entry)) is not None
        doubtful |= (entries.mode & 0o170000) == LINK
        doubtful |= (entries.flags & ENCRYPTED) != 0
        doubtful |= ~np.isin(entries.method, (STORED, DEFLATED))
        doubtful |= (entries.data < 0) | (entries.size < 0)
        doubtful |= entries.size > np.minimum(limits.entry_bytes, limits.compression_ratio * entries.packed)
        return doubtful | self._overlapping

    @cached_property
    def _overlapping(self) -> Flags:
        """Entries that begin before an earlier one ends, or reach into the directory."""
        entries = self._entries
        found = np.flatnonzero(entries.data >= 0)
        order = found[np.argsort(entries.offset[found], kind="stable")]
        ends = entries.data[order] + entries.packed[order]
        overlapping = np.zeros(len(self._directory), np.bool_)
        overlapping[order] = ends > self._directory.start
        overlapping[order[1:]] |= entries.offset[order[1:]] < np.maximum.accumulate(ends)[:-1]
        return overlapping

    def _reason(self, entry: int) -> tuple[str, str]:
        entries, limits = self._entries, self._limits
        name, size, packed = self._directory.name(entry), int(entries.size[entry]), int(entries.packed[entry])
        by_their_name = refusal(name)
        if by_their_name:
            return by_their_name, repr(name)[:200]
        if entries.mode[entry] & 0o170000 == LINK:
            return "link", "symbolic links are not followed"
        if entries.flags[entry] & ENCRYPTED:
            return "encrypted", "the member is encrypted"
        if entries.method[entry] not in (STORED, DEFLATED):
            return "compression_unknown", f"method {entries.method[entry]}; stored and deflated are read"
        if entries.data[entry] < 0 or size < 0:
            return "header_mismatch", "no local header of this name, or it ends beyond the file"
        if size > limits.entry_bytes:
            return "entry_too_large", f"{size} bytes, at most {limits.entry_bytes}"
        if size > limits.compression_ratio * packed:
            return "compression_ratio", f"{size} bytes out of {packed}"
        return "overlapping_entries", f"the bytes from {entries.offset[entry]} on are another member's too"

    def _without_collisions(self, order: Ints, named: Flags) -> Ints:
        kept = np.ones(len(order), np.bool_)
        firsts = np.flatnonzero(~named)
        for first, stop in zip(firsts, [*firsts[1:].tolist(), len(order)], strict=True):
            if stop - first == 1:
                continue
            group = order[first:stop].tolist()
            alike = {(int(self._entries.method[entry]), self._raw(entry)) for entry in group}
            if len(alike) == 1:
                kept[first + 1 : stop] = False
                self._ledger.count("member", duplicates=len(group) - 1)
                continue
            kept[first:stop] = False
            for entry in group:
                self._refuse(entry, "name_collision", f"{len(group)} members of this name differ")
        return order[kept]

    def _raw(self, entry: int) -> bytes:
        begin = int(self._entries.data[entry])
        return bytes(self._view[begin : begin + int(self._entries.packed[entry])]) if begin >= 0 else b""

    def _refuse(self, entry: int, reason: str, detail: str) -> None:
        offset = int(self._entries.offset[entry])
        self._ledger.refuse_member(
            reason, self._raw(entry), self._directory.name(entry), offset=offset, detail=detail
        )

    def _refuse_rest(self, reason: str, entries: Ints, detail: str) -> None:
        """One row for all of them: a hostile archive may list millions."""
        self._ledger.refuse_member(
            reason,
            b"",
            self._directory.name(int(entries[0])),
            detail=f"{detail}; {len(entries)} members from this one on",
            count=len(entries),
        )


@njit(cache=True, nogil=True)
def _begin_again(archive, begins, sizes):  # type: ignore[no-untyped-def]
    """True for gzip streams that may have another after them: the bytes one begins with come once more."""
    found = np.zeros(begins.size, np.bool_)
    for row in range(begins.size):
        rest = archive[begins[row] + 1 : begins[row] + sizes[row]]
        again = False
        for at in range(rest.size - 2):
            again |= (rest[at] == 0x1F) & (rest[at + 1] == 0x8B) & (rest[at + 2] == 8)
        found[row] = again
    return found
