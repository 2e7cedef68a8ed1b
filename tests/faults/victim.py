"""A process that pushes, runs a pipeline and collects garbage until it is killed, and tells what is done.

It is forked from a process that has everything imported, and drives the engine without a network between, so
that a death costs a tenth of a second.
"""

import json
import os
import random
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pytest

from features.errors import ConflictError
from pipelines.pachd import gc
from pipelines.pachd.engine import Engine
from pipelines.pachd.files import Append, Delete
from tests.faults.inline import Copying

PIPELINE = {
    "pipeline": {"name": "copy"},
    "input": {"pfs": {"repo": "in", "glob": "/*"}},
    "transform": {"cmd": ["sh"], "stdin": ["cp /pfs/in/* /pfs/out/"]},
}
PATHS = 6


@dataclass(frozen=True)
class Push:
    """A push the victim was told is done."""

    commit: str
    path: str
    content: str


def fork(folder: Path, seed: int) -> tuple[int, int]:
    """Start a victim on an engine's folder; its pid, and where to read its acknowledgements from."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        os.close(reading)
        leave(lambda: _push_for_ever(folder, random.Random(seed), writing))
    os.close(writing)
    return pid, reading


def leave(work: Callable[[], None]) -> NoReturn:
    """Do something in a forked process, and end it."""
    code = 1
    try:
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def _push_for_ever(folder: Path, draw: random.Random, writing: int) -> None:
    pytest.MonkeyPatch().setattr(gc, "SLACK_S", 0.05)
    with Engine(folder, executor=Copying()) as engine:
        repo = engine.repos.create("in", update=True)
        with suppress(ConflictError):
            engine.pipelines.create(PIPELINE)
        threading.Thread(target=_collect_for_ever, args=(engine,), daemon=True).start()
        while True:
            path, content = f"/{draw.randrange(PATHS)}", f"{draw.getrandbits(64):x}" * draw.choice((1, 5_000))
            commit = engine.commits.start(repo, "master")
            engine.files.modify(commit, [Delete(path), Append(path, content.encode())])
            engine.commits.finish(commit)
            os.write(writing, json.dumps([commit.uuid, path, content]).encode() + b"\n")


def _collect_for_ever(engine: Engine) -> None:
    while not engine.stopping:
        engine.collect_garbage()


def acknowledged(lines: bytes) -> Iterator[Push]:
    """The pushes of what was read from a victim; a line the kill cut off was not acknowledged."""
    for line in lines.split(b"\n")[:-1]:
        yield Push(*json.loads(line))
