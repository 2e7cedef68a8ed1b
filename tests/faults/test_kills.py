"""Killed at any moment, again and again, the engine loses nothing it acknowledged and finishes its work."""

import os
import random
import select
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from pipelines.pachd.engine import Engine
from tests.conftest import Tally
from tests.faults.day import contents, drop_unfinished
from tests.faults.inline import Copying, run_jobs
from tests.faults.victim import PATHS, Push, acknowledged, fork, push_for_ever

BEGUN_S, SOON_S = 0.12, 0.04
FSCK_EVERY = 25


@pytest.fixture
def folder(memory: Path) -> Path:
    """Where an engine will be."""
    return memory / "engine"


def killed(folder: Path, seed: int) -> list[Push]:
    """Let a victim live until a random moment, kill it, and tell what it had acknowledged.

    One in four dies soon after it begins, the others soon after their first pushes, however slow they are.
    """
    draw = random.Random(seed)
    wanted = draw.choice((0, 1, 2, 4))
    pid, reading = fork(partial(push_for_ever, folder, seed))
    lines = b""
    while lines.count(b"\n") < wanted:
        lines += _part(reading)
    until = time.monotonic() + draw.uniform(0, SOON_S if wanted else BEGUN_S)
    while select.select([reading], [], [], max(until - time.monotonic(), 0))[0]:
        lines += _part(reading)
    os.kill(pid, signal.SIGKILL)
    while part := os.read(reading, 1 << 20):
        lines += part
    os.waitpid(pid, 0)
    os.close(reading)
    return list(acknowledged(lines))


def _part(reading: int) -> bytes:
    part = os.read(reading, 1 << 20)
    assert part, "the victim died by itself: see above"
    return part


@dataclass
class Soak:
    """Kill after kill on one folder. head: what the newest commit held at the last look."""

    folder: Path
    head: dict[str, str] = field(default_factory=dict)
    acknowledged: int = 0
    cut_off: int = 0

    def kill(self, number: int, seed: int) -> None:
        pushes = killed(self.folder, seed)
        self.acknowledged += len(pushes)
        engine = Engine(self.folder, executor=Copying())
        try:
            self.check(engine, pushes)
            if number % FSCK_EVERY == 0:
                assert list(engine.fsck()) == []
        finally:
            engine.metadata.close()

    def check(self, engine: Engine, pushes: Sequence[Push]) -> None:
        """Every acknowledged push is whole, the head holds the newest of each path, outputs are inputs."""
        repo = engine.repos.create("in", update=True)
        for push in pushes:
            tree = engine.commits.tree(engine.commits.find(repo, push.commit))
            assert engine.objects.read(tree.file(push.path)).decode() == push.content
        self.cut_off += drop_unfinished(engine)
        head = engine.repos.branch(repo, "master").head if engine.repos.branches(repo) else None
        found = contents(engine, engine.commits.get(head)) if head is not None else {}
        now = {path: data.decode() for path, data in found.items()}
        newest = self.head | {push.path: push.content for push in pushes}
        assert set(newest) <= set(now)
        assert len(now) <= PATHS
        unknown = [path for path in now if now[path] != newest.get(path)]
        assert len(unknown) <= 1, "only the push the kill fell into may be there without acknowledgement"
        run_jobs(engine)
        if engine.pipelines.all() and head is not None:
            made = engine.commits.readable(engine.repos.get("copy"), "master")
            assert made.error == ""
            assert contents(engine, made) == found
        self.head = now


def soak(folder: Path, kills: int, seed: int) -> None:
    one = Soak(folder)
    for number in range(1, kills + 1):
        one.kill(number, seed + number)
    assert one.acknowledged
    engine = Engine(folder, executor=Copying())
    assert list(engine.fsck()) == []
    engine.metadata.close()


def test_a_few_kills(folder: Path, tally: Tally) -> None:
    soak(folder, kills=20, seed=1)
    tally("random kills", 20)


@pytest.mark.long
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("part", range(100))
def test_ten_thousand_kills(folder: Path, part: int, tally: Tally) -> None:
    """Each folder is used for a hundred kills: later ones cost more, for what is compared grows."""
    soak(folder, kills=100, seed=500 * (part + 2))
    tally("random kills", 100)
