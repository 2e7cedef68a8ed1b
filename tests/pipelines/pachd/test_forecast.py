import hashlib
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import DataError, NotFoundError
from pipelines.pachd.engine import Engine
from pipelines.pachd.executor import Executor
from pipelines.pachd.files import Append, Delete
from pipelines.pachd.forecast import Content, Forecast, Upcoming
from pipelines.pachd.worker import DatumResult, DatumTask

Files = Mapping[str, bytes | None]


class FirstByte(Executor):
    """Writes the first byte of every input file, so that a changed input may leave the output as it was."""

    def __init__(self) -> None:
        super().__init__(1)

    def submit_set(self, tasks: tuple[DatumTask, ...]) -> Future[Any]:
        future: Future[Any] = Future()
        with tasks[0].objects.writer() as writer:
            results = [
                DatumResult(
                    task.datum_id,
                    "success",
                    {
                        "/" + f.path.partition("/")[2]: writer.add(task.objects.read(f.ref)[:1])
                        for f in task.inputs
                    },
                )
                for task in tasks
            ]
        future.set_result(tuple(results))
        return future

    def close(self) -> None:
        pass


def spec(name: str, repo: str, glob: str, **more: Any) -> dict[str, Any]:
    return {
        "pipeline": {"name": name},
        "input": {"pfs": {"repo": repo, "glob": glob}},
        "transform": {"cmd": ["x"]},
        **more,
    }


@contextmanager
def started(folder: str | Path) -> Iterator[Engine]:
    with Engine(folder, executor=FirstByte()) as engine:
        engine.repos.create("in")
        engine.pipelines.create(spec("one", "in", "/*"))
        engine.pipelines.create(spec("two", "one", "/*"))
        engine.pipelines.create(spec("all", "two", "/"))
        settle(engine)
        yield engine


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with started(tmp_path / "engine") as engine:
        yield engine


def push(engine: Engine, files: Files) -> str:
    commit = engine.commits.start(engine.repos.get("in"), "master")
    changes = [
        c for path, data in files.items() for c in (Delete(path), *([Append(path, data)] if data else []))
    ]
    engine.files.modify(commit, changes)
    engine.commits.finish(commit)
    settle(engine)
    return commit.uuid


def settle(engine: Engine) -> None:
    engine.metadata.wait(lambda: None if engine.jobs.unfinished() else True)


def upcoming(files: Files) -> Upcoming:
    puts = {p: Content(hashlib.sha256(d).hexdigest(), len(d)) for p, d in files.items() if d}
    return Upcoming({"in": puts}, {"in": [path for path, data in files.items() if not data]})


def ran(engine: Engine, set_id: str) -> dict[str, set[str]]:
    return {job.pipeline: set(engine.jobs.runs(job)) for job in engine.jobs.in_set(set_id)}


def paths(one: Forecast, *, may: bool) -> dict[str, str]:
    return {
        planned.datum.inputs[0].path: planned.why.text
        for planned in one.plan.run
        if (planned.datum.id in one.may) is may
    }


def test_a_push_is_told_before_it_is_made_down_to_the_last_pipeline(engine: Engine) -> None:
    push(engine, {"/a": b"a1", "/b": b"b1", "/c": b"c1"})
    one, two, last = engine.forecast(upcoming({"/a": b"a2", "/d": b"d1", "/c": None}))
    old, new = (hashlib.sha256(data).hexdigest()[:12] for data in (b"a1", b"a2"))
    assert paths(one, may=False) == {"/a": f"in:/a changed from {old} to {new}", "/d": "new datum"}
    assert (one.plan.total, one.plan.skipped, len(one.plan.gone), one.after) == (3, 1, 1, ())
    assert paths(two, may=False) == {}
    assert paths(two, may=True) == {"/a": "one:/a will be made again by one"}
    assert (two.plan.total, two.plan.skipped, len(two.plan.gone), two.after) == (2, 1, 1, ("one",))
    assert paths(last, may=True) == {"/": "two:/ will be made again by two"}
    assert last.after == ("one",)


def test_nothing_to_do_is_said_so(engine: Engine) -> None:
    push(engine, {"/a": b"a1"})
    assert [(one.plan.skipped, one.plan.run) for one in engine.forecast(upcoming({"/a": b"a1"}))] == [
        (1, [])
    ] * 3


def test_a_new_version_says_what_changed_and_whether_that_runs_anything(engine: Engine) -> None:
    push(engine, {"/a": b"a1"})
    again = engine.forecast(Upcoming(specs=[spec("two", "one", "/*", description="more")]))
    assert [one.pipeline for one in again] == ["two", "all"]
    assert (again[0].plan.run, again[0].note) == (
        [],
        "spec changed since the last good job (description): that alone runs no datum again",
    )
    salted = engine.forecast(Upcoming(specs=[spec("two", "one", "/*", salt="new")]))[0]
    assert [planned.why.code for planned in salted.plan.run] == ["salt changed"]
    assert salted.note == "spec changed since the last good job (salt) with a new salt: every datum runs"


def test_pipelines_that_do_not_exist_yet_are_foreseen(engine: Engine) -> None:
    push(engine, {"/a": b"a1"})
    before = list(engine.metadata.rows("SELECT * FROM repos"))
    found = engine.forecast(
        Upcoming(
            {"new": {"/x": Content("ab" * 32, 2)}},
            specs=[spec("three", "new", "/*"), spec("four", "three", "/*")],
        )
    )
    assert [(one.pipeline, len(one.plan.run), one.after) for one in found] == [
        ("three", 1, ()),
        ("four", 0, ("three",)),
    ]
    assert list(engine.metadata.rows("SELECT * FROM repos")) == before


CONTENTS = st.none() | st.sampled_from([b"a", b"b", b"a2", b"b2"])
PUSHES = st.lists(
    st.dictionaries(st.sampled_from(["/a", "/b", "/c"]), CONTENTS, min_size=1), min_size=2, max_size=5
)


@settings(max_examples=12, deadline=None)
@given(pushes=PUSHES)
def test_what_runs_is_what_was_told_and_telling_changes_nothing(
    pushes: list[dict[str, bytes | None]],
) -> None:
    with TemporaryDirectory() as folder, started(folder) as engine:
        for files in pushes:
            before = list(engine.metadata._connection.iterdump())
            told = {one.pipeline: one for one in engine.forecast(upcoming(files))}
            assert list(engine.metadata._connection.iterdump()) == before
            did = ran(engine, push(engine, files))
            assert set(did) == set(told)
            for pipeline, datums in did.items():
                foreseen = {planned.datum.id for planned in told[pipeline].plan.run}
                assert foreseen - told[pipeline].may <= datums
                assert datums <= foreseen or told[pipeline].after


def test_chosen_datums_run_again_and_no_others(engine: Engine) -> None:
    push(engine, {"/a/1": b"a1", "/b/1": b"b1", "/c/1": b"c1"})
    ids = {d.inputs[0].path: d.id for d in engine.plans.planner_of_heads("one").datums()}
    job = engine.choose("one", [ids["/a"][:10], "/b/"])
    settle(engine)
    assert ran(engine, job.uuid)["one"] == {ids["/a"], ids["/b"]}
    assert ran(engine, job.uuid)["two"] == set()
    with pytest.raises(NotFoundError, match="no datum of one fits /d"):
        engine.choose("one", ["/d"])
    with pytest.raises(DataError, match="3 datums of one begin with"):
        engine.choose("one", [""])
