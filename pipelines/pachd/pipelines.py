"""Pipelines: which repos they read and write, their versions, and whether they run."""

import json
import uuid
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from features.errors import ConflictError, DataError
from pipelines.pachd.commits import Commits
from pipelines.pachd.edits import Edit
from pipelines.pachd.errors import PreconditionError
from pipelines.pachd.inputs import CronInput, leaves
from pipelines.pachd.metadata import Metadata
from pipelines.pachd.records import Branch, RepoType, now
from pipelines.pachd.repos import Repos
from pipelines.pachd.spec import PipelineSpec, parse_spec
from pipelines.pachd.trees import Trees


@dataclass(frozen=True)
class Pipeline:
    """One version of a pipeline. salt: part of every datum's hash. user_spec: the JSON as it was given."""

    id: int
    name: str
    version: int
    newest: int
    stopped: bool
    created: int
    updated: int
    spec_json: str
    user_spec: str
    salt: str
    spec_commit: str

    @property
    def spec(self) -> PipelineSpec:
        """What to run on what."""
        return _spec(self.spec_json)


@lru_cache(maxsize=256)
def _spec(text: str) -> PipelineSpec:
    """Specs are asked for with every commit and every page, and change rarely."""
    return parse_spec(json.loads(text))


_QUERY = (
    "SELECT p.id, p.name, v.version, p.version newest, p.stopped, p.created, v.created updated, "
    "v.spec spec_json, v.user_spec, v.salt, v.spec_commit "
    "FROM pipelines p JOIN pipeline_versions v ON v.pipeline = p.id "
)


