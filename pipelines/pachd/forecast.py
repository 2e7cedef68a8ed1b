"""What a push, a changed configuration or a changed spec would run, told before anything of it is there.

The commit and its jobs are really made, with the same code, but in a transaction that is rolled back. A
datum that would run has no outputs yet; those of its last run stand in for them, each with a content of its
own, so that the plans of pipelines downstream say what may run and why. What a datum that never ran will
write is unknown.
"""

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pipelines.pachd.datums import Why
from pipelines.pachd.edits import Edit
from pipelines.pachd.maps import Nodes
from pipelines.pachd.objects import FileRef
from pipelines.pachd.paths import canonical
from pipelines.pachd.planning import Done, Plan, Planned, Planner, as_of
from pipelines.pachd.records import Branch, Job
from pipelines.pachd.trees import EMPTY_TREE

if TYPE_CHECKING:
    from pipelines.pachd.engine import Engine


@dataclass(frozen=True)
class Content:
    """A file that is not in the store: the hash it would have there, and its bytes."""

    hash: str
    size: int


@dataclass(frozen=True)
class Upcoming:
    """What somebody is about to do.

    puts: repo → path → content that replaces the file there, on master; repos that do not exist are new.
    deletes: repo → paths that go. specs: pipelines to create or update, inputs before outputs.
    """

    puts: Mapping[str, Mapping[str, Content]] = field(default_factory=dict)
    deletes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    specs: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class Forecast:
    """The plan of one pipeline.

    may: ids of datums in plan.run that run only if what is upstream comes out different. after: pipelines
    upstream with datums that never ran, whose outputs may add datums here. note: what about the pipeline
    itself changed.
    """

    pipeline: str
    plan: Plan
    may: frozenset[str] = frozenset()
    after: tuple[str, ...] = ()
    note: str = ""


def forecast(engine: "Engine", upcoming: Upcoming) -> list[Forecast]:
    """Forecasts of the pipelines that would have a job, in the order data flows."""
    with engine.metadata.trial():
        try:
            _make(engine, upcoming)
            foreseen = _Foreseen(engine)
            return _one_of_each([foreseen.run(job) for job in engine.jobs.unfinished()])
        finally:
            engine.trees.contents.forget()


def _make(engine: "Engine", upcoming: Upcoming) -> None:
    for repo in upcoming.puts:
        engine.repos.create(repo, update=True)
    changed: list[Branch] = []
    set_id = uuid.uuid4().hex
    for repo in sorted({*upcoming.puts, *upcoming.deletes}):
        puts = upcoming.puts.get(repo, {})
        edit = Edit()
        for path in upcoming.deletes.get(repo, ()):
            edit.delete(canonical(path))
        for path, content in puts.items():
            edit.put(canonical(path), content.hash)
        engine.trees.contents.register([FileRef(c.hash, c.size, ()) for c in puts.values()])
        branch = engine.repos.create_branch(engine.repos.get(repo), "master")
        engine.commits.write(branch, set_id, edit)
        changed.append(branch)
    for spec in upcoming.specs:
        engine.pipelines.create(dict(spec), update=True)
    engine.commits.propagate(set_id, changed)


