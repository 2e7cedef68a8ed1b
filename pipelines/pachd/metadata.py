"""The engine's memory: one SQLite file, one writing process, and a way to wait until something changes.

The rollback journal with `synchronous=EXTRA` is used because what a call has answered must survive a power
cut, and because SQLite's write-ahead log had a corruption bug with several connections before 3.51.3. One
connection is shared by all threads under one lock: transactions are short, file contents never pass here.
"""

import fcntl
import os
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from features.errors import ConflictError, DataError, NotFoundError
from pipelines.pachd import disk, faults, schema, sums
from pipelines.pachd.errors import StorageError

WRITING: Final = "the engine's database cannot be written"
READING: Final = "the engine's database cannot be read"
T = TypeVar("T")


class Metadata:
    """The database in `folder`; holds the folder's lock until `close`.

    Raises ConflictError naming the process when another one has the folder open, DataError when the folder
    was written by a later version of the schema, IntegrityError when the file is no database any more.
    """

    def __init__(self, folder: Path) -> None:
        with disk.telling(f"{folder} cannot be written"):
            disk.make_folder(folder)
            self._lock_file = _claim(folder / "lock")
        self._lock = threading.RLock()
        self._changed = threading.Condition(self._lock)
        self._depth = 0
        self.path = folder / "metadata.sqlite"
        try:
            with disk.telling(READING):
                self._connection = sqlite3.connect(
                    self.path, isolation_level=None, check_same_thread=False, cached_statements=512
                )
        except BaseException:
            self._lock_file.close()
            raise
        self._connection.row_factory = sqlite3.Row
        try:
            with disk.telling(READING):
                self._set_up()
        except sqlite3.DatabaseError as error:
            self.close()
            raise disk.damaged(READING, error) from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close the file and give the folder back."""
        with self._changed:
            self._connection.close()
            self._changed.notify_all()
        self._lock_file.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All statements inside happen, or none; inside another transaction, they are part of it."""
        with self._changed:
            if self._depth:
                self._check_unbroken()
                yield
                return
            with disk.telling(WRITING):
                self._connection.execute("BEGIN IMMEDIATE")
                self._depth = 1
                try:
                    yield
                    self._check_unbroken()
                    faults.point("transaction made")
                    self._connection.execute("COMMIT")
                    faults.point("transaction done")
                except BaseException:
                    if self._connection.in_transaction:  # some errors, such as a full disk, end it at once
                        self._connection.execute("ROLLBACK")
                    raise
                finally:
                    self._depth = 0
            self._changed.notify_all()

    @contextmanager
    def trial(self) -> Iterator[None]:
        """Statements inside see one another's effect, nobody else does, and in the end it is taken back."""
        with self._changed:
            self._connection.execute("BEGIN IMMEDIATE")
            self._depth = 1
            try:
                yield
            finally:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                self._depth = 0

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Reads inside see one state: no other thread writes meanwhile."""
        with self._lock:
            yield

    def run(self, statement: str, *values: Any) -> int:
        """Execute one statement (in the current transaction, or one of its own); the last row's id."""
        with self.transaction():
            faults.statement(statement)
            return self._connection.execute(statement, values).lastrowid or 0

    def run_many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        """Execute one statement for each row."""
        if rows:
            with self.transaction():
                faults.statement(statement)
                self._connection.executemany(statement, rows)

    def rows(self, query: str, *values: Any) -> list[sqlite3.Row]:
        """All rows of a query."""
        with self._lock, disk.telling(READING):
            return self._connection.execute(query, values).fetchall()

    def row(self, query: str, *values: Any) -> sqlite3.Row | None:
        """The first row, or None."""
        with self._lock, disk.telling(READING):
            found: sqlite3.Row | None = self._connection.execute(query, values).fetchone()
            return found

    def the(self, what: str, query: str, *values: Any) -> sqlite3.Row:
        """The first row; NotFoundError saying that `what` was not found when there is none."""
        found = self.row(query, *values)
        if found is None:
            raise NotFoundError(f"{what} not found")
        return found

    def value(self, query: str, *values: Any) -> Any:
        """First column of the first row, or None."""
        found = self.row(query, *values)
        return None if found is None else found[0]

    def wait(self, ready: Callable[[], T | None], alive: Callable[[], bool] = lambda: True) -> T | None:
        """Wait until `ready` (evaluated after every transaction) is not None, or `alive` is false: None."""
        with self._changed:
            while (result := ready()) is None:
                if not alive():
                    return None
                self._changed.wait(timeout=0.5)
            return result

    @property
    def identity(self) -> str:
        """An id made with the folder."""
        return self.setting("identity", uuid.uuid4().hex)

    def setting(self, key: str, first: str) -> str:
        """What was kept under a key; `first` when nothing was, and from then on."""
        self.run("INSERT OR IGNORE INTO settings VALUES (?, ?)", key, first)
        return str(self.value("SELECT value FROM settings WHERE key = ?", key))

    def wake(self) -> None:
        """Make every waiting thread look again."""
        with self._changed:
            self._changed.notify_all()

    def _check_unbroken(self) -> None:
        """Some errors end a transaction at once; whoever goes on after one must not write the rest of it."""
        if not self._connection.in_transaction:
            raise StorageError(
                "the disk fails: a transaction was taken back before its end",
                hint="do it again; what was acknowledged before is kept",
            )

    def _set_up(self) -> None:
        for pragma in ("journal_mode=DELETE", "synchronous=EXTRA", "foreign_keys=ON", "cache_size=-16384"):
            self._connection.execute(f"PRAGMA {pragma}")
        found = int(self.value("PRAGMA user_version"))
        if found > schema.VERSION:
            raise DataError(
                "this folder was written by a later version of forewarn",
                got=f"schema {found}",
                expected=f"schema {schema.VERSION}",
                hint="use that version, or push the logs into a new folder",
            )
        sums.teach(self._connection)
        schema.upgrade(self._connection)


def _claim(path: Path) -> Any:
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        owner = file.read().strip() or "unknown"
        file.close()
        raise ConflictError(
            f"{path.parent} is in use by process {owner}",
            hint="wait for it, or stop it; with a daemon (forewarn up) many commands run side by side",
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    faults.point("lock taken")
    return file
