"""A process that pushes, runs a pipeline and collects garbage until it is killed, and tells what is done.

It is forked from a process that has everything imported, and drives the engine without a network between, so
that a death costs a tenth of a second.
"""

import gc as cycles
import json
import os
import random
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
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


def fork(work: Callable[[int], None]) -> tuple[int, int]:
    """Do something in a forked process, which may write to the file it gets; its pid, and where to read."""
    reading, writing = os.pipe()
    with warnings.catch_warnings(action="ignore", category=DeprecationWarning):  # of threads that are ending
        pid = os.fork()
    if not pid:
        cycles.freeze()  # to look through what the parent has would copy it
        _leave(partial(work, writing))
    os.close(writing)
    return pid, reading


def _leave(work: Callable[[], None]) -> NoReturn:
    code = 1
    try:
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)


def push_for_ever(folder: Path, seed: int, writing: int) -> None:
    """The victim: pushes, jobs and collections at once; a line for every push that is done."""
    draw = random.Random(seed)
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
