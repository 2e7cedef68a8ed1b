"""Runs one job: plan, run the datums that have to, merge their outputs, finish the commit.

Every datum that ends is recorded before the next results are awaited, so a job that was interrupted goes on
where it was. What one datum does wrong fails the job, never the engine.
"""

import json
import queue
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import structlog

from features.errors import ForewarnError
from pipelines.pachd.datums import Datum
from pipelines.pachd.edits import Edit
from pipelines.pachd.executor import Executor
from pipelines.pachd.gc import Activities
from pipelines.pachd.jobs import DatumRun, Jobs
from pipelines.pachd.maps import Nodes
from pipelines.pachd.merging import Merged
from pipelines.pachd.mounts import MountedFile
from pipelines.pachd.pipelines import Pipeline
from pipelines.pachd.planning import Done, Plan, Planned
from pipelines.pachd.plans import Plans
from pipelines.pachd.records import DatumState, Job, JobState, now
from pipelines.pachd.trees import EMPTY_TREE, Trees
from pipelines.pachd.worker import DatumResult, DatumTask, datum_env

_STATES: Final[dict[str, DatumState]] = {"success": "SUCCESS", "failed": "FAILED", "recovered": "RECOVERED"}
_SUMS: Final = ("download_s", "process_s", "upload_s", "bytes_in", "bytes_out")
_PEAK: Final = "peak_bytes"
_log = structlog.get_logger("forewarn.pachd")
T = TypeVar("T")


