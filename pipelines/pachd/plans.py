"""Plans of real jobs, and of the job that would run now: what `forewarn plan` shows before anything runs."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipelines.pachd.commits import Commits
from pipelines.pachd.inputs import CronInput, leaves
from pipelines.pachd.jobs import Jobs
from pipelines.pachd.maps import EMPTY
from pipelines.pachd.merging import Merged, merge
from pipelines.pachd.pipelines import Pipeline, Pipelines
from pipelines.pachd.planning import Base, Done, Plan, Planner, Snapshot
from pipelines.pachd.records import Commit, Job
from pipelines.pachd.repos import Repos
from pipelines.pachd.trees import EMPTY_TREE, Trees


@dataclass(frozen=True)
class Plans:
    """Puts together what a planner compares."""

    repos: Repos
    commits: Commits
    pipelines: Pipelines
    jobs: Jobs
    trees: Trees

    def of_job(self, job: Job) -> Planner:
        """The comparison of a job with its nearest successful ancestor."""
        pipeline = self.pipelines.get(job.pipeline, job.version)
        base, failed = self.jobs.base(job)
        return self._planner(pipeline, self.snapshot(job), base, failed, json.loads(job.forced))

    def planner_of_heads(self, name: str) -> Planner:
        """The comparison a job of the pipeline would make if it began now, on the newest finished commits."""
        pipeline = self.pipelines.get(name)
        heads: dict[tuple[str, str], Commit] = {}
        for leaf in leaves(pipeline.spec.input):
            branch = "master" if isinstance(leaf, CronInput) else leaf.branch
            head = self.repos.branch(self.repos.get(leaf.repo), branch).head
            commit = self.commits.get(head) if head is not None else None
            if commit is not None and commit.finished is None:
                commit = self.commits.base_of(commit)
            if commit is not None:
                heads[leaf.repo, branch] = commit
        base, failed = self.jobs.base_of_next(name)
        return self._planner(pipeline, self._snapshot(heads, pipeline.salt), base, failed, ())

    def merge(self, job: Job, plan: Plan, done: Mapping[str, Done]) -> tuple[Job | None, Merged]:
        """What a job began from, and its output when the datums in `done` are those that ran well."""
        base, _ = self.jobs.base(job)
        good = {**plan.salvaged, **done}
        merged = merge(
            self.trees,
            tree=(self.jobs.output(base).tree if base else None) or EMPTY_TREE,
            index=(base.datums if base else None) or EMPTY.hash,
            removed={*plan.gone, *(planned.datum.id for planned in plan.run)} - good.keys(),
            done=good,
        )
        return base, merged

    def snapshot(self, job: Job) -> Snapshot:
        """What a job reads."""
        salt = self.pipelines.get(job.pipeline, job.version).salt
        return self._snapshot(self.jobs.inputs(job), salt)

    def _snapshot(self, commits: Mapping[tuple[str, str], Commit], salt: str) -> Snapshot:
        trees = {source: self.commits.tree(commit) for source, commit in commits.items()}
        return Snapshot(trees, {source: commit.uuid for source, commit in commits.items()}, salt)

    def _base(self, job: Job) -> Base:
        pipeline = self.pipelines.get(job.pipeline, job.version)
        given = pipeline.spec.input if job.recovered == 0 else None
        return Base(job.datums or EMPTY.hash, self.snapshot(job), given)

    def _planner(
        self,
        pipeline: Pipeline,
        snapshot: Snapshot,
        base: Job | None,
        salvage: bytes,
        forced: Iterable[Sequence[str]],
    ) -> Planner:
        return Planner(
            maps=self.trees.maps,
            given=pipeline.spec.input,
            now=snapshot,
            base=Base() if base is None else self._base(base),
            salvage=salvage,
            forced=tuple(forced),
            never_skip=pipeline.spec.reprocess_spec == "every_job",
        )
