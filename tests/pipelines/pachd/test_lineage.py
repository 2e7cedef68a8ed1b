from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from features.errors import NotFoundError
from pipelines.pachd.engine import Engine
from pipelines.pachd.executor import Executor
from pipelines.pachd.files import Append, Change, Delete
from pipelines.pachd.lineage import Made, Pushed, trace_back, trace_on, versions
from pipelines.pachd.worker import DatumResult, DatumTask


class ByRobot(Executor):
    """Files every letter of a log below a folder of that letter; pipelines after it copy."""

    def submit_set(self, tasks: tuple[DatumTask, ...]) -> Future[Any]:
        future: Future[Any] = Future()
        results = []
        with tasks[0].objects.writer() as writer:
            for task in tasks:
                files = {}
                for file in task.inputs:
                    name = file.path.partition("/")[2]
                    if task.pipeline == "split":
                        letters = task.objects.read(file.ref).decode()
                        files |= {f"/{robot}/{name}": writer.add(robot.encode()) for robot in letters}
                    else:
                        files[f"/{name}"] = file.ref
                results.append(DatumResult(task.datum_id, "success", files))
        future.set_result(tuple(results))
        return future

    def close(self) -> None:
        pass


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(tmp_path / "engine", executor=ByRobot(1)) as engine:
        engine.repos.create("logs")
        for name, repo, glob in (("split", "logs", "/*"), ("copy", "split", "/*"), ("all", "copy", "/")):
            engine.pipelines.create(
                {
                    "pipeline": {"name": name},
                    "input": {"pfs": {"repo": repo, "glob": glob}},
                    "transform": {"cmd": ["x"]},
                }
            )
        yield engine


def push(engine: Engine, files: dict[str, bytes], *gone: str) -> str:
    commit = engine.commits.start(engine.repos.get("logs"), "master")
    changes: list[Change] = [Delete(path) for path in (*files, *gone)]
    engine.files.modify(commit, [*changes, *(Append(path, data) for path, data in files.items())])
    engine.commits.finish(commit)
    engine.metadata.wait(lambda: None if engine.jobs.unfinished() else True)
    return commit.uuid


def told(found: Iterator[Made | Pushed]) -> list[tuple[str, ...]]:
    return [
        (one.pipeline, one.ran_in, *one.files) if isinstance(one, Made) else (one.repo, one.commit, one.path)
        for one in found
    ]


def test_a_file_leads_back_to_the_pushes_that_brought_its_sources(engine: Engine) -> None:
    first = push(engine, {"/1": b"ab", "/2": b"b"})
    second = push(engine, {"/3": b"ac"})
    assert told(trace_back(engine, "copy", "master", ["/a"])) == [
        ("copy", second, "/a"),
        ("split", first, "/a"),
        ("split", second, "/a"),
        ("logs", first, "/1"),
        ("logs", second, "/3"),
    ]
    assert told(trace_back(engine, "copy", "master", ["/b/2"])) == [
        ("copy", first, "/b/2"),
        ("split", first, "/b"),
        ("split", first, "/b"),
        ("logs", first, "/1"),
        ("logs", first, "/2"),
    ]


def test_a_segment_narrows_what_is_followed(engine: Engine) -> None:
    push(engine, {"/1": b"ab", "/2": b"b"})
    assert {row[0] for row in told(trace_back(engine, "all", "master", ["/a"]))} == {
        "all",
        "copy",
        "split",
        "logs",
    }
    assert told(trace_back(engine, "all", "master", ["/a"], segment="a"))[1:] == []
    with pytest.raises(NotFoundError, match="/z not found"):
        list(trace_back(engine, "all", "master", ["/z"]))


def test_a_pushed_file_leads_on_to_all_it_reaches(engine: Engine) -> None:
    push(engine, {"/1": b"ab", "/2": b"b"})
    newest = push(engine, {"/3": b"c"})
    assert [(made.pipeline, made.files) for made in trace_on(engine, "logs", "/1")] == [
        ("split", ("/a/1", "/b/1")),
        ("copy", ("/a/1",)),
        ("copy", ("/b/1", "/b/2")),
        ("all", ("/a/1", "/b/1", "/b/2", "/c/3")),
    ]
    assert [made.pipeline for made in trace_on(engine, "logs", "/3")] == ["split", "copy", "all"]
    assert {made.commit for made in trace_on(engine, "logs", "/3")} == {newest}


def test_every_version_of_a_file_knows_what_was_made_from_it(engine: Engine) -> None:
    first = push(engine, {"/1": b"a"})
    second = push(engine, {"/2": b"b"})
    third = push(engine, {"/1": b"c"})
    push(engine, {}, "/1")
    back = push(engine, {"/1": b"a"})
    assert [(one.pushed.commit, one.commits) for one in versions(engine, "logs", "/1", "all")] == [
        (back, (back,)),
        (third, (third,)),
        (first, (first, second)),
    ]
    with pytest.raises(NotFoundError, match="in no commit"):
        versions(engine, "logs", "/9", "all")