@dataclass
class Runner:
    """One job being run. `stop` may be called from any thread; `pending` are the datums still to run."""

    job: Job
    jobs: Jobs
    plans: Plans
    trees: Trees
    activities: Activities
    executor: Executor
    scratch: Path
    pending: set[str] = field(default_factory=set)
    stopped: tuple[JobState | None, str] | None = None

    def run(self) -> None:
        """Run the job to its end; errors of the engine itself fail the job with their text."""
        self._stop_file.unlink(missing_ok=True)
        try:
            with self.activities.one():
                self._run()
        except Exception as error:
            if not self.jobs.exists(self.job):
                return
            if not isinstance(error, ForewarnError):
                _log.exception("job failed", job=str(self.job))
            text = str(error) if isinstance(error, ForewarnError) else f"{type(error).__name__}: {error}"
            self.jobs.close(self.job, "FAILURE", reason=text)
        finally:
            self._stop_file.unlink(missing_ok=True)

    def stop(self, state: JobState | None, reason: str) -> None:
        """Kill what runs. state: what becomes of the job; None leaves it to be resumed later."""
        if self.stopped is None:
            self.stopped = (state, reason)
            self._stop_file.touch()

    @property
    def _stop_file(self) -> Path:
        return self.scratch / f"stop-{self.job.pipeline}-{self.job.uuid}"

    def _run(self) -> None:
        if bad := [commit for commit in self.jobs.inputs(self.job).values() if commit.error]:
            reason = f"input commit {bad[0]} failed: {bad[0].error}"
            self.jobs.close(self.job, "UNRUNNABLE", reason=reason)
            return
        resumed = self.job.started is not None
        self.jobs.move(self.job, "STARTING", restarts=self.job.restarts + resumed)
        pipeline = self.plans.pipelines.get(self.job.pipeline, self.job.version)
        planner = self.plans.of_job(self.job)
        plan = planner.plan()
        progress = _Progress()
        done = self._resume(plan, progress) if resumed else {}
        self.pending = {planned.datum.id for planned in plan.run} - done.keys()
        self.jobs.move(self.job, "RUNNING", total=plan.total, skipped=plan.skipped, **progress.columns)
        self._tell("job began", datums=len(self.pending), skipped=plan.skipped, resumed=resumed)
        if self.pending:
            timer = self._start_timer(pipeline)
            try:
                self._run_datums(pipeline, plan, done, progress)
            finally:
                timer.cancel()
        self._finish(plan, done, progress)

    def _resume(self, plan: Plan, progress: "_Progress") -> dict[str, Done]:
        self.jobs.forget_unfinished(self.job)
        hashes = {planned.datum.id: planned.hash for planned in plan.run}
        runs = [run for run in self.jobs.runs(self.job).values() if hashes.get(run.datum) == run.hash]
        for run in runs:
            progress.add(run)
        return {run.datum: _done(run) for run in runs}

    def _start_timer(self, pipeline: Pipeline) -> threading.Timer:
        limit = pipeline.spec.job_timeout_s
        spent = max(0, now() - (self.job.started or now())) / 1e6  # the clock may have been set back
        text = f"job_timeout: the job took longer than {limit} s"
        timer = threading.Timer(
            max(0.0, (limit or threading.TIMEOUT_MAX) - spent), self.stop, ("KILLED", text)
        )
        timer.daemon = True
        if limit is not None:
            timer.start()
        return timer

    def _run_datums(
        self, pipeline: Pipeline, plan: Plan, done: dict[str, Done], progress: "_Progress"
    ) -> None:
        todo = {planned.datum.id: planned for planned in plan.run if planned.datum.id in self.pending}
        spec = pipeline.spec
        results = self.executor.run(
            (self._task(pipeline, planned.datum) for planned in todo.values() if self.stopped is None),
            total=len(todo),
            parallelism=spec.parallelism or self.executor.workers,
            datum_set=spec.datum_set,
        )
        for batch in _batches(results):
            ended = [result for result in batch if not result.stopped]
            for result in ended:
                if result.state != "success":
                    _log.warning(
                        f"datum {result.state}",
                        pipeline=pipeline.name,
                        job=self.job.uuid,
                        datum=result.datum_id,
                        tries=result.tries,
                        error=result.error,
                    )
            logs = [
                (result.datum_id, int(line.ts * 1e6), line.user, line.message)
                for result in ended
                for line in result.log
            ]
            with self.trees.metadata.transaction():
                nodes: Nodes = {}
                runs = [self._run_of(todo[result.datum_id], result, nodes) for result in ended]
                self.trees.maps.store(nodes)
                for run in runs:
                    progress.add(run)
                self.jobs.record(self.job, runs, logs)
                self.jobs.move(self.job, "RUNNING", **progress.columns)
            done.update({run.datum: _done(run) for run in runs if run.state == "SUCCESS"})
            self.pending -= {run.datum for run in runs}

    def _task(self, pipeline: Pipeline, datum: Datum) -> DatumTask:
        spec = pipeline.spec
        return DatumTask(
            pipeline=pipeline.name,
            job_id=self.job.uuid,
            datum_id=datum.id,
            inputs=tuple(self._files(datum)),
            transform=spec.transform,
            env=datum_env(
                datum,
                pipeline=pipeline.name,
                job_id=self.job.uuid,
                output_commit=self.job.uuid,
                project=spec.project,
            ),
            objects=self.trees.objects,
            tries=spec.datum_tries,
            timeout_s=spec.datum_timeout_s,
            memory=spec.memory,
            scratch=str(self.scratch),
            stop_file=str(self._stop_file),
        )

    def _files(self, datum: Datum) -> Iterator[MountedFile]:
        for given in datum.inputs:
            if given.kind == "file":
                yield MountedFile(
                    given.name + given.path, self.trees.contents.ref(given.hash), given.empty_files
                )
                continue
            prefix = given.name + given.path.rstrip("/")
            for entry in self.trees.open(bytes.fromhex(given.hash)).files():
                yield MountedFile(prefix + entry.path, self.trees.contents.ref(entry.hash), given.empty_files)

    def _run_of(self, planned: Planned, result: DatumResult, nodes: Nodes) -> DatumRun:
        outputs, size = EMPTY_TREE, 0
        if result.files:
            self.trees.contents.register(list(result.files.values()))
            edit = Edit()
            for path, ref in result.files.items():
                edit.append(path, ref.hash)
            outputs, _, size = self.trees.apply(None, edit, nodes)
        return DatumRun(
            datum=result.datum_id,
            hash=planned.hash,
            state=_STATES[result.state],
            why=str(planned.why),
            error=result.error,
            outputs=outputs if result.state == "success" else None,
            size=size,
            stats={name: getattr(result, name) for name in (*_SUMS, _PEAK, "tries")},
            finished=now(),
        )

    def _finish(self, plan: Plan, done: dict[str, Done], progress: "_Progress") -> None:
        if self.stopped is not None and self.stopped[0] is None:
            return
        self.jobs.move(self.job, "FINISHING", **progress.columns)
        base, merged = self.plans.merge(self.job, plan, done)
        state, reason = self._verdict(plan, merged, progress)
        progress.clashed(len(merged.clashes.keys() & done.keys()))
        with self.trees.metadata.transaction():
            self.trees.maps.store(merged.nodes)
            self.jobs.fail_datums(self.job, merged.clashes)
            self.jobs.close(
                self.job,
                state,
                reason=reason,
                tree=merged.tree,
                datums=merged.datums,
                base=base.id if base else None,
                **progress.columns,
            )
        counts = {name: getattr(progress, name) for name in ("processed", "failed", "recovered")}
        self._tell("job ended", state=state, **counts)

    def _tell(self, event: str, **told: object) -> None:
        """Log to who asked for logs; unconfigured, structlog would print among a program's answers."""
        if structlog.is_configured():
            _log.info(event, pipeline=self.job.pipeline, job=self.job.uuid, **told)

    def _verdict(self, plan: Plan, merged: Merged, progress: "_Progress") -> tuple[JobState, str]:
        if self.stopped is not None:
            return self.stopped[0] or "KILLED", self.stopped[1]
        if merged.clashes:
            return "FAILURE", next(iter(merged.clashes.values()))
        if progress.failed:
            return "FAILURE", f"{progress.failed} datum(s) failed; the first, {progress.first_error}"
        if progress.recovered and progress.recovered == plan.total:
            return "FAILURE", f"every datum failed, though err_cmd ran; the first, {progress.first_error}"
        return "SUCCESS", ""


