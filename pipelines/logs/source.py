"""A pushed file of messages to chunks, whatever it is: told by its first bytes, and lines by its name."""

import mmap
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

import numpy as np

from pipelines.config import LimitsSection
from pipelines.logs import split
from pipelines.logs.archives.members import Members
from pipelines.logs.archives.names import is_lines
from pipelines.logs.archives.others import folder_members, tar_members
from pipelines.logs.archives.unpack import GZIP, ZSTD, Unreadable, gzip_parts, zstd_parts
from pipelines.logs.archives.zipmembers import zip_members
from pipelines.logs.chunk import Chunk
from pipelines.logs.quarantine import Ledger

ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
TAR: Final = b"ustar"
TAR_AT: Final = 257
BLOCK: Final = 4 << 20


def chunks(path: Path, name: str, limits: LimitsSection, ledger: Ledger) -> Iterator[Chunk]:
    """Messages of a ZIP, a tar (also compressed), a folder, a file of lines, or one JSON file.

    What cannot be read goes to the ledger with its reason; the rest is read.
    """
    if path.is_dir():
        yield from _of_members(folder_members(path, limits, ledger))
        return
    with path.open("rb") as file:
        head = file.read(TAR_AT + len(TAR))
    if head.startswith(ZIP):
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        yield from _of_members(zip_members(np.frombuffer(mapped, np.uint8), limits, ledger))
    elif head[TAR_AT:] == TAR:
        yield from _of_members(tar_members(path, limits, ledger))
    else:
        yield from _of_stream(path, name, limits, ledger)


def _of_members(groups: Iterable[Members]) -> Iterator[Chunk]:
    for group in groups:
        begin = 0
        for place in sorted(group.of_lines):
            yield from _whole(group, begin, place)
            yield from split.lines([group.contents[place]], group.name(place), len(group.contents[place]))
            begin = place + 1
        yield from _whole(group, begin, len(group.contents))


def _whole(group: Members, begin: int, end: int) -> Iterator[Chunk]:
    if begin < end:
        yield from split.members(group.contents[begin:end], lambda place: group.name(begin + place))


def _of_stream(path: Path, name: str, limits: LimitsSection, ledger: Ledger) -> Iterator[Chunk]:
    """A single file, unfolded as it is read; what was read before it breaks counts."""
    blocks = _limited(_unfolded(path, limits), path.stat().st_size, limits)
    try:
        first = next(blocks, b"")
        if first[TAR_AT : TAR_AT + len(TAR)] == TAR:
            yield from _packed_tar(first, blocks, limits, ledger)
        elif is_lines(name):
            yield from split.lines(_chain(first, blocks), "", limits.entry_bytes)
        else:
            yield from split.members([_joined(_chain(first, blocks), limits)], lambda _: "")
    except Unreadable as error:
        ledger.refuse_member(error.reason, path.read_bytes()[: limits.entry_bytes], detail=str(error))


def _unfolded(path: Path, limits: LimitsSection) -> Iterator[bytes]:
    with path.open("rb") as file:
        blocks = iter(lambda: file.read(BLOCK), b"")
        first = next(blocks, b"")
        whole = _chain(first, blocks)
        if first.startswith(GZIP):
            yield from gzip_parts(whole)
        elif first.startswith(ZSTD):
            yield from zstd_parts(whole, limits)
        else:
            yield from whole


def _limited(blocks: Iterable[bytes], packed: int, limits: LimitsSection) -> Iterator[bytes]:
    total = 0
    for block in blocks:
        total += len(block)
        if total > limits.total_bytes:
            raise Unreadable("total_too_large", f"more than {limits.total_bytes} bytes")
        if total > limits.compression_ratio * packed:
            raise Unreadable("compression_ratio", f"more than {total} bytes out of {packed}")
        yield block


def _joined(blocks: Iterable[bytes], limits: LimitsSection) -> bytes:
    parts, size = [], 0
    for block in blocks:
        parts.append(block)
        size += len(block)
        if size > limits.entry_bytes:
            raise Unreadable("entry_too_large", f"more than {limits.entry_bytes} bytes")
    return b"".join(parts)


def _packed_tar(
    first: bytes, blocks: Iterable[bytes], limits: LimitsSection, ledger: Ledger
) -> Iterator[Chunk]:
    """A compressed tar, unfolded into a file that goes when it is read: its members need an order."""
    with NamedTemporaryFile(suffix=".tar") as unfolded:
        broken = None
        try:
            for block in _chain(first, blocks):
                unfolded.write(block)
        except Unreadable as error:
            broken = error
        unfolded.flush()
        yield from _of_members(tar_members(Path(unfolded.name), limits, ledger))
    if broken is not None:
        raise broken


def _chain(first: bytes, blocks: Iterable[bytes]) -> Iterator[bytes]:
    yield first
    yield from blocks
