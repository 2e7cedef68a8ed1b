"""The calls by which the engine changes files of its own, each durable when it returns.

A file that was synced is lost all the same when the folder that names it was not. And a process may be killed
between the two, so a name that is there already proves nothing: whoever relies on it syncs its folder again,
which costs next to nothing when nothing is pending.
"""

import errno
import os
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from pipelines.pachd import faults
from pipelines.pachd.errors import IntegrityError, StorageError

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT})
_REFUSED: Final = frozenset({
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY
})  # fmt: skip
_DAMAGED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


@contextmanager
def telling(what: str) -> Iterator[None]:
    """Errors of the disk become a StorageError about `what`, a damaged database an IntegrityError.

    A missing file stays FileNotFoundError.
    """
    try:
        yield
    except FileNotFoundError:
        raise
    except PermissionError as error:
        hint = "it belongs to another user: ask them, or work in a folder of your own"
        raise StorageError(f"not permitted: {what}", got=error, hint=hint) from error
    except OSError as error:
        raise _refusal(what, str(error), full=error.errno in _FULL) from error
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF  # none: its text is no text
        if code in _DAMAGED:
            raise damaged(what, error) from error
        if code not in _REFUSED:
            raise
        raise _refusal(what, str(error), full=code == sqlite3.SQLITE_FULL) from error
    except UnicodeDecodeError as error:  # what SQLite says of damage may hold a piece of it
        raise damaged(what, error) from error


def damaged(what: str, error: Exception) -> IntegrityError:
    """The database is not what was written."""
    hint = "see `forewarn fsck`, and put the folder back from a backup"
    return IntegrityError(f"the database is damaged: {what}", got=error, hint=hint)


def _refusal(what: str, got: str, *, full: bool) -> StorageError:
    told = "the disk is full" if full else "the disk fails"
    hint = "free some space, then do it again" if full else "look after the disk, then do it again"
    return StorageError(f"{told}: {what}", got=got, hint=f"{hint}; what was acknowledged before is kept")


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing."""
    if not folder.parent.is_dir():
        make_folder(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir()
    faults.point("folder made")
    sync_folder(folder.parent)


def write(path: Path, data: bytes | bytearray, *, mode: int = 0o666) -> None:
    """Make `data` a file's whole content; after a crash or error it is still the old or already the new."""
    temporary = path.with_name(f".{uuid.uuid4().hex}")
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        faults.point("file made")
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(handle, rest) :]
            faults.point("file written")
            os.fsync(handle)
        finally:
            os.close(handle)
        faults.point("file synced")
        temporary.replace(path)
        faults.point("file named")
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make durable which names a folder holds."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    faults.point("names synced")
