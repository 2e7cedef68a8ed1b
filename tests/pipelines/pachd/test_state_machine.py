"""Random histories against a model made of dictionaries: pushes, deletions, branches, spec changes, crashes.

Datums run as plain functions in this process, so that thousands of steps fit in a test; crashes cut the
database off at a random transaction, as a killed process would.
"""

import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from features.errors import NotFoundError
from pipelines.pachd.engine import Engine
from pipelines.pachd.executor import Executor
from pipelines.pachd.files import Append, Change, Delete
from pipelines.pachd.records import Commit
from pipelines.pachd.worker import DatumResult, DatumTask
from tests.pipelines.pachd.model import Line, Model, compute

FAST = "/dev/shm" if Path("/dev/shm").is_dir() else None
PATHS = st.sampled_from(["/a", "/b", "/c", "/d/x", "/d/y", "/e"])
CONTENTS = st.sampled_from([b"1", b"2", b"3", b"bad", b"recover", b"clash"])


class FunctionExecutor(Executor):
    """Runs `compute` at once."""

    def __init__(self) -> None:
        super().__init__(2)

    def submit_set(self, tasks: tuple[DatumTask, ...]) -> Future[Any]:
        future: Future[Any] = Future()
        with tasks[0].objects.writer() as writer:
            results = []
            for task in tasks:
                given = {file.path: task.objects.read(file.ref) for file in task.inputs}
                outputs = compute(task.transform.cmd[0], given)
                if isinstance(outputs, str):
                    results.append(DatumResult(task.datum_id, outputs, error="as asked"))  # type: ignore[arg-type]
                else:
                    files = {path: writer.add(data) for path, data in outputs.items()}
                    results.append(DatumResult(task.datum_id, "success", files))
        future.set_result(tuple(results))
        return future

    def close(self) -> None:
        pass


class Crash(BaseException):
    """The process is gone."""


def crash_at(engine: Engine, transaction: int) -> threading.Event:
    """Let the engine die just before its n-th transaction from now; the event says when it has."""
    real, left, died = engine.metadata.transaction, [transaction], threading.Event()

    @contextmanager
    def dying() -> Iterator[None]:
        if not engine.metadata._depth:
            left[0] -= 1
            if left[0] < 0:
                died.set()
                raise Crash
        with real():
            yield

    engine.metadata.transaction = dying  # type: ignore[method-assign]
    return died


def spec_of(line: Line, **more: Any) -> dict[str, Any]:
    glob = {"each": "/*", "whole": "/"}[line.kind]
    inputs = [{"pfs": {"repo": name, "glob": glob}} for name in line.inputs]
    given = inputs[0] if len(inputs) == 1 else {"cross": inputs}
    return {
        "pipeline": {"name": line.name},
        "input": given,
        "transform": {"cmd": [line.function]},
        "datum_tries": 1,
        **more,
    }


