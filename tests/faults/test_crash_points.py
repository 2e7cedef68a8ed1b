"""Killed beside any write, the engine loses nothing it acknowledged, shows nothing half, and goes on."""

import ast
import json
import os
import random
import re
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

import pipelines.pachd
from pipelines.pachd import faults
from pipelines.pachd.metadata import Metadata
from tests.conftest import Tally
from tests.faults.day import Told, check, live
from tests.faults.victim import fork

PACKAGE = Path(pipelines.pachd.__file__).parent
WRITES = {
    "fsync", "mkdir", "rename", "replace", "unlink", "utime", "write_bytes", "write_text", "truncate",
    "executemany", "executescript", "pipe_file", "rm_file",
}  # fmt: skip
SCRATCH = {"batching", "commands", "engine", "mounts", "peak", "runner", "sandbox", "warm"}


@pytest.fixture
def root(memory: Path) -> Path:
    """Where an engine will be."""
    return memory / "engine"


def passed(root: Path, seed: int) -> Counter[str]:
    """How often a day passes each point."""
    hits: Counter[str] = Counter()
    faults.arm(lambda name: hits.update([name]))
    try:
        live(root, seed, lambda *_: None)
    finally:
        faults.arm(None)
        shutil.rmtree(root)
    return hits


def killed(root: Path, seed: int, point: str, hit: int) -> Told:
    """Live a day in a process that is killed when it passes a point for the n-th time; what it had told."""
    pid, reading = fork(partial(_live_until, root, seed, point, hit))
    with os.fdopen(reading, "rb") as pipe:
        told = Told.of(pipe.read().splitlines())
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL
    return told


def _live_until(root: Path, seed: int, point: str, hit: int, writing: int) -> None:
    left = hit

    def at(name: str) -> None:
        nonlocal left
        left -= name == point
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

    faults.arm(at)
    live(root, seed, lambda *told: os.write(writing, json.dumps(told).encode() + b"\n") and None)


def sweep(root: Path, seed: int, points: str = "") -> int:
    """Kill at every point whose name begins so, at a random one of its passages; how many there are."""
    hits = {name: count for name, count in passed(root, seed).items() if name.startswith(points)}
    draw = random.Random(seed)
    for point, count in sorted(hits.items()):
        hit = draw.randint(1, count)
        told = killed(root, seed, point, hit)
        try:
            check(root, seed, told)
        except Exception as error:
            raise AssertionError(f"killed at {point!r}, time {hit} of {count}, of day {seed}") from error
        shutil.rmtree(root)
    return len(hits)


def test_kills_at_every_point(root: Path, tally: Tally) -> None:
    points = [sweep(root, seed) for seed in (1, 2)]
    assert min(points) >= 25
    tally("kills at crash points", sum(points))


def test_transactions_that_are_none_are_noticed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Metadata, "transaction", Metadata.snapshot)
    with pytest.raises(AssertionError, match="killed at 'insert "):
        sweep(root, seed=1, points="insert ")


@pytest.mark.long
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("day", range(100, 300))
def test_two_hundred_kills_at_every_point(root: Path, day: int, tally: Tally) -> None:
    tally("kills at crash points", sweep(root, seed=day))


def test_a_day_passes_every_point(root: Path) -> None:
    hits = passed(root, seed=1)
    remote = {"object uploaded"}
    assert set(named_points()) - remote <= set(hits)
    assert set(statements()) <= set(hits)


def test_every_write_has_a_point() -> None:
    missing = [
        f"{module.stem}.{function.name}"
        for module in sorted(PACKAGE.glob("*.py"))
        if module.stem not in SCRATCH
        for function in functions(module)
        if any(writes(call) for call in calls(function)) and not any(map(is_point, calls(function)))
    ]
    assert missing == []


def functions(module: Path) -> Iterator[ast.FunctionDef]:
    tree = ast.parse(module.read_text())
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def calls(function: ast.FunctionDef) -> Iterator[ast.Call]:
    return (node for node in ast.walk(function) if isinstance(node, ast.Call))


def writes(call: ast.Call) -> bool:
    """Whether a call changes a file or the database itself; `text.replace(a, b)` does not."""
    if not isinstance(call.func, ast.Attribute):
        return False
    if call.func.attr == "execute":
        return "COMMIT" in ast.unparse(call) or ast.unparse(call.args[0]) == "statement"
    return call.func.attr in WRITES and (call.func.attr != "replace" or len(call.args) == 1)


def is_point(call: ast.Call) -> bool:
    return ast.unparse(call.func) in ("faults.point", "faults.statement")


def named_points() -> Iterator[str]:
    for module in PACKAGE.glob("*.py"):
        for function in functions(module):
            for call in filter(is_point, calls(function)):
                if isinstance(call.args[0], ast.Constant):
                    yield call.args[0].value


def statements() -> Iterator[str]:
    """Names of the points of every statement that changes rows, as written anywhere in the package."""
    names: list[str] = []
    faults.arm(names.append)
    try:
        for module in PACKAGE.glob("*.py"):
            for node in ast.walk(ast.parse(module.read_text())):
                text = node.value if isinstance(node, ast.Constant) else ""
                if isinstance(text, str) and re.match(
                    r"(INSERT .*INTO|UPDATE|DELETE FROM|REPLACE INTO) \w", text
                ):
                    faults.statement(text)
    finally:
        faults.arm(None)
    return (name for name in names if not name.endswith(" sums"))
