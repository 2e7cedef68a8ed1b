"""A single file as blocks of its content: gzip and zstd are unfolded as they are read, and counted."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from pipelines.config import LimitsSection
from pipelines.logs.archives.unpack import GZIP, ZSTD, Unreadable, gzip_parts, zstd_parts

BLOCK: Final = 4 << 20


def content_blocks(path: Path, limits: LimitsSection) -> Iterator[bytes]:
    """The file's content; raises Unreadable where it breaks, or with total_too_large or compression_ratio."""
    packed, total = path.stat().st_size, 0
    for block in _unfolded(path, limits):
        total += len(block)
        if total > limits.total_bytes:
            raise Unreadable("total_too_large", f"more than {limits.total_bytes} bytes")
        if total > limits.compression_ratio * packed:
            raise Unreadable("compression_ratio", f"more than {total} bytes out of {packed}")
        yield block


def chain(first: bytes, blocks: Iterable[bytes]) -> Iterator[bytes]:
    """A block and those after it."""
    yield first
    yield from blocks


def _unfolded(path: Path, limits: LimitsSection) -> Iterator[bytes]:
    with path.open("rb") as file:
        blocks = iter(lambda: file.read(BLOCK), b"")
        first = next(blocks, b"")
        whole = chain(first, blocks)
        if first.startswith(GZIP):
            yield from gzip_parts(whole)
        elif first.startswith(ZSTD):
            yield from zstd_parts(whole, limits)
        else:
            yield from whole
