"""A day in the life of an engine, with every kind of write, and what must be true wherever it was cut off."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from features.errors import NotFoundError
from pipelines.pachd import gc, objects, runner
from pipelines.pachd.engine import Engine
from pipelines.pachd.files import Append, Delete
from pipelines.pachd.records import Commit
from tests.faults.inline import Copying, run_jobs

COPY = {
    "pipeline": {"name": "copy"},
    "input": {"pfs": {"repo": "in", "glob": "/*"}},
    "transform": {"cmd": ["copy"]},
    "datum_set_spec": {"number": 1},
}
CLASH = {**COPY, "pipeline": {"name": "clash"}, "transform": {"cmd": ["same"]}}
DROPPED = 2
Files = dict[str, bytes]
Tell = Callable[[str, str], None]


def pushes(seed: int) -> list[tuple[list[Append | Delete], Files]]:
    """The pushes of a day and what the repo holds after each; the third is dropped before the fourth."""
    draw, base, found = random.Random(seed), Files(), []
    for number in range(6):
        written = {
            f"/{draw.randrange(4)}": b"%d %d\n" % (seed, number) * draw.choice((1, 300)) for _ in range(2)
        }
        gone = [path for path in base if path not in written and draw.random() < 0.3]
        head = {path: data for path, data in (base | written).items() if path not in gone}
        changes = [Delete(path) for path in (*written, *gone)]
        found.append(([*changes, *(Append(path, data) for path, data in written.items())], head))
        base = head if number != DROPPED else base
    return found


def live(root: Path, seed: int, tell: Tell) -> None:
    """From an empty folder on; `tell` of feedback, of pushes, and of doing away with one before and after.

    Results are written down one by one, not as many as there are: each day passes each point as often.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gc, "SLACK_S", -60.0)
        patch.setattr(objects, "CHUNK_BYTES", 1024)
        patch.setattr(runner, "_batches", lambda results: ([result] for result in results))
        _live(root, seed, tell)


def _live(root: Path, seed: int, tell: Tell) -> None:
    engine = Engine(root, executor=Copying())
    repo = engine.repos.create("in")
    feedback = engine.repos.create("feedback")
    engine.repos.create("feedback", description="what people said of alerts", update=True)
    engine.pipelines.create(COPY)
    todo = iter(pushes(seed))

    def push() -> str:
        changes, _ = next(todo)
        commit = engine.commits.start(repo, "master")
        engine.files.modify(commit, changes)
        engine.commits.finish(commit, description="pushed")
        tell("pushed", commit.uuid)
        return commit.uuid

    said = engine.commits.start(feedback, "master")
    engine.files.modify(said, [Append("/said", b"repaired"), Append("/draft", b"a false alarm" * 50)])
    engine.files.modify(said, [Delete("/draft")])
    engine.commits.finish(said)
    tell("said", said.uuid)
    first = push()
    run_jobs(engine)
    push()
    engine.jobs.move(engine.jobs.unfinished()[0], "STARTING")
    run_jobs(engine)
    unfinished = engine.commits.start(repo, "master")
    engine.files.modify(unfinished, [Append("/never", b"seen")])
    engine.commits.clear(unfinished)
    engine.drop(unfinished.uuid)
    tell("dropping", push())
    engine.drop(engine.commits.find(repo, "master").uuid)
    tell("dropped", "")
    push()
    run_jobs(engine)
    tell("dropping", first)
    engine.commits.squash(first)
    tell("dropped", "")
    engine.jobs.force("copy", [["/0"]])
    run_jobs(engine)
    engine.pipelines.stop("copy")
    push()
    engine.pipelines.start("copy")
    engine.pipelines.create(COPY, update=True, reprocess=True)
    run_jobs(engine)
    engine.jobs.delete(engine.jobs.all("copy")[0])
    engine.pipelines.create(CLASH)
    run_jobs(engine)
    engine.delete_pipeline("clash")
    engine.repos.delete_branch(engine.repos.create_branch(repo, "aside"))
    engine.collect_garbage()
    engine.collect_garbage()
    push()
    engine.metadata.close()


@dataclass
class Told:
    """What one who died had told: feedback, pushes in order, and those it did away with or was about to."""

    pushed: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    going: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, lines: Sequence[bytes]) -> "Told":
        told = cls()
        for what, value in map(json.loads, lines):
            match what:
                case "pushed":
                    told.pushed.append(value)
                case "said":
                    told.said.append(value)
                case "dropping":
                    told.going = {value}
                case "dropped":
                    told.gone |= told.going
                    told.going = set()
        return told


def check(root: Path, seed: int, told: Told) -> None:
    """Nothing acknowledged is lost, nothing half there, the work goes on, every output is there once."""
    engine = Engine(root, executor=Copying())
    try:
        assert list(engine.fsck()) == []
        heads = [head for _, head in pushes(seed)]
        finished = _finished(engine)
        kept = [uuid for uuid in told.pushed if uuid not in told.gone | told.going]
        assert set(kept) <= finished.keys(), "an acknowledged commit is lost"
        assert not told.gone & finished.keys(), "what was dropped is there again"
        new = finished.keys() - set(told.pushed)
        assert len(new) <= 1, "more than the push that was under way is there"
        numbers = {uuid: number for number, uuid in enumerate([*told.pushed, *new])}
        for uuid, commit in finished.items():
            assert contents(engine, commit) == heads[numbers[uuid]], "a commit is half there"
        for uuid in told.said:
            entry = engine.commits.find(engine.repos.get("feedback"), uuid)
            assert contents(engine, entry) == {"/said": b"repaired"}, "feedback is lost"
        go_on(engine)
        assert list(engine.fsck()) == []
    finally:
        engine.metadata.close()


def go_on(engine: Engine) -> None:
    """Drop what nobody will finish, run what waits, push; the output is the input."""
    repo = engine.repos.create("in", update=True)
    drop_unfinished(engine)
    for pipeline in engine.pipelines.all():
        if pipeline.name == "clash":
            engine.delete_pipeline("clash")
        elif pipeline.stopped:
            engine.pipelines.start("copy")
    if not engine.pipelines.all():
        engine.pipelines.create(COPY)
    run_jobs(engine)
    commit = engine.commits.start(repo, "master")
    engine.files.modify(commit, [Append("/after", b"all of it")])
    engine.commits.finish(commit)
    run_jobs(engine)
    made = contents(engine, engine.commits.readable(engine.repos.get("copy"), "master"))
    assert made == contents(engine, engine.commits.get(commit.id))
    assert [job.state for job in engine.jobs.in_set(commit.uuid)] == ["SUCCESS"]
    assert engine.commits.readable(engine.repos.get("copy"), "master").uuid == commit.uuid


def drop_unfinished(engine: Engine) -> int:
    """Drop the commits that the one who died had not finished; how many."""
    log = engine.commits.log(engine.repos.get("in"))
    unfinished = [commit for commit in log if commit.finished is None]
    for commit in unfinished:
        engine.drop(commit.uuid)
    return len(unfinished)


def contents(engine: Engine, commit: Commit) -> Files:
    tree = engine.commits.tree(commit)
    return {entry.path: engine.objects.read(tree.file(entry.path)) for entry in tree.files()}


def _finished(engine: Engine) -> dict[str, Commit]:
    try:
        repo = engine.repos.get("in")
    except NotFoundError:
        return {}
    return {commit.uuid: commit for commit in engine.commits.log(repo) if commit.finished is not None}
