"""Reads a ZIP's directory as arrays: a day archive holds tens of thousands of members.

The standard library makes a Python object and a file handle of every member, which costs more than reading
it. Layout: APPNOTE.TXT 6.3.10 (end of directory 4.3.16, ZIP64 4.3.14 and 4.5.3, central header 4.3.12, local
header 4.3.7).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from pipelines.logs.scan.lanes import byte

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

END: Final = b"PK\x05\x06"
END_SIZE: Final = 22
CENTRAL_SIZE: Final = 46
LOCAL_SIZE: Final = 30
MAX_COMMENT: Final = 0xFFFF
MAX32: Final = 0xFFFF_FFFF
AT_ONCE: Final = 1_024
PIECE: Final = 16 << 20
LOCAL: Final = b"PK\x03\x04"


class BadArchive(Exception):  # noqa: N818 - a verdict on the file
    """The bytes are not a ZIP one can read; the text says why."""


class Entries(NamedTuple):
    """One row a member, in the directory's order, with sizes and offsets as declared.

    `data` is where its bytes begin by its local header, -1 when there is none that fits the entry.
    """

    name: Ints
    name_size: Ints
    flags: Ints
    method: Ints
    crc: Ints
    packed: Ints
    size: Ints
    offset: Ints
    mode: Ints
    data: Ints


@dataclass(frozen=True)
class Directory:
    """The members of an archive in memory."""

    archive: Bytes
    entries: Entries
    start: int
    """Where the directory begins: no member may reach beyond."""

    def __len__(self) -> int:
        return len(self.entries.name)

    def name(self, entry: int) -> str:
        """A member's name; bytes that are no text in its declared encoding are escaped."""
        start, size = self.entries.name[entry], self.entries.name_size[entry]
        encoding = "utf-8" if self.entries.flags[entry] & 0x800 else "cp437"
        return self.archive[start : start + size].tobytes().decode(encoding, "backslashreplace")


def read_directory(archive: Bytes, forget: Callable[[], None] = lambda: None) -> Directory:
    """The directory at the end of the archive. Raises BadArchive.

    `forget` is called now and then: pages of a mapped file that were read need not stay in memory.
    """
    count, start, shift = _locate(archive)
    entries = Entries(*np.zeros((len(Entries._fields), count), np.int64))
    at = start
    for first in range(0, count, AT_ONCE):
        some = Entries(*(column[first : first + AT_ONCE] for column in entries))
        done, at = _walk(archive, at, shift, some)
        if done < len(some.name):
            raise BadArchive(f"entry {first + done} of {count} in the directory is damaged")
        forget()
    return Directory(archive, entries, start)


def recover_directory(archive: Bytes) -> Directory:
    """What local headers tell, from the first byte on, of an archive whose directory is lost or damaged.

    Ends at the first member that is cut off, or whose size only its lost directory knew.
    """
    count = sum(
        archive[at : at + PIECE + len(LOCAL) - 1].tobytes().count(LOCAL)
        for at in range(0, len(archive), PIECE)
    )
    entries = Entries(*np.zeros((len(Entries._fields), count), np.int64))
    found, end = _follow(archive, entries)
    return Directory(archive, Entries(*(column[:found] for column in entries)), end)


def _locate(archive: Bytes) -> tuple[int, int, int]:
    """Number of entries, where the first is, and how far the archive was moved by bytes before it."""
    tail_at = max(0, len(archive) - END_SIZE - MAX_COMMENT)
    tail = archive[tail_at:].tobytes()
    at = tail.rfind(END)
    if at < 0 or at + END_SIZE > len(tail):
        raise BadArchive("no end of directory: the file is no ZIP, or was cut off")
    count, size, start = (_number(tail, at + place, width) for place, width in ((10, 2), (12, 4), (16, 4)))
    end = tail_at + at
    locator = at - 20
    if locator >= 0 and tail[locator : locator + 4] == b"PK\x06\x07":
        record_at = _number(tail, locator + 8, 8)
        record = archive[record_at : record_at + 56].tobytes()
        if len(record) == 56 and record[:4] == b"PK\x06\x06":
            end = record_at
            count, size, start = (_number(record, place, 8) for place in (32, 40, 48))
        elif count == 0xFFFF or MAX32 in (size, start):
            raise BadArchive("the ZIP64 end of directory is not where its locator says")
    shift = end - size - start
    if shift < 0 or size < count * CENTRAL_SIZE:
        raise BadArchive("the directory lies outside the file")
    return count, start + shift, shift


