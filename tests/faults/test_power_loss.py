"""Whatever a power cut takes, it is nothing that was acknowledged, and no commit is half there."""

import random
import re
import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from features.errors import NotFoundError
from pipelines.pachd import gc
from pipelines.pachd.engine import Engine
from pipelines.pachd.errors import IntegrityError
from pipelines.pachd.files import Append, Delete
from pipelines.pachd.records import Repo
from tests.conftest import Tally
from tests.faults.inline import Copying, run_jobs
from tests.faults.lost_power import Disk, Op, states
from tests.faults.recording import Record, recorded
from tests.faults.victim import PIPELINE

Files = dict[str, bytes]
STATE = ".forewarn"


@dataclass
class Work:
    """What an engine was made to do: every call it made of the disk, and what each commit should hold."""

    ops: list[Op] = field(default_factory=list)
    commits: dict[str, Files] = field(default_factory=dict)

    def acknowledged(self, moment: int) -> list[str]:
        return [str(op.value) for op in self.ops[:moment] if op.kind == "ack"]


def worked(folder: Path, seed: int, rounds: int) -> Work:
    """Pushes, jobs, a dropped commit, a collection; recorded."""
    folder.mkdir()
    work, draw, head = Work(), random.Random(seed), Files()
    with (
        recorded(folder) as record,
        opened(folder) as engine,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(gc, "SLACK_S", -60.0)
        repo = engine.repos.create("in")
        engine.pipelines.create(PIPELINE)
        for number in range(rounds):
            head = push(engine, work, record, head, draw)
            if number % 3 == 1:
                dropped = engine.commits.start(repo, "master")
                engine.files.modify(dropped, [Append("/dropped", b"never seen")])
                engine.commits.drop(dropped.uuid)
            if number % 2:
                run_jobs(engine)
            if number % 5 == 4:
                engine.collect_garbage()
        work.ops = record.ops
    return work


def push(engine: Engine, work: Work, record: Record, head: Files, draw: random.Random) -> Files:
    """One commit of a few files; from when it is being finished on, it may be seen."""
    commit = engine.commits.start(pushes_of(engine), "master")
    files = {
        f"/{draw.randrange(6)}": draw.randbytes(draw.choice((0, 10, 700, 9_000)))
        for _ in range(draw.randint(1, 3))
    }
    gone = [path for path in head if path not in files and draw.random() < 0.2]
    deletions = [Delete(path) for path in (*files, *gone)]
    engine.files.modify(commit, [*deletions, *(Append(path, data) for path, data in files.items())])
    head = {path: data for path, data in (head | files).items() if path not in gone}
    work.commits[commit.uuid] = head
    engine.commits.finish(commit)
    record.ack(commit.uuid)
    return head


def has_repo(engine: Engine) -> bool:
    return any(repo.name == "in" for repo in engine.repos.all("user"))


def pushes_of(engine: Engine) -> Repo:
    return engine.repos.get("in")


@contextmanager
def opened(folder: Path) -> Iterator[Engine]:
    """An engine that runs nothing by itself."""
    engine = Engine(folder / STATE, executor=Copying())
    try:
        yield engine
    finally:
        engine.metadata.close()


def check(engine: Engine, work: Work, moment: int, draw: random.Random) -> None:
    """What was acknowledged is there, nothing is half there, everything reads as it was written."""
    finished = (
        {c.uuid: c for c in engine.commits.log(pushes_of(engine)) if c.finished} if has_repo(engine) else {}
    )
    acknowledged = work.acknowledged(moment)
    assert set(acknowledged) <= finished.keys(), "an acknowledged commit is lost"
    for uuid, commit in finished.items():
        tree = engine.commits.tree(commit)
        assert {entry.path: entry.size for entry in tree.files()} == {
            path: len(data) for path, data in work.commits[uuid].items()
        }
        for made in engine.commits.subvenance(commit):
            if made.repo.type == "user" and made.finished is not None:
                assert engine.commits.tree(made).hash == tree.hash, "a job's output is half there"
    for uuid in {*acknowledged[-1:], *draw.sample(acknowledged, min(2, len(acknowledged)))}:
        tree = engine.commits.tree(finished[uuid])
        assert {e.path: engine.objects.read(tree.file(e.path)) for e in tree.files()} == work.commits[uuid]
    assert list(engine.fsck()) == []


def go_on(engine: Engine) -> None:
    """A push after the restart works, and so does what derives from it."""
    if not has_repo(engine):
        return
    commit = engine.commits.start(pushes_of(engine), "master")
    engine.files.modify(commit, [Append("/after", b"the power came back")])
    engine.commits.finish(commit)
    run_jobs(engine)
    for repo in engine.repos.all("user"):
        head = engine.commits.readable(repo, "master")
        assert engine.commits.tree(head).get("/after") is not None
        assert head.error == ""


def moments(ops: Sequence[Op], number: int, draw: random.Random) -> list[int]:
    return sorted(draw.randint(1, len(ops)) for _ in range(number))


def lose_power(memory: Path, work: Work, number: int, seed: int) -> Iterator[Disk]:
    """Cut the power at random moments and check each restart."""
    draw = random.Random(seed)
    for count, (moment, disk, chance) in enumerate(
        states(work.ops, moments(work.ops, number, draw), seed=seed)
    ):
        left = memory / f"left{count}"
        disk.lose_power(chance, left)
        with opened(left) as engine:
            check(engine, work, moment, chance)
            if count % 50 == 0:
                go_on(engine)
        shutil.rmtree(left)
        yield disk


@pytest.fixture(scope="module")
def day(shared_memory: Path) -> Work:
    return worked(shared_memory / "project", seed=1, rounds=12)


def test_a_few_power_cuts(memory: Path, day: Work, tally: Tally) -> None:
    tally("power cuts", sum(1 for _ in lose_power(memory, day, number=100, seed=1)))


@pytest.mark.parametrize(
    "unsynced",
    [r".*/objects/../.{60,}|.*/pack-.*|.*/\..*", r".*/objects/..", r".*/metadata\.sqlite(-journal)?"],
)
def test_a_sync_that_is_missing_is_noticed(memory: Path, day: Work, unsynced: str) -> None:
    careless = [op for op in day.ops if not (op.kind == "sync" and re.fullmatch(unsynced, op.path))]
    with pytest.raises((AssertionError, IntegrityError, NotFoundError, sqlite3.DatabaseError)):
        list(lose_power(memory, Work(careless, day.commits), number=100, seed=2))


@pytest.mark.long
@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("seed", range(20))
def test_ten_thousand_power_cuts(memory: Path, seed: int, tally: Tally) -> None:
    work = worked(memory / "project", seed=100 + seed, rounds=30)
    tally("power cuts", sum(1 for _ in lose_power(memory, work, number=600, seed=seed)))
