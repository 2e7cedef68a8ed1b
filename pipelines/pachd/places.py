"""Where objects lie: a local folder, or any fsspec file system. A place knows names and bytes, not files."""

import fcntl
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from pipelines.pachd import disk, faults


class Place(Protocol):
    """Holds immutable objects by name. Picklable, safe from many threads and processes."""

    def put(self, name: str, data: bytes | bytearray) -> None:
        """Make `data` durable under `name`; afterwards its age is counted from now, even if it was there."""

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Bytes of an object; FileNotFoundError when it is not there; fewer bytes when it is too short."""

    def names(self) -> Iterator[tuple[str, int, float]]:
        """Name, size in bytes and time of the last `put` (seconds since the epoch) of every object."""

    def touch(self, name: str) -> None:
        """Count an object's age from now."""

    def delete(self, name: str, before: float) -> bool:
        """Remove an object unless it was put after `before`; whether it was removed."""


@dataclass(frozen=True)
class Folder:
    """A local folder: `ab/abcdef…` under 256 folders, written beside and renamed into place."""

    root: Path

    def put(self, name: str, data: bytes | bytearray) -> None:
        """Sync to disk before the name appears; bytes that are there already are only touched."""
        path = self._path(name)
        with disk.telling(f"{path} cannot be written"):
            if not _touched(path, len(data)):
                disk.make_folder(path.parent)
                disk.write(path, data)
            for folder in (path.parent, self.root, self.root.parent):
                disk.sync_folder(folder)

    def read(self, name: str, offset: int, length: int) -> bytes:
        """Read a range of a file."""
        path = self._path(name)
        with disk.telling(f"{path} cannot be read"), path.open("rb") as file:
            file.seek(offset)
            return file.read(length)

    def names(self) -> Iterator[tuple[str, int, float]]:
        """List the folder, and what crashes left behind (names that begin with a dot)."""
        for path in self.root.glob("*/*"):
            status = path.stat()
            yield path.name, status.st_size, status.st_mtime

    def touch(self, name: str) -> None:
        """Set the file's time."""
        os.utime(self._path(name))
        faults.point("object touched")

    def delete(self, name: str, before: float) -> bool:
        """Remove a file unless it was put after `before`; a `put` of it waits and writes anew."""
        left = self.root.glob(f"*/{name}") if name.startswith(".") else ()
        path = next(iter(left), self._path(name))
        try:
            with _locked(path, fcntl.LOCK_EX) as status:
                if status.st_mtime >= before:
                    return False
                path.unlink()
                faults.point("object removed")
        except FileNotFoundError:
            return False
        return True

    def _path(self, name: str) -> Path:
        return self.root / name.removeprefix("pack-")[:2] / name


@dataclass(frozen=True)
class Remote:
    """A prefix on an fsspec file system, such as `s3://bucket/objects`."""

    url: str

    def put(self, name: str, data: bytes | bytearray) -> None:
        """One upload; object stores show an object only when all of it is there."""
        with disk.telling(f"{self.url} cannot be written"):
            self._files.pipe_file(self._path(name), bytes(data))
        faults.point("object uploaded")

    def read(self, name: str, offset: int, length: int) -> bytes:
        """One ranged request."""
        if not length:
            return b""
        with disk.telling(f"{self.url} cannot be read"):
            return bytes(self._files.cat_file(self._path(name), start=offset, end=offset + length))

    def names(self) -> Iterator[tuple[str, int, float]]:
        """List every object below the prefix."""
        self._files.invalidate_cache()
        for path, detail in self._files.find(self._prefix, detail=True).items():
            yield path.rsplit("/", 1)[1], int(detail["size"]), _put_time(detail)

    def touch(self, name: str) -> None:
        """Upload the object again."""
        self._files.pipe_file(self._path(name), self._files.cat_file(self._path(name)))
        faults.point("object touched")

    def delete(self, name: str, before: float) -> bool:
        """Look at the object's age once more, then remove it."""
        self._files.invalidate_cache()
        try:
            if _put_time(self._files.info(self._path(name))) >= before:
                return False
            self._files.rm_file(self._path(name))
            faults.point("object removed")
        except FileNotFoundError:
            return False
        return True

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


def _put_time(detail: Mapping[str, Any]) -> float:
    """When fsspec says an object was written; now when it does not say."""
    time_of = detail.get("LastModified") or detail.get("mtime") or detail.get("created") or time.time()
    return float(time_of.timestamp() if isinstance(time_of, datetime) else time_of)


def _touched(path: Path, size: int) -> bool:
    """Whether a file of this size is there, its age counted from now."""
    try:
        with _locked(path, fcntl.LOCK_SH) as status:
            os.utime(path)
            faults.point("object kept")
            return status.st_size == size
    except FileNotFoundError:
        return False


@contextmanager
def _locked(path: Path, kind: int) -> Iterator[os.stat_result]:
    """Hold a file's lock; its status under it. FileNotFoundError when it is gone by then."""
    with path.open("rb") as file:
        fcntl.flock(file, kind)
        status = path.stat()
        if not os.path.samestat(status, os.fstat(file.fileno())):
            raise FileNotFoundError(f"{path} is another file by now")
        yield status
