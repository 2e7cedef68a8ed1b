"""The register of contents: where the bytes behind a file's hash lie. What it does not know is not stored."""

import sqlite3
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

import msgspec

from pipelines.pachd.metadata import Metadata
from pipelines.pachd.objects import Chunk, FileRef

_CHUNKS: Final = msgspec.msgpack.Decoder(tuple[tuple[str, int, int, str], ...])


class Contents:
    """Maps the hash of a content to its chunks; safe from many threads."""

    def __init__(self, metadata: Metadata) -> None:
        self._metadata = metadata
        self._ref = lru_cache(maxsize=100_000)(self._find)

    def register(self, refs: list[FileRef], *, replace: bool = False) -> None:
        """Remember where contents lie; the first place of a content is kept, or the last with `replace`."""
        verb = "REPLACE" if replace else "INSERT OR IGNORE"
        self._metadata.run_many(
            f"{verb} INTO files (hash, size, chunks) VALUES (?, ?, ?)",
            [(r.hash, r.size, msgspec.msgpack.encode([_fields(c) for c in r.chunks])) for r in refs],
        )

    def ref(self, content: str) -> FileRef:
        """Where the content with this hash lies; raises NotFoundError when it is not registered."""
        return self._ref(content)

    def known(self, content: str) -> bool:
        """Whether a content is registered."""
        return self._metadata.value("SELECT 1 FROM files WHERE hash = ?", content) is not None

    def all(self) -> Iterator[FileRef]:
        """Every content and where it lies."""
        last = ""
        while rows := self._metadata.rows(
            "SELECT * FROM files WHERE hash > ? ORDER BY hash LIMIT 1000", last
        ):
            for row in rows:
                yield _ref_of(row)
            last = rows[-1]["hash"]

    def remove(self, contents: list[str]) -> None:
        """Forget where contents lie: nothing needs them, or they cannot be read there."""
        with self._metadata.transaction():
            self._metadata.run_many("DELETE FROM files WHERE hash = ?", [(content,) for content in contents])
            self.forget()

    def forget(self) -> None:
        """Drop what is held in memory, after places changed."""
        self._ref.cache_clear()

    def _find(self, content: str) -> FileRef:
        row = self._metadata.the(f"content {content}", "SELECT * FROM files WHERE hash = ?", content)
        return _ref_of(row)


def _ref_of(row: sqlite3.Row) -> FileRef:
    chunks = tuple(Chunk(*fields) for fields in _CHUNKS.decode(row["chunks"]))
    return FileRef(row["hash"], row["size"], chunks)


def _fields(chunk: Chunk) -> tuple[str, int, int, str]:
    return chunk.object, chunk.offset, chunk.length, chunk.hash
