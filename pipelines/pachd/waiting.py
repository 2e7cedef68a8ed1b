"""Waiting for commits and jobs: every wait ends when the caller goes away or the engine stops."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pachyderm_sdk.api import pfs

from features.errors import NotFoundError
from pipelines.pachd.errors import PreconditionError
from pipelines.pachd.records import Commit, Job, Repo

if TYPE_CHECKING:
    from pipelines.pachd.engine import Engine

T = TypeVar("T")
_FINAL: Final = pfs.CommitState.FINISHED


def wait_for(engine: "Engine", context: Any, ready: Callable[[], T | None]) -> T:
    """What `ready` gives once it is not None; PreconditionError when the engine stops first."""
    result = engine.metadata.wait(ready, lambda: context.is_active() and not engine.stopping)
    if result is None:
        raise PreconditionError("the engine is stopping", hint="ask again when it runs")
    return result


def waited(engine: "Engine", commit: Commit, state: int, context: Any) -> Commit:
    """The commit once it has reached a state; NotFoundError when it is dropped meanwhile."""

    def ready() -> Commit | None:
        found = engine.commits.get(commit.id)
        return found if reached(engine, found, state) else None

    return wait_for(engine, context, ready)


def reached(engine: "Engine", commit: Commit, state: int) -> bool:
    """Whether a commit is in a state or beyond: started, ready (inputs finished), finishing, finished."""
    if commit.finished is not None or state <= pfs.CommitState.STARTED:
        return True
    if state == pfs.CommitState.READY:
        return all(c.finished is not None for c in engine.commits.provenance(commit))
    return state == pfs.CommitState.FINISHING and commit.finishing is not None


def finished_set(engine: "Engine", set_id: str, context: Any) -> Iterator[Commit]:
    """Commits of a set as they finish, inputs before outputs, until all have."""
    given: set[int] = set()

    def next_one() -> Commit | str | None:
        commits = engine.commits.in_set(set_id)
        todo = [commit for commit in commits if commit.id not in given]
        if not todo:
            return "all"
        return next((commit for commit in todo if commit.finished is not None), None)

    while isinstance(commit := wait_for(engine, context, next_one), Commit):
        given.add(commit.id)
        yield commit


def subscribed(
    engine: "Engine", repo: Repo, branch: str, after: Commit | None, state: int, context: Any
) -> Iterator[Commit]:
    """Commits of a repo (of one branch, younger than `after`) as they reach a state, without end."""
    given: set[int] = set()

    def next_one() -> Commit | None:
        for commit in sorted(engine.commits.log(repo), key=lambda c: (c.finished is None, c.finished, c.id)):
            wanted = branch in ("", commit.branch) and (after is None or commit.id > after.id)
            if wanted and commit.id not in given and reached(engine, commit, state or _FINAL):
                return commit
        return None

    while (commit := _next(engine, context, next_one)) is not None:
        given.add(commit.id)
        yield commit


def waited_job(engine: "Engine", job: Job, context: Any) -> Job:
    """The job once it has ended."""

    def ready() -> Job | None:
        found = engine.jobs.in_row(job.id)
        return found if found.finished is not None else None

    return wait_for(engine, context, ready)


def job_changes(engine: "Engine", pipeline: str, context: Any) -> Iterator[Job]:
    """Jobs of a pipeline that are not finished, again whenever their state changes, without end."""
    given: dict[int, str] = {}

    def next_one() -> Job | None:
        engine.pipelines.get(pipeline)
        jobs = reversed(engine.jobs.all(pipeline))
        changed = (j for j in jobs if given.get(j.id) != j.state and (j.finished is None or j.id in given))
        return next(changed, None)

    while (job := _next(engine, context, next_one)) is not None:
        given[job.id] = job.state
        yield job


def _next(engine: "Engine", context: Any, ready: Callable[[], T | None]) -> T | None:
    try:
        return engine.metadata.wait(ready, lambda: context.is_active() and not engine.stopping)
    except NotFoundError:
        return None
