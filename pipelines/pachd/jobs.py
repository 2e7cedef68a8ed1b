"""What is known of every job: its place in the history, its progress, its datums, what they printed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from features.errors import NotFoundError
from pipelines.pachd.commits import Commits
from pipelines.pachd.errors import PreconditionError
from pipelines.pachd.maps import EMPTY
from pipelines.pachd.metadata import Metadata
from pipelines.pachd.pipelines import Pipelines
from pipelines.pachd.records import JOB_QUERY, Commit, DatumState, Job, JobState, job_of, now
from pipelines.pachd.repos import Repos

FINAL: Final = ("SUCCESS", "FAILURE", "KILLED", "UNRUNNABLE")


@dataclass(frozen=True)
class DatumRun:
    """A datum that a job ran. why: the reason it ran. outputs: root of the tree of its files."""

    datum: str
    hash: str
    state: DatumState
    why: str
    error: str
    outputs: bytes | None
    size: int
    stats: dict[str, float]
    finished: int


@dataclass(frozen=True)
class Log:
    """One line a datum (or, with datum "", the engine) printed. ts: microseconds since the epoch."""

    job: Job
    datum: str
    ts: int
    user: bool
    message: str


class Jobs:
    """Keeps jobs; `Scheduler` decides when they run and `Runner` runs them."""

    def __init__(self, metadata: Metadata, repos: Repos, commits: Commits, pipelines: Pipelines) -> None:
        self._metadata = metadata
        self._repos = repos
        self._commits = commits
        self._pipelines = pipelines

    def open(self, commits: Sequence[Commit]) -> None:
        """Make a job for every new commit that a pipeline has to fill; close what nothing fills."""
        pipelines = {p.name: p for p in self._pipelines.all()}
        for commit in commits:
            pipeline = pipelines.get(commit.repo.name)
            if pipeline is None or pipeline.spec.output_branch != commit.branch:
                base = self._commits.base_of(commit)
                self._commits.close(commit, base.tree if base else None)
            elif commit.repo.type == "user":
                self._metadata.run(
                    "INSERT INTO jobs (uuid, pipeline, version, output, state, created) "
                    "VALUES (?, ?, ?, ?, 'CREATED', ?)",
                    commit.uuid, pipeline.id, pipeline.newest, commit.id, now(),
                )  # fmt: skip

    def get(self, pipeline: str, set_id: str) -> Job:
        """One job; NotFoundError when there is none."""
        query = JOB_QUERY + "WHERE p.name = ? AND j.uuid = ?"
        return job_of(self._metadata.the(f"job {pipeline}@{set_id}", query, pipeline, set_id))

    def in_row(self, row: int) -> Job:
        """The job in a row."""
        return job_of(self._metadata.the("job", JOB_QUERY + "WHERE j.id = ?", row))

    def output(self, job: Job) -> Commit:
        """The commit a job fills."""
        return self._commits.get(job.output)

    def making(self, commit: Commit) -> Job | None:
        """The job that fills a commit, or None."""
        row = self._metadata.row(JOB_QUERY + "WHERE j.output = ?", commit.id)
        return None if row is None else job_of(row)

    def all(self, pipeline: str = "") -> list[Job]:
        """Jobs of one pipeline or of all, newest first."""
        query = JOB_QUERY + "WHERE ? IN ('', p.name) ORDER BY j.id DESC"
        return [job_of(row) for row in self._metadata.rows(query, pipeline)]

    def in_set(self, set_id: str) -> list[Job]:
        """Jobs of one commit set, inputs before outputs; NotFoundError when there is neither."""
        rows = self._metadata.rows(JOB_QUERY + "WHERE j.uuid = ? ORDER BY j.id", set_id)
        if not rows:
            self._commits.in_set(set_id)
        return [job_of(row) for row in rows]

    def unfinished(self) -> list[Job]:
        """Jobs that have work left, oldest first."""
        query = JOB_QUERY + "WHERE j.finished IS NULL AND NOT p.stopped ORDER BY j.id"
        return [job_of(row) for row in self._metadata.rows(query)]

    def inputs(self, job: Job) -> dict[tuple[str, str], Commit]:
        """The commits a job reads: {(repo, branch): commit}."""
        found = self._commits.inputs(self._commits.get(job.output))
        return {(commit.repo.name, branch): commit for branch, commit in found if commit.repo.type == "user"}

    def base(self, job: Job) -> tuple[Job | None, bytes]:
        """The nearest ancestor that succeeded, and the index of the nearest that ran, for its good datums."""
        return self._base(self._commits.get(job.output))

    def base_of_next(self, pipeline: str) -> tuple[Job | None, bytes]:
        """The same for the job that would follow the newest one."""
        newest = self.newest(pipeline)
        if newest is None or newest.state == "SUCCESS":
            return newest, EMPTY.hash
        base, salvage = self.base(newest)
        return base, newest.datums or salvage

    def _base(self, commit: Commit) -> tuple[Job | None, bytes]:
        salvage: bytes | None = None
        while commit.parent is not None:
            commit = self._commits.get(commit.parent)
            ancestor = self.making(commit)
            if ancestor is None or ancestor.state == "SUCCESS":
                return ancestor, salvage or EMPTY.hash
            salvage = salvage or ancestor.datums
            if ancestor.base is not None:
                return self.in_row(ancestor.base), salvage or EMPTY.hash
        return None, salvage or EMPTY.hash

    def move(self, job: Job, state: JobState, reason: str = "", **counts: Any) -> None:
        """Put an unfinished job into a state, with new progress counts (columns of jobs)."""
        columns = {"state": state, "reason": reason, **counts}
        if state == "STARTING":
            columns["started"] = job.started or now()
        if state in FINAL:
            columns["finished"] = now()
        names = ", ".join(f"{name} = ?" for name in columns)
        self._metadata.run(
            f"UPDATE jobs SET {names} WHERE id = ? AND finished IS NULL",  # noqa: S608  # names are ours
            *columns.values(),
            job.id,
        )

    def close(
        self,
        job: Job,
        state: JobState,
        *,
        reason: str = "",
        tree: bytes | None = None,
        **columns: Any,
    ) -> None:
        """Finish a job and its commits in one transaction; any state but SUCCESS is the commits' error.

        tree: the output; without one the commit shows what the one before it does, beside its error.
        columns: more columns of jobs to set.
        """
        with self._metadata.transaction():
            error = "" if state == "SUCCESS" else reason or state.lower()
            output = self._commits.get(job.output)
            if tree is None and (base := self._commits.base_of(output)) is not None:
                tree = base.tree
            self._commits.close(output, tree, error)
            for commit in self._commits.in_set(job.uuid):
                if commit.repo.name == job.pipeline and commit.repo.type == "meta":
                    self._commits.close(commit, None, error)
            self.move(job, state, reason, **columns)

    def record(self, job: Job, runs: Sequence[DatumRun], logs: Sequence[tuple[str, int, bool, str]]) -> None:
        """Remember finished datums; logs are (datum, ts, user, message)."""
        names = [name for name in DatumRun.__dataclass_fields__ if name != "stats"]
        columns, marks = ", ".join(["job", "stats", *names]), ", ".join("?" * (len(names) + 2))
        with self._metadata.transaction():
            self._metadata.run_many(
                f"INSERT OR REPLACE INTO datum_runs ({columns}) VALUES ({marks})",  # noqa: S608  # names are ours
                [(job.id, json.dumps(r.stats), *(getattr(r, name) for name in names)) for r in runs],
            )
            self._metadata.run_many(
                "INSERT INTO logs (job, datum, ts, user, message) VALUES (?, ?, ?, ?, ?)",
                [(job.id, *line) for line in logs],
            )

    def runs(self, job: Job) -> dict[str, DatumRun]:
        """The datums a job ran so far, by id."""
        rows = self._metadata.rows("SELECT * FROM datum_runs WHERE job = ?", job.id)
        found = {}
        for row in rows:
            fields = {name: row[name] for name in DatumRun.__dataclass_fields__ if name != "stats"}
            found[row["datum"]] = DatumRun(stats=json.loads(row["stats"]), **fields)
        return found

    def forget_unfinished(self, job: Job) -> None:
        """Before a job is resumed: datums that did not succeed run again."""
        self._metadata.run("DELETE FROM datum_runs WHERE job = ? AND state <> 'SUCCESS'", job.id)

    def fail_datums(self, job: Job, errors: Mapping[str, str]) -> None:
        """Datums that ran well but whose outputs cannot be taken."""
        self._metadata.run_many(
            "UPDATE datum_runs SET state = 'FAILED', error = ?, outputs = NULL WHERE job = ? AND datum = ?",
            [(error, job.id, datum) for datum, error in errors.items()],
        )

    def logs(self, jobs: Sequence[Job], datum: str = "", after: int = 0) -> list[tuple[int, Log]]:
        """Lines of some jobs, or of one datum of theirs, in the order they came; with each line's row."""
        found = []
        for job in jobs:
            rows = self._metadata.rows(
                "SELECT * FROM logs WHERE job = ?1 AND (?2 = '' OR datum = ?2) AND id > ?3 ORDER BY id",
                job.id, datum, after,
            )  # fmt: skip
            found += [
                (row["id"], Log(job, row["datum"], row["ts"], bool(row["user"]), row["message"]))
                for row in rows
            ]
        return sorted(found, key=lambda line: line[0])

    def delete(self, job: Job) -> None:
        """Forget a finished job; its commit stays."""
        with self._metadata.transaction():
            if self.in_row(job.id).finished is None:
                raise PreconditionError(f"job {job} is not finished", hint="stop it first")
            self._metadata.run("DELETE FROM jobs WHERE id = ?", job.id)

    def force(self, pipeline: str, choices: Sequence[Sequence[str]]) -> Job:
        """Start a job in which the chosen datums (see `Planner.forced`) run though nothing changed."""
        with self._metadata.transaction():
            set_id = self._pipelines.run_on_heads(pipeline)
            job = self.get(pipeline, set_id)
            self._metadata.run(
                "UPDATE jobs SET forced = ? WHERE id = ?",
                json.dumps([list(choice) for choice in choices]),
                job.id,
            )
            return self.get(pipeline, set_id)

    def newest(self, pipeline: str) -> Job | None:
        """The newest job of a pipeline, or None."""
        query = JOB_QUERY + "WHERE p.name = ? ORDER BY j.id DESC LIMIT 1"
        row = self._metadata.row(query, pipeline)
        return None if row is None else job_of(row)

    def last_run(self, job: Job, datum: str) -> Job | None:
        """The newest job up to this one that ran the datum well; None when what it did is forgotten."""
        query = (
            JOB_QUERY
            + "JOIN datum_runs d ON d.job = j.id AND d.datum = ? AND d.state = 'SUCCESS' "
            + "WHERE p.name = ? AND j.id <= ? ORDER BY j.id DESC LIMIT 1"
        )
        row = self._metadata.row(query, datum, job.pipeline, job.id)
        return None if row is None else job_of(row)

    def exists(self, job: Job) -> bool:
        """Whether a job was not deleted meanwhile."""
        try:
            self.in_row(job.id)
        except NotFoundError:
            return False
        return True
