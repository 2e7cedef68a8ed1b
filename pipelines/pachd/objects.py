"""File contents as immutable objects named by their hash: what makes commits atomic and datums skippable.

Small files are packed together, because a file system pays more for a file than for its bytes; a large file
is cut every 16 MiB, each cut an object of its own, because a cut that did not change need not be stored
again. A file's hash depends on its bytes only, never on how they happened to be packed. Every object can be
checked alone: a cut is named by its SHA-256, a pack ends in it. Objects are written to a temporary place,
synced and renamed, so a crash leaves garbage but never a half object. Nothing here needs the metadata
database: workers in other processes read and write the store directly.
"""

import hashlib
import io
import os
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Self

from pipelines.pachd.errors import IntegrityError
from pipelines.pachd.places import Place, place_at

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

CHUNK_BYTES: Final = 16 << 20
PACK_BYTES: Final = 64 << 20
SEAL_BYTES: Final = 32
EMPTY_HASH: Final = hashlib.sha256(b"").hexdigest()


@dataclass(frozen=True, slots=True)
class Chunk:
    """`length` bytes at `offset` of an object; `hash` is the SHA-256 of exactly those bytes."""

    object: str
    offset: int
    length: int
    hash: str


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file's content: `hash` is its SHA-256, or, beyond one chunk, the SHA-256 of its chunks' hashes."""

    hash: str
    size: int
    chunks: tuple[Chunk, ...]


@dataclass(frozen=True)
class Objects:
    """The store at `root`: a local folder, or the URL of any fsspec file system (`s3://bucket/prefix`)."""

    root: str | Path
    place: Place = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "place", place_at(str(self.root)))

    def writer(self) -> "ObjectWriter":
        """Collect files into new objects; leave the `with` block to make them durable."""
        return ObjectWriter(self.place)

    def read(self, ref: FileRef) -> bytes:
        """The whole content; raises IntegrityError when it is not what was written."""
        return b"".join(self.stream(ref))

    def stream(self, ref: FileRef, offset: int = 0) -> Iterator[bytes]:
        """The content from `offset` in pieces of at most 16 MiB, each checked against its hash."""
        for chunk in ref.chunks:
            if offset < chunk.length:
                data = self.chunk(chunk)
                yield data[offset:] if offset else data
            offset = max(0, offset - chunk.length)

    def chunk(self, chunk: Chunk) -> bytes:
        """The bytes of one chunk; raises IntegrityError naming the object when they changed or are gone."""
        try:
            data = self.place.read(chunk.object, chunk.offset, chunk.length)
        except FileNotFoundError as error:
            raise IntegrityError(f"object {chunk.object} is missing from {self.root}") from error
        if hashlib.sha256(data).hexdigest() != chunk.hash:
            raise IntegrityError(
                f"object {chunk.object} is damaged",
                got=f"{len(data)} bytes at {chunk.offset} with SHA-256 {hashlib.sha256(data).hexdigest()}",
                expected=f"{chunk.length} bytes with SHA-256 {chunk.hash}",
                hint="`forewarn fsck` lists the files it holds; push those again",
            )
        return data

    def intact(self, name: str) -> bool:
        """Whether an object as a whole is what was written, also where no file needs it."""
        data = self.place.read(name, 0, PACK_BYTES + SEAL_BYTES + 1)
        if name.startswith("pack-"):
            return hashlib.sha256(data[:-SEAL_BYTES]).digest() == data[-SEAL_BYTES:]
        return hashlib.sha256(data).hexdigest() == name

    def open(self, ref: FileRef) -> BinaryIO:
        """A seekable reader that holds at most one chunk in memory."""
        return io.BufferedReader(_Reader(self, ref), 1 << 16)

    def copy_to(self, ref: FileRef, path: str | Path) -> None:
        """Write the content to a new local file."""
        with Path(path).open("wb") as file:
            file.writelines(self.stream(ref))


class ObjectWriter:
    """Puts files into objects; what `add` returned can be read once the `with` block was left.

    Leaving the block by an exception abandons the pack that was being filled.
    """

    def __init__(self, place: Place) -> None:
        self._place = place
        self._begin_pack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.flush()

    def add(self, data: bytes | BinaryIO) -> FileRef:
        """Store one file's content, reading a stream to its end in bounded memory, and say where it is."""
        if isinstance(data, bytes):
            return self.extend((), iter((data,)))
        return self.extend((), iter(lambda: data.read(CHUNK_BYTES), b""))

    def extend(self, kept: tuple[Chunk, ...], pieces: Iterator[bytes | memoryview]) -> FileRef:
        """A file that begins with the full chunks `kept` and goes on with `pieces` of any size."""
        chunks = list(kept)
        held = bytearray()
        for piece in pieces:
            rest = memoryview(piece)
            while len(held) + len(rest) >= CHUNK_BYTES:
                cut = CHUNK_BYTES - len(held)
                held += rest[:cut]
                rest = rest[cut:]
                chunks.append(self._store(held))
                held = bytearray()
            held += rest
        if held:
            chunks.append(self._store(held))
        return file_of(chunks)

    def join(self, objects: Objects, refs: Sequence[FileRef]) -> FileRef:
        """A file of the contents of `refs` one after the other; full chunks of the first are shared."""
        first, *others = refs
        kept = tuple(chunk for chunk in first.chunks if chunk.length == CHUNK_BYTES)
        rest = objects.stream(first, sum(chunk.length for chunk in kept))
        return self.extend(kept, chain(rest, *map(objects.stream, others)))

    def flush(self) -> None:
        """Make everything added so far durable."""
        if self._pack:
            self._pack += hashlib.sha256(self._pack).digest()
            self._place.put(self._pack_name, self._pack)
            self._begin_pack()

    def _begin_pack(self) -> None:
        self._pack_name = f"pack-{uuid.uuid4().hex}"
        self._pack = bytearray()
        self._packed: dict[str, Chunk] = {}

    def _store(self, data: bytearray) -> Chunk:
        digest = hashlib.sha256(data).hexdigest()
        if len(data) == CHUNK_BYTES:
            self._place.put(digest, data)
            return Chunk(digest, 0, len(data), digest)
        if len(self._pack) + len(data) > PACK_BYTES:
            self.flush()
        if digest not in self._packed:
            self._packed[digest] = Chunk(self._pack_name, len(self._pack), len(data), digest)
            self._pack += data
        return self._packed[digest]


