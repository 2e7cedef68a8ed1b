"""A disk that is full, or fails, at any call: what is there stays, the error says why, a retry works."""

import errno
import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

from features.errors import ForewarnError
from pipelines.pachd.engine import Engine
from pipelines.pachd.errors import IntegrityError, StorageError
from pipelines.pachd.files import Append
from pipelines.pachd.records import Commit
from tests.conftest import Tally
from tests.faults.inline import Copying
from tests.faults.lost_power import Op
from tests.faults.recording import Record, recorded
from tests.faults.victim import PIPELINE

STATE = ".forewarn"
OLD, NEW = b"pushed before" * 500, b"pushed when the disk failed" * 500


def push(engine: Engine, path: str, content: bytes) -> Commit:
    commit = engine.commits.start(engine.repos.get("in"), "master")
    try:
        engine.files.modify(commit, [Append(path, content)])
        return engine.commits.finish(commit)
    except BaseException:
        engine.drop(commit.uuid)
        raise


def run_jobs(engine: Engine) -> None:
    """Run every job that waits, once: one that cannot even be ended waits on."""
    (engine.root / "scratch").mkdir(exist_ok=True)
    for job in engine.jobs.unfinished():
        engine._runner(job).run()


def content(engine: Engine, repo: str, path: str) -> bytes:
    tree = engine.commits.tree(engine.commits.readable(engine.repos.get(repo), "master"))
    return engine.objects.read(tree.file(path))


@pytest.fixture(scope="module")
def before(shared_memory: Path) -> Path:
    """A project with a push in it, and what derives from it."""
    folder = shared_memory / "before"
    engine = Engine(folder / STATE, executor=Copying())
    engine.repos.create("in")
    engine.pipelines.create(PIPELINE)
    push(engine, "/old", OLD)
    run_jobs(engine)
    engine.metadata.close()
    return folder


class Failing:
    """Lets calls pass, then fails: one call, or every call that needs space, until `mended`."""

    def __init__(self, record: Record, number: int, code: int) -> None:
        self._left, self._code, self.failed = number, code, False
        self._record = record
        record.before_call = self._call

    def mended(self) -> None:
        self._record.before_call = lambda _: None

    def _call(self, op: Op) -> None:
        self._left -= 1
        needs_space = op.kind in {"write", "create", "mkdir"}
        if self._left == 0 or (self._code == errno.ENOSPC and self._left < 0 and needs_space):
            self.failed = True
            raise OSError(self._code, os.strerror(self._code), op.path)


def fail_at(folder: Path, number: int, code: int) -> bool:
    """Push, and run the job, on a disk that fails at a call; whether so many calls were made at all."""
    with recorded(folder) as record:
        failing = Failing(record, number, code)
        try:
            engine = Engine(folder / STATE, executor=Copying())
        except StorageError:
            failing.mended()
            engine = Engine(folder / STATE, executor=Copying())
        try:
            told, pushed = [], False
            try:
                push(engine, "/new", NEW)
                pushed = True
                run_jobs(engine)
            except StorageError as error:
                told.append(str(error))
            failing.mended()
            assert not pushed or content(engine, "in", "/new") == NEW, "an acknowledged push is lost"
            check(engine, told, failed=failing.failed, full=code == errno.ENOSPC)
        finally:
            engine.metadata.close()
    return failing.failed


def check(engine: Engine, told: list[str], *, failed: bool, full: bool) -> None:
    """What was there before is; what went wrong was said; the same again works."""
    assert content(engine, "in", "/old") == content(engine, "copy", "/old") == OLD
    told += [job.reason for job in engine.jobs.all() if job.state == "FAILURE"]
    assert not told or failed
    for text in told:
        assert ("the disk is full" if full else "the disk fails") in text
    run_jobs(engine)
    push(engine, "/new again", NEW)
    run_jobs(engine)
    assert content(engine, "copy", "/new again") == content(engine, "copy", "/old")[:0] + NEW
    assert list(engine.fsck()) == []


def fail_at_each(memory: Path, before: Path, code: int, step: int) -> int:
    number = 1
    while True:
        folder = memory / f"{number}"
        shutil.copytree(before, folder)
        if not fail_at(folder, number, code):
            return number // step
        shutil.rmtree(folder)
        number += step


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO], ids=["full", "failing"])
def test_a_disk_that_fails_at_some_calls(memory: Path, before: Path, code: int, tally: Tally) -> None:
    tally("calls of a failing disk", fail_at_each(memory, before, code, step=127))


def test_a_folder_that_could_not_be_opened_is_free_for_a_retry(memory: Path, before: Path) -> None:
    for number in range(1, 13):
        shutil.copytree(before, memory / f"{number}")
        assert fail_at(memory / f"{number}", number, errno.EIO)


@pytest.mark.parametrize("error", [StorageError, IntegrityError])
def test_a_push_whose_end_fails_to_read_stays_open_and_is_ended_by_a_retry(
    memory: Path, monkeypatch: pytest.MonkeyPatch, error: type[ForewarnError]
) -> None:
    engine = Engine(memory / STATE, executor=Copying())
    commit = engine.commits.start(engine.repos.create("in"), "master")
    engine.files.modify(commit, [Append("/new", NEW)])

    def failing(*_: object) -> NoReturn:
        raise error("the disk fails")

    with monkeypatch.context() as patch:
        patch.setattr(engine.trees, "apply", failing)
        with pytest.raises(error):
            engine.commits.finish(commit)
    assert engine.commits.finish(commit).error == ""
    assert content(engine, "in", "/new") == NEW
    engine.metadata.close()


def test_nothing_is_written_after_a_transaction_was_taken_back(memory: Path) -> None:
    metadata = Engine(memory / STATE, executor=Copying()).metadata
    add = "INSERT INTO settings VALUES (?, ?)"
    for last in (lambda: metadata.run(add, "second", ""), lambda: None):
        with pytest.raises(StorageError, match="taken back"), metadata.transaction():  # noqa: PT012
            metadata.run(add, "first", "")
            metadata._connection.execute("ROLLBACK")  # as SQLite does where a read fails
            last()
    assert metadata.rows("SELECT key FROM settings WHERE key IN ('first', 'second')") == []
    metadata.close()


@pytest.mark.long
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO], ids=["full", "failing"])
@pytest.mark.timeout(3_600)
def test_a_disk_that_fails_at_any_call(memory: Path, before: Path, code: int, tally: Tally) -> None:
    tally("calls of a failing disk", fail_at_each(memory, before, code, step=1))
