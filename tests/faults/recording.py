"""Records what a process does to a folder: Python's own calls, and SQLite's through a file layer of ours.

The engine is not changed for it. Its calls of `os` are listened to; its SQLite is replaced by one (apsw's,
which is a newer SQLite with the same journal) whose file layer may be written in Python.
"""
# ruff: noqa: N802 - xOpen and its like are SQLite's names

import errno
import itertools
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import apsw
import pytest

from pipelines.pachd import disk, metadata
from pipelines.pachd.places import Folder
from tests.faults.lost_power import Op

_NUMBER = itertools.count()
_JOURNALS = apsw.SQLITE_OPEN_MAIN_JOURNAL | apsw.SQLITE_OPEN_SUPER_JOURNAL

CODES = {
    apsw.FullError: sqlite3.SQLITE_FULL,
    apsw.IOError: sqlite3.SQLITE_IOERR,
    apsw.CantOpenError: sqlite3.SQLITE_CANTOPEN,
}


class Record:
    """The calls, in the order they were made; reads are heard, not kept.

    `ack` notes what somebody was told is done. `before_call` may raise OSError: then the call fails with it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.ops: list[Op] = []
        self.before_call: Callable[[Op], None] = lambda _: None
        self._lock = threading.RLock()

    def ack(self, value: object) -> None:
        self.add("ack", self.root, value=value)

    def add(self, kind: str, path: str | Path, to: str | Path = "", **more: Any) -> None:
        with self._lock:
            target = str(Path(to).relative_to(self.root)) if to else ""
            place = str(Path(path).relative_to(self.root))
            op = Op(kind, "" if place == "." else place, target, **more)
            self.before_call(op)
            if kind != "read":
                self.ops.append(op)

    def watches(self, path: Any) -> bool:
        if isinstance(path, int):
            return False
        return Path(path) == self.root or (
            Path(path).is_relative_to(self.root)
            and not {"scratch", "lock"} & set(Path(path).relative_to(self.root).parts)
        )


@contextmanager
def recorded(root: Path) -> Iterator[Record]:
    """Record what is done below `root`, a folder that exists, by engines opened inside."""
    record = Record(root)
    vfs = RecordingVFS(record)
    with pytest.MonkeyPatch.context() as patch:
        listen(record, patch)
        ours = {**vars(sqlite3), "connect": lambda path, **_: Connection(path, vfs.name)}
        patch.setattr(metadata, "sqlite3", SimpleNamespace(**ours))
        yield record
    vfs.unregister()


def listen(record: Record, patch: pytest.MonkeyPatch) -> None:
    """Hear the calls of `os` that change files, before they are made."""
    real = {
        name: getattr(os, name) for name in ("open", "write", "fsync", "close", "replace", "unlink", "mkdir")
    }
    open_: dict[int, str] = {}

    def on_open(path: Any, flags: int, *more: Any, **named: Any) -> int:
        made = record.watches(path) and flags & os.O_CREAT and not Path(path).exists()
        if made:
            record.add("create", path)
        handle: int = real["open"](path, flags, *more, **named)
        if record.watches(path):
            open_[handle] = os.fspath(path)
        return handle

    def on_write(handle: int, data: bytes) -> int:
        if handle in open_:
            record.add("write", open_[handle], offset=os.lseek(handle, 0, os.SEEK_CUR), data=bytes(data))
        return int(real["write"](handle, data))

    def on_fsync(handle: int) -> None:
        if handle in open_:
            record.add("sync", open_[handle])

    def on_close(handle: int) -> None:
        open_.pop(handle, None)
        real["close"](handle)

    def on_replace(source: Any, target: Any, **named: Any) -> None:
        if record.watches(source):
            record.add("rename", source, target)
        real["replace"](source, target, **named)

    def on_unlink(path: Any, **named: Any) -> None:
        if record.watches(path) and Path(path).exists():
            record.add("unlink", path)
        real["unlink"](path, **named)

    def on_mkdir(path: Any, *more: Any, **named: Any) -> None:
        if record.watches(path) and not Path(path).exists():
            record.add("mkdir", path)
        real["mkdir"](path, *more, **named)

    heard = {
        "open": on_open, "write": on_write, "fsync": on_fsync, "close": on_close,
        "replace": on_replace, "unlink": on_unlink, "mkdir": on_mkdir,
    }  # fmt: skip
    for name, function in heard.items():
        patch.setattr(os, name, function)

    def on_read(place: Folder, name: str, offset: int, length: int) -> bytes:
        with disk.telling(f"{name} cannot be read"):
            record.add("read", place.root / name)
        return read(place, name, offset, length)

    read = Folder.read
    patch.setattr(Folder, "read", on_read)


class RecordingVFS(apsw.VFS):
    """SQLite's file layer, listened to. As on Unix, a new journal's first sync syncs its folder too."""

    def __init__(self, record: Record) -> None:
        self.name = f"recording{next(_NUMBER)}"
        self.record = record
        super().__init__(self.name, "")

    def xOpen(self, name: Any, flags: list[int]) -> apsw.VFSFile:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        new = path is not None and not Path(path).exists()
        if new:
            with failing(apsw.CantOpenError):
                self.record.add("create", path)
        return RecordingFile(self.record, path, name, flags, new=new)

    def xDelete(self, filename: str, syncdir: bool) -> None:
        with failing():
            self.record.add("unlink", filename)
        super().xDelete(filename, syncdir)
        if syncdir:
            self.record.add("sync", Path(filename).parent)


class RecordingFile(apsw.VFSFile):
    def __init__(self, record: Record, path: Any, name: Any, flags: list[int], *, new: bool) -> None:
        self._record, self._path = record, path
        self._sync_folder = new and bool(flags[0] & _JOURNALS)
        super().__init__("", name, flags)

    def xRead(self, amount: int, offset: int) -> bytes:
        self._hear("read")
        return super().xRead(amount, offset)

    def xWrite(self, data: bytes, offset: int) -> None:
        self._hear("write", offset=offset, data=bytes(data))
        super().xWrite(data, offset)

    def xTruncate(self, size: int) -> None:
        self._hear("truncate", offset=size)
        super().xTruncate(size)

    def xSync(self, flags: int) -> None:
        self._hear("sync")
        super().xSync(flags)
        if self._sync_folder:
            self._sync_folder = False
            self._record.add("sync", Path(self._path).parent)

    def _hear(self, kind: str, **more: Any) -> None:
        if self._path is not None:
            with failing():
                self._record.add(kind, self._path, **more)


@contextmanager
def failing(otherwise: type[apsw.Error] = apsw.IOError) -> Iterator[None]:
    """A call that shall fail does so as SQLite's own file layer would say it."""
    try:
        yield
    except OSError as error:
        raise (apsw.FullError if error.errno == errno.ENOSPC else otherwise)(str(error)) from error