class _Foreseen:
    """Ends jobs one after the other as if they had run. pending: repos with files that are yet to be made."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._pending: set[str] = set()
        self._unknown: dict[str, tuple[str, ...]] = {}

    def run(self, job: Job) -> Forecast:
        """Plan a job and close it."""
        jobs, plans, trees = self._engine.jobs, self._engine.plans, self._engine.trees
        planner = plans.of_job(job)
        upstream = {repo for repo, _ in planner.now.trees}
        after = tuple(
            dict.fromkeys(name for repo in sorted(upstream) for name in self._unknown.get(repo, ()))
        )
        inputs = jobs.inputs(job).values()
        if failed := [commit for commit in inputs if commit.error]:
            jobs.close(job, "UNRUNNABLE", reason=f"input commit {failed[0]} failed")
            return Forecast(job.pipeline, Plan(), after=after, note=f"cannot run: {failed[0]} failed")
        if waits := [commit.repo.name for commit in inputs if commit.finished is None]:
            return Forecast(job.pipeline, Plan(), after=after, note=f"waits for {waits[0]}, which is stopped")
        plan = planner.plan()
        nodes: Nodes = {}
        outputs = {planned.datum.id: self._outputs(planner, planned, nodes) for planned in plan.run}
        trees.maps.store(nodes)
        base, merged = plans.merge(job, plan, outputs)
        trees.maps.store(merged.nodes)
        jobs.close(job, "SUCCESS", tree=merged.tree, datums=merged.datums, base=base.id if base else None)
        may = frozenset(planned.datum.id for planned in plan.run if not self._certain(planner, planned))
        if plan.run:
            self._pending.add(job.pipeline)
        if any(trees.maps.get(planner.base.index, planned.datum.id) is None for planned in plan.run):
            after = (*after, job.pipeline)
        self._unknown[job.pipeline] = (*self._unknown.get(job.pipeline, ()), *after)
        plan = self._explained(planner, plan, may)
        return Forecast(
            job.pipeline,
            plan,
            may,
            tuple(name for name in after if name != job.pipeline),
            self._note(job, base),
        )

    def _outputs(self, planner: Planner, planned: Planned, nodes: Nodes) -> Done:
        """Those of the datum's last run, every content another one."""
        trees = self._engine.trees
        before = trees.maps.get(planner.base.index, planned.datum.id)
        edit = Edit()
        refs = []
        for entry in trees.open(before[1]).files() if before else ():
            content = hashlib.sha256(f"{planned.hash}{entry.path}".encode()).hexdigest()
            refs.append(FileRef(content, entry.size, ()))
            edit.append(entry.path, content)
        trees.contents.register(refs)
        root = trees.apply(None, edit, nodes)
        return Done(planned.hash, root.hash if refs else EMPTY_TREE, root.weight)

    def _certain(self, planner: Planner, planned: Planned) -> bool:
        """Whether it runs whatever the datums upstream will write."""
        if planned.why.code != "input changed" or planner.base.snapshot is None:
            return True
        awaited = {(i.name, i.path) for i in planned.datum.inputs if i.repo in self._pending}
        return bool(_changed(planner, planned) - awaited)

    def _explained(self, planner: Planner, plan: Plan, may: frozenset[str]) -> Plan:
        """Words for what is awaited: its hashes are not known yet."""
        for at, planned in enumerate(plan.run):
            if planned.datum.id in may:
                awaited = [
                    f"{i.name}:{i.path} will be made again by {i.repo}"
                    for i in planned.datum.inputs
                    if (i.name, i.path) in _changed(planner, planned)
                ]
                plan.run[at] = replace(planned, why=Why(planned.why.code, "; ".join(awaited)))
        return plan

    def _note(self, job: Job, base: Job | None) -> str:
        if base is None or base.version == job.version:
            return ""
        old = self._engine.pipelines.get(job.pipeline, base.version)
        new = self._engine.pipelines.get(job.pipeline, job.version)
        keys = sorted(_differing(json.loads(old.spec_json), json.loads(new.spec_json)))
        changed = f"spec changed since the last good job ({', '.join(keys) or 'same text'})"
        if old.salt != new.salt:
            return f"{changed} with a new salt: every datum runs"
        return f"{changed}: that alone runs no datum again"


def _changed(planner: Planner, planned: Planned) -> set[tuple[str, str]]:
    """Name and path of the inputs that are not as the base had them."""
    before = as_of(planned.datum, planner.base.snapshot) if planner.base.snapshot else None
    known = {(i.name, i.path): i.hash for i in before.inputs} if before else {}
    return {(i.name, i.path) for i in planned.datum.inputs if known.get((i.name, i.path)) != i.hash}


def _differing(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    return (key for key in old.keys() | new.keys() if old.get(key) != new.get(key))


def _one_of_each(found: Sequence[Forecast]) -> list[Forecast]:
    """One forecast per pipeline: the datums of all its jobs, each once."""
    merged: dict[str, Forecast] = {}
    for one in found:
        merged[one.pipeline] = _together(merged[one.pipeline], one) if one.pipeline in merged else one
    return list(merged.values())


def _together(first: Forecast, second: Forecast) -> Forecast:
    run: dict[str, Planned] = {}
    certain = {p.datum.id for f in (first, second) for p in f.plan.run if p.datum.id not in f.may}
    for one in (first, second):
        for planned in one.plan.run:
            if planned.datum.id not in (one.may & certain):
                run.setdefault(planned.datum.id, planned)
    plan = Plan(
        total=second.plan.total,
        kept=max(0, second.plan.total - len(run)),
        run=list(run.values()),
        gone=[*first.plan.gone, *second.plan.gone],
    )
    return Forecast(
        second.pipeline,
        plan,
        frozenset(run.keys() - certain),
        tuple(dict.fromkeys(first.after + second.after)),
        second.note or first.note,
    )
