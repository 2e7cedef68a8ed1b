"""The engine as one thing: everything between a folder on disk and a Pachyderm client.

`with Engine(folder) as engine: port = engine.serve()` runs pipelines in this process and serves the protocol
on loopback; the daemon does the same until it is told to stop. Only one engine may have a folder open.
"""

import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

from features.errors import ConflictError
from pipelines.pachd import choosing, forecast, fsck, gc
from pipelines.pachd.commits import Commits
from pipelines.pachd.cron_ticks import CronThread
from pipelines.pachd.executor import Executor, ProcessExecutor
from pipelines.pachd.files import Files
from pipelines.pachd.forecast import Forecast, Upcoming
from pipelines.pachd.fsck import Problem
from pipelines.pachd.gc import Activities, Collected
from pipelines.pachd.jobs import Jobs
from pipelines.pachd.metadata import Metadata
from pipelines.pachd.objects import Objects
from pipelines.pachd.pipelines import Pipelines
from pipelines.pachd.planning import Plan
from pipelines.pachd.plans import Plans
from pipelines.pachd.records import Branch, Commit, Job, Repo
from pipelines.pachd.repos import Repos
from pipelines.pachd.runner import Runner
from pipelines.pachd.scheduler import Scheduler
from pipelines.pachd.trees import Trees

if TYPE_CHECKING:
    import grpc

    from pipelines.pachd.access import Access


class Engine:
    """Versioned repos and pipelines in `root`.

    root: folder of the metadata, made when missing. objects: where file contents go, a folder or an fsspec
    URL; a folder beside the metadata by default. workers: datums that run at once (0: one per CPU). preload:
    modules that step processes import before their first datum. executor: where datums run, local processes
    by default; the engine closes it. Raises ConflictError when another process has the folder open, or when
    it was made with other `objects`.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        objects: str = "",
        workers: int = 0,
        preload: Sequence[str] = (),
        executor: Executor | None = None,
    ) -> None:
        self.root = Path(root).resolve()
        self.metadata = Metadata(self.root)
        try:
            self.objects = self._objects_at(objects)
        except BaseException:
            self.metadata.close()
            raise
        self.trees = Trees(self.metadata, self.objects)
        self.repos = Repos(self.metadata)
        self.commits = Commits(self.metadata, self.repos, self.trees)
        self.activities = Activities()
        self.files = Files(self.trees, self.commits, self.activities)
        self.pipelines = Pipelines(self.metadata, self.repos, self.trees, self.commits)
        self.jobs = Jobs(self.metadata, self.repos, self.commits, self.pipelines)
        self.commits.on_created = self.jobs.open
        self.plans = Plans(self.repos, self.commits, self.pipelines, self.jobs, self.trees)
        self.scheduler = Scheduler(self.metadata, self.commits, self.jobs, self._runner)
        self._scratch = self.root / "scratch"
        self._executor = executor or ProcessExecutor(workers, preload)
        self._cron = CronThread(self)
        self._servers: list[grpc.Server] = []

    def start(self) -> None:
        """Begin to run jobs, first those that were not finished when the engine last ended."""
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch.mkdir(exist_ok=True)  # what a killed engine left running may still write there
        self.scheduler.start()
        self._cron.start()

    def serve(self, address: str = "127.0.0.1:0", access: "Access | None" = None) -> int:
        """Serve the protocol, also at several addresses; the port, a free one when the address says 0.

        Raises UsageError for an address beyond loopback without `access`.
        """
        from pipelines.pachd.server import serve

        server, port = serve(self, address, access)
        self._servers.append(server)
        return port

    def stop(self) -> None:
        """End calls, interrupt jobs (they resume at the next start), give the folder back."""
        self._cron.close()
        self.scheduler.close()
        for ended in [server.stop(grace=0.5) for server in self._servers]:
            ended.wait()
        self._executor.close()
        self.metadata.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def plan(self, pipeline: str) -> Plan:
        """Which datums of a pipeline would run if a job began now, and why."""
        return self.plans.planner_of_heads(pipeline).plan()

    def forecast(self, upcoming: Upcoming) -> list[Forecast]:
        """What a push, a configuration or specs would run; see `forecast.forecast`."""
        return forecast.forecast(self, upcoming)

    def choose(self, pipeline: str, datums: Sequence[str]) -> Job:
        """Start a job in which chosen datums run again; see `choosing.choose`."""
        return choosing.choose(self, pipeline, datums)

    def move_branch(self, repo: Repo, name: str, head: Commit | None, provenance: Sequence[Branch]) -> None:
        """Make a branch, move it to `head`, set what it derives from; what is downstream of it runs."""
        with self.metadata.transaction():
            before = next((b.head for b in self.repos.branches(repo) if b.name == name), None)
            branch = self.repos.create_branch(repo, name, head, provenance)
            if head is not None and head.id != before:
                self.commits.propagate(uuid.uuid4().hex, [branch])

    @contextmanager
    def commit_to_modify(self, repo: Repo, reference: str, branch: str) -> Iterator[Commit]:
        """The open commit that is named; for a branch without one, a new commit finished afterwards."""
        with self.metadata.transaction():
            names = {b.name for b in self.repos.branches(repo)}
            alone = not reference and branch not in names
            if not alone:
                commit = self.commits.find(repo, reference or branch)
                alone = not reference and commit.finished is not None
            if alone:
                commit = self.commits.start(repo, branch)
        try:
            yield commit
        except BaseException:
            if alone:
                self.commits.drop(commit.uuid)
            raise
        if alone:
            self.commits.finish(commit)

    def drop(self, set_id: str) -> None:
        """Remove a commit set that nothing was built on; its jobs end."""
        for job in self.jobs.in_set(set_id):
            if job.finished is None:
                self.scheduler.stop_job(job, "KILLED", "its commit set was dropped")
        self.commits.drop(set_id)

    def delete_pipeline(self, name: str, *, force: bool = False, keep_repo: bool = False) -> None:
        """Remove a pipeline; its jobs end."""
        self.pipelines.delete(name, force=force, keep_repo=keep_repo)
        self.scheduler.forget(name)

    def stop_pipeline(self, name: str) -> None:
        """Interrupt a pipeline's jobs and make no more until it is started."""
        self.pipelines.stop(name)
        self.scheduler.forget(name)

    def fsck(self, *, fix: bool = False) -> Iterator[Problem]:
        """What is not as it was written; see `fsck.check`."""
        return fsck.check(self.metadata, self.trees, fix=fix)

    def collect_garbage(self) -> Collected:
        """Remove what no commit needs any more; see `gc.collect`."""
        return gc.collect(self.metadata, self.trees, self.activities)

    @property
    def stopping(self) -> bool:
        """Whether `stop` was called."""
        return self.scheduler.closing

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _objects_at(self, objects: str) -> Objects:
        kept = self.metadata.setting("objects", objects)
        if kept != objects:
            raise ConflictError(
                f"the files of {self.root} are kept elsewhere",
                got=objects or "its own folder",
                expected=kept or "its own folder",
                hint="set [pipelines] objects back, or begin a new project and push the logs again",
            )
        return Objects(objects or self.root / "objects")

    def _runner(self, job: Job) -> Runner:
        return Runner(job, self.jobs, self.plans, self.trees, self.activities, self._executor, self._scratch)
