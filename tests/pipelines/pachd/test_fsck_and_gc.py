import os
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from pipelines.pachd import gc
from pipelines.pachd.engine import Engine
from pipelines.pachd.executor import Results
from pipelines.pachd.files import Append, Delete
from pipelines.pachd.worker import DatumTask
from tests.faults import inline
from tests.faults.inline import Copying


class Upper(Copying):
    """Writes every input file in upper case; waits at `gate` before it gives results."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()
        self.written = threading.Event()

    def submit_set(self, tasks: tuple[DatumTask, ...]) -> Future[Results]:
        future = super().submit_set(tasks)
        self.written.set()
        self.gate.wait()
        return future

    def made_of(self, content: bytes) -> bytes:
        return content.upper()

    def close(self) -> None:
        self.gate.set()


@pytest.fixture
def executor() -> Upper:
    return Upper()


@pytest.fixture
def engine(tmp_path: Path, executor: Upper) -> Iterator[Engine]:
    with Engine(tmp_path / "engine", executor=executor) as engine:
        engine.repos.create("in")
        engine.pipelines.create(
            {
                "pipeline": {"name": "up"},
                "input": {"pfs": {"repo": "in", "glob": "/*"}},
                "transform": {"cmd": ["x"]},
            }
        )
        yield engine


def push(engine: Engine, *changes: Append | Delete) -> str:
    commit = inline.push(engine, *changes)
    settle(engine)
    return commit


def settle(engine: Engine) -> None:
    engine.metadata.wait(lambda: None if engine.jobs.unfinished() else True)


def contents(engine: Engine, repo: str) -> dict[str, bytes]:
    tree = engine.commits.tree(engine.commits.readable(engine.repos.get(repo), "master"))
    return {e.path: engine.objects.read(tree.file(e.path)) for e in tree.files()}


def objects(engine: Engine) -> list[Path]:
    return sorted(path for path in (engine.root / "objects").rglob("*") if path.is_file())


def grow_old(engine: Engine) -> None:
    for path in objects(engine):
        os.utime(path, (1, 1))


def test_fsck_of_a_healthy_engine_finds_nothing(engine: Engine) -> None:
    push(engine, Append("/a", b"one"), Append("/b", b""))
    assert list(engine.fsck()) == []


def test_fsck_finds_every_flipped_bit_and_names_the_files(engine: Engine) -> None:
    commit = push(engine, Append("/a", b"one"))
    for path in objects(engine):
        good = path.read_bytes()
        for bit in range(0, len(good) * 8, 19):
            bad = bytearray(good)
            bad[bit // 8] ^= 1 << bit % 8
            path.write_bytes(bad)
            problems = [problem.what for problem in engine.fsck()]
            assert f"object {path.name} is damaged" in problems
            if good.startswith(b"one") and bit < 24:
                assert f"file in@{commit}:/a cannot be read" in problems
        path.write_bytes(good)


def test_fsck_finds_damaged_directories_and_lost_objects(engine: Engine) -> None:
    push(engine, Append("/a", b"one"))
    engine.metadata.run(
        "UPDATE nodes SET data = x'00' WHERE length(data) = (SELECT max(length(data)) FROM nodes)"
    )
    assert any("node" in problem.what for problem in engine.fsck())
    objects(engine)[0].unlink()
    assert any("is missing" in problem.what for problem in engine.fsck())


def test_after_fixing_pushing_again_heals_every_commit(engine: Engine) -> None:
    first = push(engine, Append("/a", b"one"))
    push(engine, Append("/b", b"two"))
    for path in objects(engine):
        if path.read_bytes().startswith(b"one"):
            path.write_bytes(b"ONE" + path.read_bytes()[3:])
    problems = list(engine.fsck(fix=True))
    assert any(problem.fixed for problem in problems)
    push(engine, Delete("/a"), Append("/a", b"one"))
    tree = engine.commits.tree(engine.commits.readable(engine.repos.get("in"), first))
    assert engine.objects.read(tree.file("/a")) == b"one"


def test_fixing_saves_what_is_intact_in_a_damaged_object(engine: Engine) -> None:
    push(engine, Append("/a", b"a" * 40), Append("/b", b"b" * 40))
    holding = next(path for path in objects(engine) if b"b" * 40 in path.read_bytes())
    data = bytearray(holding.read_bytes())
    data[data.index(b"a" * 40)] ^= 1
    holding.write_bytes(data)
    assert len(list(engine.fsck(fix=True))) > 1
    assert not holding.exists()
    assert contents(engine, "up")["/b"] == b"B" * 40
    push(engine, Delete("/a"), Append("/a", b"a" * 40))
    assert list(engine.fsck()) == []


def test_garbage_is_collected_and_nothing_else(engine: Engine) -> None:
    push(engine, Append("/a", b"kept"))
    commit = engine.commits.start(engine.repos.get("in"), "master")
    engine.files.modify(commit, [Append("/b", b"dropped " * 100)])
    engine.drop(commit.uuid)
    before = contents(engine, "in"), contents(engine, "up")
    grow_old(engine)
    collected = engine.collect_garbage()
    assert collected.objects == 1
    assert collected.contents == 1
    assert collected.bytes == 832
    assert (contents(engine, "in"), contents(engine, "up")) == before
    assert list(engine.fsck()) == []
    assert engine.collect_garbage() == gc.Collected(0, 0, 0, 0, 0)
    push(engine, Append("/b", b"dropped " * 100))
    assert contents(engine, "in")["/b"] == b"dropped " * 100


def test_open_commits_and_young_objects_are_no_garbage(engine: Engine) -> None:
    commit = engine.commits.start(engine.repos.get("in"), "master")
    engine.files.modify(commit, [Append("/a", b"not finished yet")])
    with engine.objects.writer() as writer:
        writer.add(b"written just now, registered soon")
    assert engine.collect_garbage().objects == 0
    grow_old(engine)
    assert engine.collect_garbage().objects == 1
    engine.commits.finish(commit)
    settle(engine)
    assert contents(engine, "in") == {"/a": b"not finished yet"}


def test_collecting_while_a_job_runs_keeps_what_it_has_written(engine: Engine, executor: Upper) -> None:
    executor.gate.clear()
    inline.push(engine, Append("/a", b"slow"))
    executor.written.wait()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gc, "SLACK_S", 0.0)
        assert engine.collect_garbage().objects == 0
    executor.gate.set()
    settle(engine)
    assert contents(engine, "up") == {"/a": b"SLOW"}
    assert list(engine.fsck()) == []


def test_mostly_dead_packs_are_repacked(engine: Engine) -> None:
    commit = engine.commits.start(engine.repos.get("in"), "master")
    engine.files.modify(commit, [Append("/keep", b"keep"), Append("/gone", b"gone" * 1000)])
    engine.files.modify(commit, [Delete("/gone")])
    engine.commits.finish(commit)
    settle(engine)
    before = contents(engine, "in")
    grow_old(engine)
    assert engine.collect_garbage().repacked_bytes == 4
    assert contents(engine, "in") == before
    grow_old(engine)
    assert engine.collect_garbage().bytes == 4036
    assert contents(engine, "in") == before
    assert list(engine.fsck()) == []
