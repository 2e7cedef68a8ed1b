"""Compressed bytes to content, counted while they unfold, so that a small bomb cannot fill the memory."""

import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from isal import igzip_lib, isal_zlib

from pipelines.config import LimitsSection

GZIP: Final = b"\x1f\x8b"
ZSTD: Final = b"\x28\xb5\x2f\xfd"
DEFLATE_BOUND: Final = 1_032
GZIP_BITS: Final = 31
RAW_BITS: Final = -15
STEP: Final = 512
PART: Final = 4 << 20


class Unreadable(Exception):  # noqa: N818 - a verdict on the bytes
    """A member cannot be read; `reason` is the quarantine's code."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(detail)
        self.reason = reason


def unpack(raw: bytes, limits: LimitsSection) -> bytes:
    """Content of gzip or zstd bytes, told by their first bytes; others are content already.

    Raises Unreadable with truncated_gzip, bad_crc, bad_gzip, bad_zstd, entry_too_large or compression_ratio.
    """
    if raw.startswith(GZIP):
        return gunzip(raw, limits)
    if raw.startswith(ZSTD):
        return unzstd(raw, limits)
    return raw


def gunzip(raw: bytes, limits: LimitsSection) -> bytes:
    """Content of one or more gzip streams; zeros after the last are padding. Raises Unreadable."""
    parts, rest, size = [], raw, 0
    limit = _limit(len(raw), limits)
    while rest:
        stream = isal_zlib.decompressobj(GZIP_BITS)
        part = _unfold(stream, rest, limit - size, "gzip")
        parts.append(part)
        size += len(part)
        _within(size, limit, limits)
        if not stream.eof:
            raise Unreadable("truncated_gzip", f"{size} bytes could be read")
        rest = stream.unused_data.lstrip(b"\0")
    return b"".join(parts)


def inflate(raw: bytes, size: int, crc: int, limits: LimitsSection) -> bytes:
    """Content of a deflated ZIP member of declared size and CRC-32. Raises Unreadable."""
    limit = _limit(len(raw), limits)
    stream = isal_zlib.decompressobj(RAW_BITS)
    content = _unfold(stream, raw, limit, "deflate")
    _within(len(content), limit, limits)
    if not stream.eof:
        raise Unreadable("truncated_deflate", f"{len(content)} bytes could be read")
    check(content, size, crc)
    return content


def check(content: bytes, size: int, crc: int) -> None:
    """Compare with what the directory declares. Raises Unreadable with size_mismatch or bad_crc."""
    if len(content) != size:
        raise Unreadable("size_mismatch", f"{len(content)} bytes, the directory says {size}")
    if isal_zlib.crc32(content) != crc:
        raise Unreadable("bad_crc", "the CRC-32 differs from the directory's")


def unzstd(raw: bytes, limits: LimitsSection) -> bytes:
    """Content of one or more zstd frames. Raises Unreadable with truncated_zstd, bad_zstd or a limit."""
    limit = _limit(len(raw), limits)
    parts, size = [], 0
    for part in zstd_parts([raw], limits):
        parts.append(part)
        size += len(part)
        _within(size, limit, limits)
    return b"".join(parts)


def zstd_parts(blocks: Iterable[bytes], limits: LimitsSection) -> Iterator[bytes]:
    """Content of zstd frames in parts. Raises Unreadable where it ends or breaks.

    The input is fed in small steps, as each can unfold a thousandfold.
    """
    import zstandard

    stream = None
    try:
        for block in blocks:
            for at in range(0, len(block), STEP):
                rest = block[at : at + STEP]
                while rest:
                    if stream is None:
                        maker = zstandard.ZstdDecompressor(max_window_size=max(limits.entry_bytes, 1 << 20))
                        stream = maker.decompressobj()
                    yield stream.decompress(rest)
                    rest = stream.unused_data if stream.eof else b""
                    stream = None if stream.eof else stream
    except zstandard.ZstdError as error:
        raise Unreadable("bad_zstd", str(error)) from error
    if stream is not None:
        raise Unreadable("truncated_zstd", "the last frame is cut off")


def gzip_parts(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Content of gzip streams in parts of at most PART bytes. Raises Unreadable where it ends or breaks."""
    stream = None
    for block in blocks:
        rest = block
        while rest:
            if stream is None:
                rest = rest.lstrip(b"\0")
                if not rest:
                    break
                stream = isal_zlib.decompressobj(GZIP_BITS)
            yield _unfold(stream, rest, PART, "gzip")
            rest = stream.unused_data if stream.eof else stream.unconsumed_tail
            stream = None if stream.eof else stream
    if stream is not None:
        raise Unreadable("truncated_gzip", "the last stream is cut off")


def _unfold(stream: Any, raw: bytes, room: int, kind: str) -> bytes:
    """At most one byte more than `room`, so that too much shows."""
    decompress: Callable[[bytes, int], bytes] = stream.decompress
    try:
        return decompress(raw, room + 1)
    except (igzip_lib.IsalError, zlib.error) as error:  # type: ignore[misc]
        reason = "bad_crc" if "checksum" in str(error) else f"bad_{kind}"
        raise Unreadable(reason, str(error)) from error


def _limit(packed: int, limits: LimitsSection) -> int:
    return min(limits.entry_bytes, int(limits.compression_ratio * max(packed, 1)))


def _within(size: int, limit: int, limits: LimitsSection) -> None:
    if size > limit:
        too_large = limit == limits.entry_bytes
        raise Unreadable("entry_too_large" if too_large else "compression_ratio", f"more than {limit} bytes")