def _number(data: bytes, at: int, width: int) -> int:
    return int.from_bytes(data[at : at + width], "little")


@njit(cache=True, nogil=True)
def _field(archive, at, size):  # type: ignore[no-untyped-def]
    """A little-endian number of `size` bytes."""
    value = np.int64(0)
    for place in range(size):
        value |= byte(archive, at + place) << (8 * place)
    return value


@njit(cache=True, nogil=True)
def _walk(archive, at, shift, entries):  # type: ignore[no-untyped-def]
    """Fill the entries' rows; returns how many could be read, and where the next stands."""
    end = archive.size
    for row in range(entries.name.size):
        if at + CENTRAL_SIZE > end or _field(archive, at, 4) != 0x02014B50:
            return row, at
        name_size, extra_size = _field(archive, at + 28, 2), _field(archive, at + 30, 2)
        note_size = _field(archive, at + 32, 2)
        extra = at + CENTRAL_SIZE + name_size
        if extra + extra_size + note_size > end:
            return row, at
        packed, size, offset = (
            _field(archive, at + 20, 4),
            _field(archive, at + 24, 4),
            _field(archive, at + 42, 4),
        )
        if packed == MAX32 or size == MAX32 or offset == MAX32:
            place, last = extra, extra + extra_size
            while place + 4 <= last:
                kind, length = _field(archive, place, 2), _field(archive, place + 2, 2)
                place += 4
                if kind == 1 and place + length <= last:
                    stop = place + length
                    if size == MAX32 and place + 8 <= stop:
                        size, place = _field(archive, place, 8), place + 8
                    if packed == MAX32 and place + 8 <= stop:
                        packed, place = _field(archive, place, 8), place + 8
                    if offset == MAX32 and place + 8 <= stop:
                        offset = _field(archive, place, 8)
                    break
                place += length
        entries.name[row], entries.name_size[row] = at + CENTRAL_SIZE, name_size
        entries.flags[row], entries.method[row] = _field(archive, at + 8, 2), _field(archive, at + 10, 2)
        entries.crc[row], entries.mode[row] = _field(archive, at + 16, 4), _field(archive, at + 40, 2)
        entries.packed[row], entries.size[row], entries.offset[row] = packed, size, offset + shift
        entries.data[row] = _data(archive, offset + shift, at + CENTRAL_SIZE, name_size, packed)
        at = extra + extra_size + note_size
    return entries.name.size, at


@njit(cache=True, nogil=True)
def _follow(archive, entries):  # type: ignore[no-untyped-def]
    """Fill rows from consecutive local headers; returns how many, and where they end."""
    at, row = np.int64(0), 0
    while (
        row < entries.name.size and at + LOCAL_SIZE <= archive.size and _field(archive, at, 4) == 0x04034B50
    ):
        flags, packed, name_size = (
            _field(archive, at + 6, 2),
            _field(archive, at + 18, 4),
            _field(archive, at + 26, 2),
        )
        data = at + LOCAL_SIZE + name_size + _field(archive, at + 28, 2)
        if flags & 8 or packed == MAX32 or data + packed > archive.size:
            break
        entries.name[row], entries.name_size[row] = at + LOCAL_SIZE, name_size
        entries.flags[row], entries.method[row] = flags, _field(archive, at + 8, 2)
        entries.crc[row], entries.size[row] = _field(archive, at + 14, 4), _field(archive, at + 22, 4)
        entries.packed[row], entries.offset[row], entries.data[row] = packed, at, data
        at = data + packed
        row += 1
    return row, at


@njit(cache=True, nogil=True)
def _data(archive, offset, name, name_size, packed):  # type: ignore[no-untyped-def]
    """Where a member's bytes begin, -1 unless its local header names it and its bytes end in the file."""
    if offset < 0 or packed < 0 or offset + LOCAL_SIZE + name_size > archive.size:
        return -1
    if _field(archive, offset, 4) != 0x04034B50 or _field(archive, offset + 26, 2) != name_size:
        return -1
    for place in range(name_size):
        if byte(archive, offset + LOCAL_SIZE + place) != byte(archive, name + place):
            return -1
    data = offset + LOCAL_SIZE + name_size + _field(archive, offset + 28, 2)
    return data if data + packed <= archive.size else -1
