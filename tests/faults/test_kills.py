"""Killed at any moment, again and again, the engine loses nothing it acknowledged and finishes its work."""

import json
import os
import random
import select
import signal
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from pipelines.client import Pachd
from pipelines.pachd.engine import Engine
from pipelines.pachd.executor import InlineExecutor
from tests.faults.victim import PATHS, Push, acknowledged, fork, in_fork


def killed(folder: Path, seed: int) -> list[Push]:
    """Let a victim begin, kill it after a random while, and tell what it had acknowledged."""
    pid, reading = fork(folder, seed)
    lines, until = b"", None
    draw = random.Random(seed)
    while True:
        left = None if until is None else max(until - time.monotonic(), 0)
        if select.select([reading], [], [], left)[0]:
            part = os.read(reading, 1 << 20)
            if not part:
                break
            lines += part
            if until is None:
                until = time.monotonic() + draw.uniform(0, 0.25)
        else:
            os.kill(pid, signal.SIGKILL)
            until = time.monotonic() + 60
    os.waitpid(pid, 0)
    os.close(reading)
    return list(acknowledged(lines))


def check(folder: Path, pushes: Sequence[Push], seen: Path) -> None:
    """Every acknowledged push is whole under its commit; the head holds the newest of each path.

    `seen` keeps what the head held, for the next check.
    """
    with Engine(folder, executor=InlineExecutor()) as engine:
        pachd = Pachd.at(f"127.0.0.1:{engine.serve()}")
        pachd.drop_abandoned("in")
        for push in pushes:
            assert pachd.read("in", push.path, push.commit).decode() == push.content
        newest = json.loads(seen.read_text()) if seen.exists() else {}
        newest |= {push.path: push.content for push in pushes}
        head = {} if pachd.head("in") is None else pachd.read_all("in")
        found = {path: data.decode() for path, data in head.items()}
        assert set(newest) <= set(found)
        unknown = [path for path in found if found[path] != newest.get(path)]
        assert len(unknown) <= 1, "only the push the kill fell into may be there without acknowledgement"
        seen.write_text(json.dumps(found))


def finish(folder: Path) -> None:
    """All jobs end, every output is its input, each once, and no byte is damaged."""
    with Engine(folder, executor=InlineExecutor()) as engine:
        pachd = Pachd.at(f"127.0.0.1:{engine.serve()}")
        pachd.drop_abandoned("in")
        pachd.put("in", {"/last": b"last"})
        while not all(job.done for job in pachd.jobs(pipeline="copy", number=1)):
            time.sleep(0.02)
        assert [job.state for job in pachd.jobs(pipeline="copy", number=1)] == ["SUCCESS"]
        assert pachd.read_all("copy") == pachd.read_all("in")
        assert len(pachd.read_all("in")) <= PATHS + 1
        assert list(engine.fsck()) == []


def soak(folder: Path, kills: int, seed: int) -> None:
    acknowledgements = 0
    for number in range(kills):
        pushes = killed(folder, seed + number)
        in_fork(partial(check, folder, pushes, folder.with_suffix(".head")))
        acknowledgements += len(pushes)
    assert acknowledgements
    in_fork(partial(finish, folder))


def test_a_few_kills(tmp_path: Path) -> None:
    soak(tmp_path / "engine", kills=12, seed=1)


@pytest.mark.long
@pytest.mark.timeout(7_200)
def test_a_thousand_kills(tmp_path: Path) -> None:
    soak(tmp_path / "engine", kills=1_000, seed=1_000)