class Row(tuple[Any, ...]):  # noqa: SLOT001
    """What sqlite3.Row is to its users."""

    def __new__(cls, names: tuple[str, ...], values: Sequence[Any]) -> Self:
        row = super().__new__(cls, values)
        row.names = names
        return row

    def __getitem__(self, key: Any) -> Any:
        return tuple.__getitem__(self, self.names.index(key) if isinstance(key, str) else key)

    def keys(self) -> tuple[str, ...]:
        return self.names


class Cursor:
    """The part of sqlite3.Cursor the engine uses; rows are fetched at once."""

    def __init__(self, connection: apsw.Connection, cursor: apsw.Cursor) -> None:
        self._rows = [Row(tuple(column[0] for column in cursor.get_description()), row) for row in cursor]
        self.lastrowid = connection.last_insert_rowid()

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    def fetchall(self) -> list[Row]:
        return self._rows

    def fetchone(self) -> Row | None:
        return self._rows[0] if self._rows else None


class Connection:
    """The part of sqlite3.Connection the engine uses, over apsw. Errors become sqlite3's."""

    row_factory: Any = None

    def __init__(self, path: Any, vfs: str) -> None:
        with translated():
            self._connection = apsw.Connection(str(path), vfs=vfs)

    @property
    def in_transaction(self) -> bool:
        return bool(self._connection.in_transaction)

    def execute(self, statement: str, values: Sequence[Any] = ()) -> Cursor:
        with translated():
            return Cursor(self._connection, self._connection.execute(statement, tuple(values)))

    def executemany(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        with translated():
            self._connection.executemany(statement, [tuple(row) for row in rows])

    def executescript(self, script: str) -> None:
        with translated():
            self._connection.execute(script)

    def create_function(
        self, name: str, arguments: int, function: Callable[..., Any], *, deterministic: bool
    ) -> None:
        self._connection.create_scalar_function(name, function, arguments, deterministic=deterministic)

    def close(self) -> None:
        self._connection.close()


@contextmanager
def translated() -> Iterator[None]:
    try:
        yield
    except apsw.ConstraintError as error:
        raise sqlite3.IntegrityError(str(error)) from error
    except apsw.Error as error:
        told = sqlite3.OperationalError(str(error))
        told.sqlite_errorcode = next((code for kind, code in CODES.items() if isinstance(error, kind)), 1)
        raise told from error
