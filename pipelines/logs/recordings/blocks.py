"""Compressed blocks within recordings, unfolded up to a limit, and as far as they go where they break off."""

import bz2
from collections.abc import Callable, Iterator
from typing import Any, Final

from pipelines.logs.archives.unpack import Unreadable

STEP: Final = 1 << 20


def unfold(raw: bytes, compression: str, limit: int, *, cut_off: bool = False) -> bytes:
    """The content of a block ('' or none, zstd, lz4, bz2); with `cut_off`, as much of it as there is.

    Raises Unreadable with compression_unsupported, entry_too_large, bad_block, or truncated_block when the
    block ends early and `cut_off` does not allow for it.
    """
    if compression in ("", "none"):
        return raw
    stream = _stream(compression, limit)
    parts, size = [], 0
    try:
        for part in stream(raw):
            parts.append(part)
            size += len(part)
            if size > limit:
                break
    except EOFError as end:
        if not cut_off:
            raise Unreadable("truncated_block", f"{size} bytes could be read") from end
    except Exception as error:
        if not cut_off:
            raise Unreadable("bad_block", f"{compression}: {error}") from error
    if size > limit:
        raise Unreadable("entry_too_large", f"a block of more than {limit} bytes")
    return b"".join(parts)


def _stream(compression: str, limit: int) -> Callable[[bytes], Iterator[bytes]]:
    if compression == "zstd":
        return lambda raw: _zstd(raw, limit)
    if compression == "lz4":
        from lz4.frame import LZ4FrameDecompressor

        return lambda raw: _bounded(raw, LZ4FrameDecompressor())
    if compression == "bz2":
        return lambda raw: _bounded(raw, bz2.BZ2Decompressor())
    raise Unreadable("compression_unsupported", compression)


def _bounded(raw: bytes, stream: Any) -> Iterator[bytes]:
    """Parts from a decompressor that takes the most it may give; EOFError where the input ends early."""
    while not stream.eof:
        part = stream.decompress(raw, STEP)
        if not part and not stream.eof and (stream.needs_input or not raw):
            raise EOFError
        raw = b""
        yield part


def _zstd(raw: bytes, limit: int) -> Iterator[bytes]:
    """The parts of one zstd frame, fed in small steps, as each can unfold a thousandfold."""
    import zstandard

    stream = zstandard.ZstdDecompressor(max_window_size=max(limit, STEP)).decompressobj()
    for at in range(0, len(raw), 512):
        yield stream.decompress(raw[at : at + 512])
        if stream.eof:
            return
    raise EOFError
