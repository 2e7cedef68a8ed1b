"""Where objects lie: a local folder, or any fsspec file system. A place knows names and bytes, not files."""

import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol


class Place(Protocol):
    """Holds immutable objects by name. Picklable, safe from many threads and processes."""

    def put(self, name: str, data: bytes) -> None:
        """Make `data` durable under `name`; afterwards its age is counted from now, even if it was there."""

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Bytes of an object; FileNotFoundError when it is not there; fewer bytes when it is too short."""

    def names(self) -> Iterator[tuple[str, int, float]]:
        """Name, size in bytes and time of the last `put` (seconds since the epoch) of every object."""

    def delete(self, name: str) -> None:
        """Remove an object."""


@dataclass(frozen=True)
class Folder:
    """A local folder: `ab/abcdef…` under 256 folders, written beside and renamed into place."""

    root: Path

    def put(self, name: str, data: bytes) -> None:
        """Sync to disk before the name appears; bytes that are there already are only touched."""
        path = self._path(name)
        if path.exists() and path.stat().st_size == len(data):
            os.utime(path)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f".{uuid.uuid4().hex}")
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Read a range of a file."""
        with self._path(name).open("rb") as file:
            file.seek(offset)
            return file.read(length)

    def names(self) -> Iterator[tuple[str, int, float]]:
        """List the folder, and what crashes left behind (names that begin with a dot)."""
        for path in self.root.glob("*/*"):
            status = path.stat()
            yield path.name, status.st_size, status.st_mtime

    def delete(self, name: str) -> None:
        """Remove a file; one that is gone already is fine."""
        paths = self.root.glob(f"*/{name}") if name.startswith(".") else [self._path(name)]
        for path in paths:
            path.unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self.root / name.removeprefix("pack-")[:2] / name


@dataclass(frozen=True)
class Remote:
    """A prefix on an fsspec file system, such as `s3://bucket/objects`."""

    url: str

    def put(self, name: str, data: bytes) -> None:
        """One upload; object stores show an object only when all of it is there."""
        self._files.pipe_file(self._path(name), data)

    def read(self, name: str, offset: int, length: int) -> bytes:
        """One ranged request."""
        if not length:
            return b""
        return bytes(self._files.cat_file(self._path(name), start=offset, end=offset + length))

    def names(self) -> Iterator[tuple[str, int, float]]:
        """List every object below the prefix."""
        self._files.invalidate_cache()
        for path, detail in self._files.find(self._prefix, detail=True).items():
            changed = detail.get("LastModified") or detail.get("mtime") or detail.get("created")
            stamp = changed.timestamp() if hasattr(changed, "timestamp") else float(changed or time.time())
            yield path.rsplit("/", 1)[1], int(detail["size"]), stamp

    def delete(self, name: str) -> None:
        """Remove an object; one that is gone already is fine."""
        self._files.invalidate_cache()
        if self._files.exists(self._path(name)):
            self._files.rm_file(self._path(name))

    @property
    def _files(self) -> Any:
        import fsspec

        return fsspec.core.url_to_fs(self.url)[0]

    @property
    def _prefix(self) -> str:
        return self.url.split("://", 1)[1].rstrip("/")

    def _path(self, name: str) -> str:
        return f"{self._prefix}/{name.removeprefix('pack-')[:2]}/{name}"


def place_at(root: str) -> Place:
    """The place `root` names: an fsspec URL when it has a scheme, a folder otherwise."""
    if "://" in root:
        return Remote(root)
    return Folder(Path(root))


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
