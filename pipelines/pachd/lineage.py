"""Which datum made a file, from which files, back to the push that brought them; and forward from a push.

A commit tells its repo's inputs as a whole; a job's index tells for every datum which files it wrote, so a
file leads to one datum and that datum to the files it read, not to those whose names alone it saw. Nothing is
recorded for this: it is all there.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING

from features.errors import NotFoundError
from pipelines.pachd.datums import Datum, DatumInput
from pipelines.pachd.paths import canonical
from pipelines.pachd.records import Commit, Job
from pipelines.pachd.trees import Tree

if TYPE_CHECKING:
    from pipelines.pachd.engine import Engine


@dataclass(frozen=True)
class Made:
    """Files one datum wrote. commit: the set they were asked of; ran_in: the one whose job ran the datum.

    files: those that were asked for, of all it wrote. inputs: all it read.
    """

    pipeline: str
    commit: str
    datum: str
    ran_in: str
    files: tuple[str, ...]
    inputs: tuple[DatumInput, ...]


@dataclass(frozen=True)
class Pushed:
    """A file somebody pushed. commit: the push that brought this content; at: µs since the epoch."""

    repo: str
    path: str
    hash: str
    size: int
    commit: str
    at: int
    description: str


@dataclass(frozen=True)
class Version:
    """One content of a pushed file. commits: sets whose target commit was made with it, oldest first."""

    pushed: Pushed
    commits: tuple[str, ...]


def trace_back(
    engine: "Engine", repo: str, reference: str, paths: Iterable[str], *, segment: str = ""
) -> Iterator[Made | Pushed]:
    """The datums behind some files or directories of a commit, nearest first, and the pushed files.

    segment: follow only those inputs that are pushed files or have this segment in their path, such as a
    robot's id. Raises NotFoundError for a path the commit does not have.
    """
    commit = engine.commits.readable(engine.repos.get(repo), reference)
    tree = engine.commits.tree(commit)
    for path in paths:
        if tree.get(path) is None:
            raise NotFoundError(f"{commit}:{path} not found")
    level = {commit.id: {canonical(path) for path in paths}}
    seen: set[tuple[int, str]] = set()
    while level:
        above: dict[int, set[str]] = defaultdict(set)
        for row, wanted in level.items():
            fresh = {path for path in wanted if (row, path) not in seen}
            seen |= {(row, path) for path in fresh}
            at = engine.commits.get(row)
            job = engine.jobs.making(at)
            if job is None:
                yield from _pushed(engine, at, fresh)
                continue
            for made, sources in _made(engine, job, at, fresh):
                yield made
                for given, source in sources:
                    derived = engine.jobs.making(source) is not None
                    if not derived or not segment or segment in given.path.split("/"):
                        above[source.id].add(given.path)
        level = above


def trace_on(engine: "Engine", repo: str, path: str) -> list[Made]:
    """The datums that a pushed file or folder reaches now, in the order data flows, with all they wrote."""
    tree = engine.commits.tree(engine.commits.readable(engine.repos.get(repo), "master"))
    reached: dict[str, set[str]] = {repo: _with_folders(entry.path for entry in tree.files(path))}
    found: list[Made] = []
    for job in _newest_good_jobs(engine):
        written: list[str] = []
        for datum in engine.plans.of_job(job).datums():
            read = [i for i in datum.inputs if not i.empty_files]
            if any((i.path.rstrip("/") or "/") in reached.get(i.repo, ()) for i in read):
                files = tuple(entry.path for entry in _outputs(engine, job, datum.id).files())
                found.append(_datum(engine, job, datum, files))
                written += files
        reached[job.pipeline] = _with_folders(written)
    return found


def versions(engine: "Engine", repo: str, path: str, target: str) -> list[Version]:
    """Every content a pushed file ever had, newest first, with the commits of `target` made from it.

    Raises NotFoundError for a path in no commit.
    """
    commits = list(engine.commits.log(engine.repos.get(repo)))
    found: dict[tuple[str, str], tuple[Pushed, list[str]]] = {}
    for commit in (commit for commit in commits if commit.finished is not None):
        if engine.commits.tree(commit).get(path) is not None:
            (pushed,) = _pushed(engine, commit, [path])
            found.setdefault((pushed.commit, pushed.hash), (pushed, []))
    if not found:
        raise NotFoundError(f"{repo}:{path} is in no commit", hint="name a path as it was pushed")
    for made in reversed(list(engine.commits.log(engine.repos.get(target)))):
        source = next((c for c in _upstream(engine, made) if c.repo.name == repo), None)
        entry = engine.commits.tree(source).get(path) if source is not None else None
        if source is not None and entry is not None and made.finished is not None and not made.error:
            (pushed,) = _pushed(engine, source, [path])
            found[pushed.commit, pushed.hash][1].append(made.uuid)
    return [Version(pushed, tuple(made)) for pushed, made in found.values()]


def _made(
    engine: "Engine", job: Job, commit: Commit, wanted: set[str]
) -> Iterator[tuple[Made, list[tuple[DatumInput, Commit]]]]:
    sources = engine.jobs.inputs(job)
    for datum in engine.plans.of_job(job).datums():
        outputs = _outputs(engine, job, datum.id)
        files = tuple(path for path in sorted(wanted) if path != "/" and outputs.get(path) is not None)
        if "/" in wanted:
            files = ("/",)
        if files:
            made = _datum(engine, job, datum, files, commit.uuid)
            read = [given for given in datum.inputs if not given.empty_files]
            yield made, [(given, sources[given.repo, given.branch]) for given in read]


def _datum(engine: "Engine", job: Job, datum: Datum, files: tuple[str, ...], commit: str = "") -> Made:
    ran_in = engine.jobs.last_run(job, datum.id) or job
    return Made(job.pipeline, commit or job.uuid, datum.id, ran_in.uuid, files, datum.inputs)


def _outputs(engine: "Engine", job: Job, datum: str) -> Tree:
    value = engine.trees.maps.get(job.datums, datum) if job.datums is not None else None
    return engine.trees.open(value[1] if value is not None else None)


def _pushed(engine: "Engine", commit: Commit, paths: Iterable[str]) -> Iterator[Pushed]:
    """Files at or below some paths, each with the commit since which it is there unchanged."""
    tree = engine.commits.tree(commit)
    for path in sorted(paths):
        for entry in tree.files(path):
            first = at = commit
            while at.parent is not None:
                at = engine.commits.get(at.parent)
                before = engine.commits.tree(at).get(entry.path)
                if before is None or before.hash != entry.hash:
                    break
                first = at
            yield Pushed(
                commit.repo.name,
                entry.path,
                entry.hash,
                entry.size,
                first.uuid,
                first.started,
                first.description,
            )


def _newest_good_jobs(engine: "Engine") -> Iterator[Job]:
    """The newest successful job of every pipeline, inputs before outputs."""
    newest: dict[str, Job] = {}
    for job in engine.jobs.all():
        if job.state == "SUCCESS":
            newest.setdefault(job.pipeline, job)
    reads = {job.pipeline: {repo for repo, _ in engine.jobs.inputs(job)} for job in newest.values()}
    return (newest[name] for name in TopologicalSorter(reads).static_order() if name in newest)


def _upstream(engine: "Engine", commit: Commit) -> Iterator[Commit]:
    """Every commit a commit was made from, nearest first."""
    seen = {commit.id}
    level = [commit]
    while level:
        level = [c for at in level for c in engine.commits.provenance(at) if c.id not in seen]
        seen |= {c.id for c in level}
        yield from level


def _with_folders(paths: Iterable[str]) -> set[str]:
    """The paths and every folder above them, the root too."""
    found: set[str] = set()
    for path in paths:
        while path and path not in found:
            found.add(path)
            path = path.rpartition("/")[0]
        found.add("/")
    return found