class Pipelines:
    """Creates, updates, stops and deletes pipelines of one metadata database."""

    def __init__(self, metadata: Metadata, repos: Repos, trees: Trees, commits: Commits) -> None:
        self._metadata = metadata
        self._repos = repos
        self._trees = trees
        self._commits = commits

    def get(self, name: str, version: int | None = None) -> Pipeline:
        """The newest or a given version; NotFoundError when there is none."""
        query = _QUERY + "WHERE p.name = ? AND v.version = coalesce(?, p.version)"
        return Pipeline(**dict(self._metadata.the(f"pipeline {name}", query, name, version)))

    def all(self) -> list[Pipeline]:
        """The newest version of every pipeline, newest pipeline first."""
        query = _QUERY + "WHERE v.version = p.version ORDER BY p.id DESC"
        return [Pipeline(**dict(row)) for row in self._metadata.rows(query)]

    def versions(self, name: str) -> list[Pipeline]:
        """Every version of one pipeline, newest first."""
        query = _QUERY + "WHERE p.name = ? ORDER BY v.version DESC"
        return [Pipeline(**dict(row)) for row in self._metadata.rows(query, name)]

    def output(self, pipeline: Pipeline) -> Branch:
        """The branch a pipeline writes."""
        return self._repos.branch(self._repos.get(pipeline.name), pipeline.spec.output_branch)

    def create(
        self, raw: dict[str, Any], *, update: bool = False, reprocess: bool = False, dry_run: bool = False
    ) -> PipelineSpec:
        """Make a pipeline, or its next version, and start a job on what its inputs hold now.

        `raw` is a spec as JSON. A new version alone does not run old datums again; `reprocess` or a changed
        `salt` does. Raises ConflictError when the pipeline exists and neither `update` nor the spec says
        update, NotFoundError when an input repo does not exist, DataError when the spec is wrong.
        """
        spec = parse_spec(raw)
        with self._metadata.transaction():
            before = next(iter(self.versions(spec.name)), None)
            if before is not None and not (update or spec.update):
                raise ConflictError(f"pipeline {spec.name} already exists", hint="update it")
            for leaf in leaves(spec.input):
                if not isinstance(leaf, CronInput):
                    self._repos.get(leaf.repo)
                if leaf.repo == spec.name:
                    raise DataError(f"pipeline {spec.name} cannot read its own output")
            if not (dry_run or spec.dry_run):
                self._write(spec, raw, before, reprocess=reprocess or spec.reprocess)
        return spec

    def rerun(self, name: str, *, reprocess: bool = False) -> None:
        """Start a job on what the inputs hold now; with `reprocess`, every datum runs again."""
        pipeline = self.get(name)
        self.create(json.loads(pipeline.spec_json), update=True, reprocess=reprocess)

    def run_on_heads(self, name: str) -> str:
        """Start a job on what the inputs hold now, same version; the new commit set's id."""
        with self._metadata.transaction():
            pipeline = self.get(name)
            self._check_running(pipeline)
            set_id = uuid.uuid4().hex
            self._commits.propagate(set_id, self._outputs(pipeline.spec))
            return set_id

    def stop(self, name: str) -> None:
        """Stop making jobs; unfinished ones wait until it is started."""
        with self._metadata.transaction():
            pipeline = self.get(name)
            self._metadata.run("UPDATE pipelines SET stopped = 1 WHERE id = ?", pipeline.id)
            for branch in self._outputs(pipeline.spec):
                self._repos.create_branch(branch.repo, branch.name, provenance=[])

    def start(self, name: str) -> None:
        """Make jobs again, one at once when the inputs changed meanwhile."""
        with self._metadata.transaction():
            pipeline = self.get(name)
            if not pipeline.stopped:
                return
            self._metadata.run("UPDATE pipelines SET stopped = 0 WHERE id = ?", pipeline.id)
            outputs = self._outputs(pipeline.spec)
            upstream = self._inputs(pipeline.spec)
            for branch in outputs:
                self._repos.create_branch(branch.repo, branch.name, provenance=upstream)
            head = self.output(pipeline).head
            done = {c.id for c in self._commits.provenance(self._commits.get(head))} if head else set()
            if {b.head for b in upstream if b.head is not None} - done:
                self._commits.propagate(uuid.uuid4().hex, outputs)

    def delete(self, name: str, *, force: bool = False, keep_repo: bool = False) -> None:
        """Remove a pipeline, its jobs and (unless `keep_repo`) its output.

        Raises PreconditionError when other pipelines read its output, unless `force`.
        """
        with self._metadata.transaction():
            pipeline = self.get(name)
            if keep_repo:
                for branch in self._outputs(pipeline.spec):
                    self._repos.create_branch(branch.repo, branch.name, provenance=[])
            else:
                self._repos.delete(name, "user", force=force)
            for leaf in leaves(pipeline.spec.input):
                if isinstance(leaf, CronInput) and not keep_repo:
                    self._metadata.run("DELETE FROM repos WHERE name = ? AND type = 'user'", leaf.repo)
            self._metadata.run("DELETE FROM repos WHERE name = ? AND type <> 'user'", name)
            self._metadata.run("DELETE FROM pipelines WHERE id = ?", pipeline.id)

    def _write(
        self, spec: PipelineSpec, raw: dict[str, Any], before: Pipeline | None, *, reprocess: bool
    ) -> None:
        types: tuple[RepoType, ...] = ("user", "spec", "meta")
        for type_ in types:
            found = self._metadata.value("SELECT id FROM repos WHERE name = ? AND type = ?", spec.name, type_)
            if found is None:
                what = f"Output repo for pipeline {spec.name}." if type_ == "user" else ""
                self._repos.create(spec.name, type_, what)
        for leaf in leaves(spec.input):
            repo = self._repos.create(leaf.repo, update=True) if isinstance(leaf, CronInput) else None
            self._repos.create_branch(repo or self._repos.get(leaf.repo), _branch_name(leaf))
        stored = json.dumps(
            {k: v for k, v in raw.items() if k not in ("update", "reprocess", "dry_run", "dryRun")}
        )
        set_id = uuid.uuid4().hex
        kept = before.salt if before is not None and not reprocess else uuid.uuid4().hex
        version = before.newest + 1 if before is not None else 1
        self._metadata.run(
            "INSERT INTO pipelines (name, version, created, updated) VALUES (?1, ?2, ?3, ?3) "
            "ON CONFLICT (name) DO UPDATE SET version = ?2, updated = ?3, stopped = 0",
            spec.name, version, now(),
        )  # fmt: skip
        self._metadata.run(
            "INSERT INTO pipeline_versions (pipeline, version, spec, user_spec, salt, spec_commit, created) "
            "VALUES ((SELECT id FROM pipelines WHERE name = ?), ?, ?, ?, ?, ?, ?)",
            spec.name, version, stored, json.dumps(raw), spec.salt or kept, set_id, now(),
        )  # fmt: skip
        branch = self._repos.create_branch(self._repos.get(spec.name, "spec"), "master")
        with self._trees.objects.writer() as writer:
            ref = writer.add(stored.encode())
        self._trees.contents.register([ref])
        edit = Edit()
        edit.put("/spec", ref.hash)
        self._commits.write(branch, set_id, edit)
        upstream = self._inputs(spec)
        for output in self._outputs(spec):
            self._repos.create_branch(output.repo, output.name, provenance=upstream)
        self._commits.propagate(set_id, [self._repos.branch(branch.repo, "master")])

    def _inputs(self, spec: PipelineSpec) -> list[Branch]:
        branches = [
            self._repos.branch(self._repos.get(leaf.repo), _branch_name(leaf)) for leaf in leaves(spec.input)
        ]
        return [*branches, self._repos.branch(self._repos.get(spec.name, "spec"), "master")]

    def _outputs(self, spec: PipelineSpec) -> list[Branch]:
        """The output branch and its companion in the meta repo."""
        return [
            self._repos.create_branch(self._repos.get(spec.name, type_), spec.output_branch)
            for type_ in ("user", "meta")
        ]

    @staticmethod
    def _check_running(pipeline: Pipeline) -> None:
        if pipeline.stopped:
            raise PreconditionError(f"pipeline {pipeline.name} is stopped", hint="start it first")


def _branch_name(leaf: Any) -> str:
    return "master" if isinstance(leaf, CronInput) else leaf.branch