class _Hasher(ObjectWriter):
    """Cuts and hashes as every writer does, and keeps nothing."""

    def __init__(self) -> None:
        pass

    def _store(self, data: bytearray) -> Chunk:
        return Chunk("", 0, len(data), hashlib.sha256(data).hexdigest())


def content_of(data: bytes | BinaryIO) -> FileRef:
    """The hash and size a content has in every store, without storing it."""
    return _Hasher().add(data)


def file_of(chunks: Iterable[Chunk]) -> FileRef:
    """The file whose content is `chunks` one after the other."""
    parts = tuple(chunks)
    match parts:
        case ():
            digest = EMPTY_HASH
        case (only,):
            digest = only.hash
        case _:
            digest = hashlib.sha256("".join(part.hash for part in parts).encode()).hexdigest()
    return FileRef(digest, sum(part.length for part in parts), parts)


class _Reader(io.RawIOBase):
    """A file over its chunks, reading one at a time."""

    def __init__(self, objects: Objects, ref: FileRef) -> None:
        self._objects = objects
        self._chunks = ref.chunks
        self._size = ref.size
        self._at = 0
        self._index = -1
        self._data = b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: "WriteableBuffer") -> int:
        if self._at >= self._size:
            return 0
        index, within = divmod(self._at, CHUNK_BYTES)
        if index != self._index:
            self._data, self._index = self._objects.chunk(self._chunks[index]), index
        view = memoryview(buffer).cast("B")
        count = min(len(view), len(self._data) - within)
        view[:count] = self._data[within : within + count]
        self._at += count
        return count