class Machine(RuleBasedStateMachine):
    """Does the same to the engine and to the model."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.mkdtemp(dir=FAST)
        self.model = Model()
        self.died = threading.Event()
        self.engine = self.open()

    def open(self) -> Engine:
        engine = Engine(self.folder, executor=FunctionExecutor())
        engine.start()
        return engine

    def teardown(self) -> None:
        self.engine.stop()
        shutil.rmtree(self.folder)

    @initialize()
    def build(self) -> None:
        for repo in ("in", "config"):
            self.engine.repos.create(repo)
        for line in (
            Line("each", ["in"], "each", "f"),
            Line("whole", ["each", "config"], "whole", "g"),
            Line("after", ["whole"], "each", "h"),
        ):
            self.model.lines.append(line)
            self.engine.pipelines.create(spec_of(line))
            self.model.run_below(set(), own=line.name)
        self.settle()

    @rule(
        repo=st.sampled_from(["in", "in", "config"]),
        puts=st.dictionaries(PATHS, CONTENTS, max_size=4),
        deletes=st.sets(st.one_of(PATHS, st.just("/d")), max_size=2),
        crash=st.none() | st.integers(0, 12),
    )
    def push(self, repo: str, puts: dict[str, bytes], deletes: set[str], crash: int | None) -> None:
        changes: list[Change] = [Delete(path) for path in (*deletes, *puts)]
        changes += [Append(path, data) for path, data in puts.items()]

        def act() -> None:
            commit = self.engine.commits.start(self.engine.repos.get(repo), "master")
            self.engine.files.modify(commit, changes)
            self.engine.commits.finish(commit)

        before = len(self.finished(repo))
        self.attempt(act, crash)
        if len(self.finished(repo)) > before:
            files = {
                path: data
                for path, data in self.model.heads[repo].files.items()
                if not any(path == gone or path.startswith(gone + "/") for gone in deletes)
            }
            self.model.push(repo, {**files, **puts})

    @rule(
        index=st.integers(0, 2), function=st.sampled_from("fgh"), reprocess=st.booleans(),
        crash=st.none() | st.integers(0, 12),
    )  # fmt: skip
    def change_spec(self, index: int, function: str, reprocess: bool, crash: int | None) -> None:
        line = self.model.lines[index]
        spec = spec_of(Line(line.name, line.inputs, line.kind, function), update=True, reprocess=reprocess)
        before = self.engine.pipelines.get(line.name).version
        self.attempt(lambda: self.engine.pipelines.create(spec), crash)
        if self.engine.pipelines.get(line.name).version > before:
            line.function = function
            line.salt += reprocess
            self.model.run_below(set(), own=line.name)

    @rule(crash=st.none() | st.integers(0, 3))
    def branch_off(self, crash: int | None) -> None:
        """The branch side begins, again, where master is."""
        head = self.newest("in")
        if head is not None:
            self.attempt(lambda: self.engine.move_branch(head.repo, "side", head, []), crash)
            moved = self.head_of("side") == head.id
            self.model.side = dict(self.model.heads["in"].files) if moved else self.model.side

    @rule(puts=st.dictionaries(PATHS, CONTENTS, max_size=3), gone=PATHS)
    def push_aside(self, puts: dict[str, bytes], gone: str) -> None:
        """A push to side, which no pipeline reads."""
        if self.model.side is not None:
            commit = self.engine.commits.start(self.engine.repos.get("in"), "side")
            changes: list[Change] = [Delete(path) for path in (gone, *puts)]
            self.engine.files.modify(commit, [*changes, *(Append(p, data) for p, data in puts.items())])
            self.engine.commits.finish(commit)
            self.model.side = {p: data for p, data in self.model.side.items() if p != gone} | puts

    @rule(crash=st.none() | st.integers(0, 12))
    def move_master_to_side(self, crash: int | None) -> None:
        """What stands on side is what pipelines read from now on."""
        if self.model.side is None or self.head_of("side") == self.head_of("master"):
            return
        repo = self.engine.repos.get("in")
        head = self.engine.commits.find(repo, "side")
        self.attempt(lambda: self.engine.move_branch(repo, "master", head, []), crash)
        if self.head_of("master") == head.id:
            self.model.push("in", dict(self.model.side))

    @rule()
    def drop_the_newest_set(self) -> None:
        """Only open commits are dropped here: a pushed set is part of the model's history."""
        commit = self.engine.commits.start(self.engine.repos.get("in"), "master")
        self.engine.files.modify(commit, [Append("/never", b"seen")])
        self.engine.drop(commit.uuid)

    @rule()
    def leave_a_commit_open(self) -> None:
        commit = self.engine.commits.start(self.engine.repos.get("in"), "master")
        self.engine.files.modify(commit, [Append("/never", b"seen")])

    @rule()
    def restart(self) -> None:
        self.engine.stop()
        self.died.clear()
        self.engine = self.open()

    @rule(name=st.sampled_from(["each", "whole", "after"]))
    def stop_and_start(self, name: str) -> None:
        self.settle()
        self.engine.stop_pipeline(name)
        self.engine.pipelines.start(name)

    @invariant()
    def same(self) -> None:
        self.settle()
        for name, version in self.model.heads.items():
            commit = self.newest(name)
            if commit is None:
                assert version.files == {}
                continue
            tree = self.engine.commits.tree(commit)
            files = {e.path: self.engine.objects.read(tree.file(e.path)) for e in tree.files()}
            assert (name, files) == (name, version.files)
            assert (name, bool(commit.error)) == (name, version.error)
            assert commit.size == sum(map(len, files.values()))
        if self.model.side is not None:
            commit = self.engine.commits.find(self.engine.repos.get("in"), "side")
            side = self.engine.commits.tree(commit)
            assert {
                e.path: self.engine.objects.read(side.file(e.path)) for e in side.files()
            } == self.model.side

    def attempt(self, act: Callable[[], None], crash: int | None) -> None:
        if crash is not None:
            self.died = crash_at(self.engine, crash)
        try:
            act()
            self.settle()
        except Crash:
            pass
        if crash is not None:
            self.restart()
            self.settle()

    def settle(self) -> None:
        """Wait until no job is left; a crash in a job's thread leaves some, as a crash does."""

        def idle() -> bool | None:
            return True if self.died.is_set() or not self.engine.jobs.unfinished() else None

        self.engine.metadata.wait(idle)

    def finished(self, repo: str) -> list[Commit]:
        return [c for c in self.engine.commits.log(self.engine.repos.get(repo)) if c.finished is not None]

    def head_of(self, branch: str) -> int | None:
        repo = self.engine.repos.get("in")
        return next((b.head for b in self.engine.repos.branches(repo) if b.name == branch), None)

    def newest(self, name: str) -> Commit | None:
        try:
            return self.engine.commits.readable(self.engine.repos.get(name), "master")
        except NotFoundError:
            return None
        except Exception:
            assert not self.finished(name)
            return None