@dataclass
class _Progress:
    """Counts of datums that ended in this job, and sums of their times and bytes."""

    processed: int = 0
    failed: int = 0
    recovered: int = 0
    first_error: str = ""
    sums: dict[str, float] = field(default_factory=lambda: dict.fromkeys((*_SUMS, _PEAK), 0))

    def add(self, run: DatumRun) -> None:
        """One more."""
        self.processed += run.state == "SUCCESS"
        self.failed += run.state == "FAILED"
        self.recovered += run.state == "RECOVERED"
        if run.state in ("FAILED", "RECOVERED") and not self.first_error:
            self.first_error = f"{run.datum}: {run.error}"
        for name in _SUMS:
            self.sums[name] += run.stats[name]
        self.sums[_PEAK] = max(self.sums[_PEAK], run.stats.get(_PEAK, 0))

    def clashed(self, datums: int) -> None:
        """So many that succeeded are failures after all."""
        self.processed -= datums
        self.failed += datums

    @property
    def columns(self) -> dict[str, Any]:
        """The same as columns of jobs."""
        return {
            "processed": self.processed,
            "failed": self.failed,
            "recovered": self.recovered,
            "stats": json.dumps(self.sums),
        }


def _done(run: DatumRun) -> Done:
    return Done(run.hash, run.outputs or EMPTY_TREE, run.size)


def _batches(items: Iterable[T]) -> Iterator[Sequence[T]]:
    """Everything that has come since the last batch was taken, as soon as there is anything."""
    arrived: queue.SimpleQueue[T | BaseException | None] = queue.SimpleQueue()

    def receive() -> None:
        try:
            for item in items:
                arrived.put(item)
            arrived.put(None)
        except BaseException as error:  # raised again by whoever takes it
            arrived.put(error)

    threading.Thread(target=receive, name="results", daemon=True).start()
    ended = False
    while not ended:
        batch: list[T] = []
        waiting = [arrived.get()]
        while not arrived.empty():
            waiting.append(arrived.get())
        for item in waiting:
            if isinstance(item, BaseException):
                raise item
            if item is None:
                ended = True
            else:
                batch.append(item)
        if batch:
            yield batch
