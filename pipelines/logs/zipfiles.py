"""Reads a ZIP's directory and members straight from its bytes: day archives hold tens of thousands.

The standard library's reader spends most of a day archive's time on a Python object and a file handle a
member. Layout: APPNOTE.TXT 6.3.10 (end of central directory 4.3.16, ZIP64 4.3.14, central header 4.3.12,
local header 4.3.7).
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from isal import igzip_lib, isal_zlib

END: Final = struct.Struct("<4s4H2LH")
END64: Final = struct.Struct("<4sQ2H2L4Q")
LOCATOR64: Final = struct.Struct("<4sLQL")
CENTRAL: Final = struct.Struct("<4s6H3L5H2L")
LOCAL: Final = struct.Struct("<4s5H3L2H")
UTF8: Final = 0x800
ENCRYPTED: Final = 0x1
MAX32: Final = 0xFFFF_FFFF
STORED, DEFLATED = 0, 8


class BadArchive(Exception):  # noqa: N818 - a verdict on the file
    """The bytes are not a ZIP one can read; the text says why."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the directory: sizes as declared, `offset` of the local header."""

    name: str
    method: int
    flags: int
    crc: int
    packed: int
    size: int
    offset: int
    mode: int


def entries(archive: memoryview) -> Iterator[Entry]:
    """The directory's entries, in its order. Raises BadArchive."""
    count, size, start = _directory(archive)
    if start + size > len(archive):
        raise BadArchive("the directory lies beyond the end of the file")
    at = start
    for _ in range(count):
        if at + CENTRAL.size > len(archive):
            raise BadArchive("the directory ends early")
        head = CENTRAL.unpack_from(archive, at)
        if head[0] != b"PK\x01\x02":
            raise BadArchive(f"no directory entry at byte {at}")
        flags, method, crc, packed, full = head[3], head[4], head[7], head[8], head[9]
        name_size, extra_size, note_size, mode, offset = head[10], head[11], head[12], head[15], head[16]
        name = bytes(archive[at + CENTRAL.size : at + CENTRAL.size + name_size])
        extra = archive[at + CENTRAL.size + name_size :][:extra_size]
        if MAX32 in (packed, full, offset):
            full, packed, offset = _zip64(extra, full, packed, offset)
        text = name.decode("utf-8" if flags & UTF8 else "cp437", "replace")
        yield Entry(text, method, flags, crc, packed, full, offset, mode >> 16)
        at += CENTRAL.size + name_size + extra_size + note_size


def read(archive: memoryview, entry: Entry, limit: int) -> bytes:
    """A member's content, at most `limit` bytes. Raises BadArchive when it is longer or damaged."""
    head = LOCAL.unpack_from(archive, entry.offset) if entry.offset + LOCAL.size <= len(archive) else (b"",)
    if head[0] != b"PK\x03\x04":
        raise BadArchive(f"no member at byte {entry.offset}")
    if entry.flags & ENCRYPTED:
        raise BadArchive("the member is encrypted")
    start = entry.offset + LOCAL.size + head[9] + head[10]
    packed = archive[start : start + entry.packed]
    if len(packed) < entry.packed:
        raise BadArchive("the member ends beyond the file")
    if entry.method == STORED:
        content = bytes(packed)
    elif entry.method == DEFLATED:
        content = _inflate(packed, limit)
    else:
        raise BadArchive(f"compression method {entry.method} is not read; stored and deflated are")
    if len(content) > limit:
        raise BadArchive(f"the member is longer than {limit} bytes")
    if len(content) != entry.size or zlib.crc32(content) != entry.crc:
        raise BadArchive("size or CRC-32 differ from the directory")
    return content


def _inflate(packed: memoryview, limit: int) -> bytes:
    try:
        content: bytes = isal_zlib.decompressobj(-15).decompress(packed, limit + 1)
    except igzip_lib.IsalError as error:  # type: ignore[misc]
        raise BadArchive(str(error)) from error
    return content


def _directory(archive: memoryview) -> tuple[int, int, int]:
    """Number of entries, size and start of the directory."""
    tail = bytes(archive[-(END.size + 0xFFFF) :])
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + END.size > len(tail):
        raise BadArchive("no end of directory: the file is no ZIP, or was cut off")
    _, _, _, _, count, size, start, _ = END.unpack_from(tail, at)
    if MAX32 in (size, start) or count == 0xFFFF:
        where = len(archive) - len(tail) + at - LOCATOR64.size
        if where >= 0 and bytes(archive[where : where + 4]) == b"PK\x06\x07":
            end = LOCATOR64.unpack_from(archive, where)[2]
            if end + END64.size > len(archive) or bytes(archive[end : end + 4]) != b"PK\x06\x06":
                raise BadArchive("the ZIP64 directory's end is not where its locator says")
            _, _, _, _, _, _, _, count, size, start = END64.unpack_from(archive, end)
    return count, size, start


def _zip64(extra: memoryview, full: int, packed: int, offset: int) -> tuple[int, int, int]:
    """Sizes and offset from the ZIP64 extra field (4.5.3), for those that are 0xFFFFFFFF, in order."""
    at = 0
    while at + 4 <= len(extra):
        kind, size = struct.unpack_from("<2H", extra, at)
        if kind == 1 and at + 4 + size <= len(extra):
            values = iter(struct.unpack_from(f"<{size // 8}Q", extra, at + 4))
            return tuple(next(values, MAX32) if value == MAX32 else value for value in (full, packed, offset))  # type: ignore[return-value]
        at += 4 + size
    return full, packed, offset
