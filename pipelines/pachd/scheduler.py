"""Decides which job may run: its inputs and the job before it are finished, its pipeline is not stopped."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import structlog

from features.errors import NotFoundError
from pipelines.pachd.commits import Commits
from pipelines.pachd.errors import PreconditionError, StorageError
from pipelines.pachd.jobs import Jobs
from pipelines.pachd.metadata import Metadata
from pipelines.pachd.records import Job, JobState
from pipelines.pachd.runner import Runner

RETRY_S: Final = 5.0
_log = structlog.get_logger("forewarn.pachd")


@dataclass
class Scheduler:
    """Starts a thread for each job that may run; jobs of one pipeline run one after the other."""

    metadata: Metadata
    commits: Commits
    jobs: Jobs
    make_runner: Callable[[Job], Runner]
    _active: dict[int, tuple[Runner, threading.Thread]] = field(default_factory=dict)
    closing: bool = False
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin, with the jobs that were not finished when the engine last ended."""
        self._thread = threading.Thread(target=self._loop, name="scheduler", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop; jobs that run are interrupted and resume at the next start."""
        with self.metadata.snapshot():
            self.closing = True
            threads = [self._thread, *(thread for _, thread in self._active.values())]
            for runner, _ in self._active.values():
                runner.stop(None, "the engine was stopped")
        self.metadata.wake()
        for thread in threads:
            if thread is not None:
                thread.join()

    def stop_job(self, job: Job, state: JobState | None = "KILLED", reason: str = "stopped") -> None:
        """End a job that is not finished; with state None it is interrupted and resumes later."""
        with self.metadata.snapshot():
            runner = self.running(job)
            if runner is not None:
                runner.stop(state, reason)
            elif self.jobs.in_row(job.id).finished is not None:
                raise PreconditionError(f"job {job} is finished already")
            elif state is not None:
                self.jobs.close(job, state, reason=reason)

    def forget(self, pipeline: str) -> None:
        """Interrupt what a pipeline runs; if it is still there and not stopped, it resumes."""
        with self.metadata.snapshot():
            for runner, _ in self._active.values():
                if runner.job.pipeline == pipeline:
                    runner.stop(None, "the pipeline was stopped")

    def running(self, job: Job) -> Runner | None:
        """The runner of a job that runs now."""
        active = self._active.get(job.id)
        return None if active is None else active[0]

    def _loop(self) -> None:
        while not self.closing:
            try:
                self._start_jobs()
            except StorageError as error:
                _log.error("no job can be started", error=str(error))
                self._pause()

    def _start_jobs(self) -> None:
        while (job := self.metadata.wait(self._next, lambda: not self.closing)) is not None:
            runner = self.make_runner(job)
            thread = threading.Thread(target=self._run, args=(runner,), name=f"job {job}", daemon=True)
            with self.metadata.snapshot():
                if self.closing:
                    return
                self._active[job.id] = (runner, thread)
            thread.start()

    def _run(self, runner: Runner) -> None:
        try:
            runner.run()
        except StorageError as error:  # not even that it failed could be written down
            _log.error("job interrupted", job=str(runner.job), error=str(error))
            self._pause()
        finally:
            with self.metadata.snapshot():
                del self._active[runner.job.id]
            self.metadata.wake()

    def _pause(self) -> None:
        """Let some time pass before the disk is asked again."""
        until = time.monotonic() + RETRY_S
        self.metadata.wait(lambda: True if self.closing or time.monotonic() > until else None)

    def _next(self) -> Job | None:
        for job in self.jobs.unfinished():
            if job.id not in self._active and self._ready(job):
                return job
        return None

    def _ready(self, job: Job) -> bool:
        try:
            output = self.commits.get(job.output)
            before = [*self.commits.provenance(output)]
            if output.parent is not None:
                before.append(self.commits.get(output.parent))
        except NotFoundError:
            return False
        return all(commit.finished is not None for commit in before)
