"""A process that pushes and runs a pipeline until it is killed, and tells which pushes were acknowledged.

It is forked from a process that has everything imported, so that a thousand deaths take minutes.
"""

import json
import os
import random
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from pipelines.client import Pachd
from pipelines.pachd.engine import Engine
from pipelines.pachd.executor import InlineExecutor

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
        _leave(lambda: _push_for_ever(folder, random.Random(seed), writing))
    os.close(writing)
    return pid, reading


def in_fork(work: Callable[[], None]) -> None:
    """Do something in a forked process: once gRPC has run in a process, its forks are lame."""
    pid = os.fork()
    if not pid:
        _leave(work)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0, "see the traceback above"


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


def _push_for_ever(folder: Path, draw: random.Random, writing: int) -> None:
    with Engine(folder, executor=InlineExecutor()) as engine:
        pachd = Pachd.at(f"127.0.0.1:{engine.serve()}")
        pachd.create_repo("in")
        if "copy" not in pachd.pipelines():
            pachd.create_pipeline(json.dumps(PIPELINE))
        os.write(writing, b"\n")
        while True:
            path, content = f"/{draw.randrange(PATHS)}", f"{draw.getrandbits(64):x}" * draw.choice((1, 5_000))
            pachd.drop_abandoned("in")
            commit = pachd.put("in", {path: content.encode()})
            os.write(writing, json.dumps([commit, path, content]).encode() + b"\n")


def acknowledged(lines: bytes) -> Iterator[Push]:
    """The pushes of what was read from a victim; a line the kill cut off was not acknowledged."""
    for line in lines.split(b"\n")[1:-1]:
        yield Push(*json.loads(line))