def run(examples: int, steps: int) -> None:
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnhandledThreadExceptionWarning"  # crashes, as asked
)


def test_random_histories_match_the_model() -> None:
    run(examples=int(os.environ.get("FOREWARN_EXAMPLES", "12")), steps=15)


@pytest.mark.long
def test_twenty_thousand_steps_match_the_model() -> None:
    run(examples=int(os.environ.get("FOREWARN_EXAMPLES", "500")), steps=45)


GOOD = st.sampled_from([b"1", b"2", b"3"])


def trees_after(pushes: list[dict[str, bytes | None]]) -> dict[str, bytes | None]:
    """The output tree of every pipeline after some pushes into a new engine; None deletes a file."""
    with (
        tempfile.TemporaryDirectory(dir=FAST) as folder,
        Engine(folder, executor=FunctionExecutor()) as engine,
    ):
        engine.repos.create("in")
        engine.repos.create("config")
        lines = [Line("each", ["in"], "each", "f"), Line("whole", ["each", "config"], "whole", "g")]
        for line in lines:
            engine.pipelines.create(spec_of(line))
        for repo, push in [("config", {"/a": b"1"}), *(("in", push) for push in pushes)]:
            commit = engine.commits.start(engine.repos.get(repo), "master")
            engine.files.modify(commit, [Delete(path) for path in push])
            engine.files.modify(
                commit, [Append(path, data) for path, data in push.items() if data is not None]
            )
            engine.commits.finish(commit)
        engine.metadata.wait(lambda: None if engine.jobs.unfinished() else True)
        return {
            line.name: engine.commits.readable(engine.repos.get(line.name), "master").tree for line in lines
        }


@settings(max_examples=15, deadline=None)
@given(pushes=st.lists(st.dictionaries(PATHS, st.none() | GOOD, max_size=4), max_size=5))
def test_incremental_results_equal_a_rebuild_bit_by_bit(pushes: list[dict[str, bytes | None]]) -> None:
    final = {path: data for push in pushes for path, data in push.items()}
    assert trees_after(pushes) == trees_after(
        [{path: data for path, data in final.items() if data is not None}]
    )
