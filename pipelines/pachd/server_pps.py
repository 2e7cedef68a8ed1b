"""pps_v2: pipelines, jobs, datums and logs over the wire."""

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from pachyderm_sdk.api import pps

from features.errors import DataError, NotFoundError
from pipelines.pachd.cron_ticks import tick
from pipelines.pachd.datums import Datum, enumerate_datums
from pipelines.pachd.errors import UnsupportedError
from pipelines.pachd.inputs import DEFAULT_PROJECT, CronInput, PfsInput, parse_input
from pipelines.pachd.jobs import FINAL, Log
from pipelines.pachd.listing import DatumView, datums_of, find_datum
from pipelines.pachd.records import Job, now
from pipelines.pachd.trees import Tree
from pipelines.pachd.waiting import job_changes, wait_for, waited_job
from pipelines.pachd.wire import check_project, commit_of, time_of
from pipelines.pachd.wire_pps import datum_info, job_info, log_message, pipeline_info

if TYPE_CHECKING:
    from pipelines.pachd.engine import Engine


class PpsService:
    """Every method bears the name of a call and takes its request; streams are iterators."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._pipelines = engine.pipelines
        self._jobs = engine.jobs

    # Pipelines

    def create_pipeline(self, request: pps.CreatePipelineRequest, _: Any) -> None:
        """A new pipeline or version from a message."""
        self._pipelines.create(request.to_dict())

    def create_pipeline_v2(
        self, request: pps.CreatePipelineV2Request, _: Any
    ) -> pps.CreatePipelineV2Response:
        """A new pipeline or version from JSON."""
        try:
            raw = json.loads(request.create_pipeline_request_json)
        except ValueError as error:
            raise DataError(f"the spec is not JSON: {error}") from error
        spec = self._pipelines.create(
            raw, update=request.update, reprocess=request.reprocess, dry_run=request.dry_run
        )
        return pps.CreatePipelineV2Response(effective_create_pipeline_request_json=spec.request.to_json())

    def inspect_pipeline(self, request: pps.InspectPipelineRequest, _: Any) -> pps.PipelineInfo:
        """The newest version; details only when asked for."""
        pipeline = self._pipelines.get(self._name(request.pipeline))
        return pipeline_info(self._engine, pipeline, details=request.details)

    def list_pipeline(self, request: pps.ListPipelineRequest, _: Any) -> Iterator[pps.PipelineInfo]:
        """The newest version of all pipelines or of one, and `history` versions before (-1: all)."""
        _no_jq(request)
        if request.projects and DEFAULT_PROJECT not in {project.name for project in request.projects}:
            return
        name = self._name(request.pipeline) if request.pipeline.name else ""
        for newest in [self._pipelines.get(name)] if name else self._pipelines.all():
            versions = self._pipelines.versions(newest.name)
            for pipeline in versions if request.history < 0 else versions[: request.history + 1]:
                yield pipeline_info(self._engine, pipeline, details=True)

    def start_pipeline(self, request: pps.StartPipelineRequest, _: Any) -> None:
        """Run jobs again."""
        self._pipelines.start(self._name(request.pipeline))

    def stop_pipeline(self, request: pps.StopPipelineRequest, _: Any) -> None:
        """Run no jobs until started."""
        self._engine.stop_pipeline(self._name(request.pipeline))

    def delete_pipeline(self, request: pps.DeletePipelineRequest, _: Any) -> None:
        """A pipeline, its jobs and, unless kept, its output repo."""
        try:
            name = self._name(request.pipeline)
            self._engine.delete_pipeline(name, force=request.force, keep_repo=request.keep_repo)
        except NotFoundError:
            if request.must_exist:
                raise

    def rerun_pipeline(self, request: pps.RerunPipelineRequest, _: Any) -> None:
        """A job on what the inputs hold now; with `reprocess` every datum runs."""
        self._pipelines.rerun(self._name(request.pipeline), reprocess=request.reprocess)

    def run_pipeline(self, request: pps.RunPipelineRequest, _: Any) -> None:
        """A job on what the inputs hold now."""
        if request.provenance or request.job_id:
            raise UnsupportedError("a pipeline runs on the heads of its inputs only", hint="rerun it")
        self._pipelines.run_on_heads(self._name(request.pipeline))

    def run_cron(self, request: pps.RunCronRequest, _: Any) -> None:
        """A tick of every cron input, now."""
        pipeline = self._pipelines.get(self._name(request.pipeline))
        tick(self._engine, pipeline, datetime.now(UTC))

    # Jobs

    def inspect_job(self, request: pps.InspectJobRequest, context: Any) -> pps.JobInfo:
        """One job; with `wait`, once it has ended."""
        job = self._job(request.job)
        if request.wait:
            job = waited_job(self._engine, job, context)
        return job_info(self._engine, job, details=request.details)

    def list_job(self, request: pps.ListJobRequest, _: Any) -> Iterator[pps.JobInfo]:
        """Jobs, newest first, of the newest version and `history` versions before (-1: all)."""
        _no_jq(request)
        if request.projects and DEFAULT_PROJECT not in {project.name for project in request.projects}:
            return
        name = self._name(request.pipeline) if request.pipeline.name else ""
        if name:
            self._pipelines.get(name)
        newest = {pipeline.name: pipeline.newest for pipeline in self._pipelines.all()}
        wanted = {
            commit_of(self._engine.repos, self._engine.commits, message).id
            for message in request.input_commit
        }
        found: Iterable[Job] = (
            job
            for job in self._jobs.all(name)
            if (request.history < 0 or job.version >= newest[job.pipeline] - request.history)
            and (not wanted or wanted <= {commit.id for commit in self._jobs.inputs(job).values()})
        )
        found = _paged(found, request, lambda job: time_of(job.created))
        for job in found:
            yield job_info(self._engine, job, details=request.details or bool(wanted))

    def inspect_job_set(self, request: pps.InspectJobSetRequest, context: Any) -> Iterator[pps.JobInfo]:
        """Jobs of a commit set, inputs before outputs; with `wait`, each once it has ended."""
        given: set[int] = set()

        def next_one() -> Job | str:
            jobs = [job for job in self._jobs.in_set(request.job_set.id) if job.id not in given]
            opened = any(c.finished is None for c in self._engine.commits.in_set(request.job_set.id))
            ready = (job for job in jobs if job.finished is not None or not request.wait)
            return next(ready, "" if request.wait and (jobs or opened) else "all")

        while isinstance(job := wait_for(self._engine, context, lambda: next_one() or None), Job):
            given.add(job.id)
            yield job_info(self._engine, job, details=request.details)

    def list_job_set(self, request: pps.ListJobSetRequest, _: Any) -> Iterator[pps.JobSetInfo]:
        """Commit sets that have jobs, newest first."""
        _no_jq(request)
        sets: dict[str, list[Job]] = {}
        for job in self._jobs.all():
            sets.setdefault(job.uuid, []).append(job)
        for jobs in _paged(sets.values(), request, lambda jobs: time_of(jobs[0].created)):
            yield pps.JobSetInfo(
                job_set=pps.JobSet(id=jobs[0].uuid),
                jobs=[job_info(self._engine, job, details=request.details) for job in reversed(jobs)],
            )

    def subscribe_job(self, request: pps.SubscribeJobRequest, context: Any) -> Iterator[pps.JobInfo]:
        """Jobs of a pipeline that are not finished, whenever their state changes, without end."""
        for job in job_changes(self._engine, self._name(request.pipeline), context):
            yield job_info(self._engine, job, details=request.details)

    def stop_job(self, request: pps.StopJobRequest, _: Any) -> None:
        """Kill a job; its commit finishes with an error."""
        self._engine.scheduler.stop_job(
            self._job(request.job), "KILLED", request.reason or "stopped by request"
        )

    def delete_job(self, request: pps.DeleteJobRequest, _: Any) -> None:
        """Forget a job that has ended."""
        self._jobs.delete(self._job(request.job))

    # Datums

    def list_datum(self, request: pps.ListDatumRequest, _: Any) -> Iterator[pps.DatumInfo]:
        """Datums of a job, or those an input would have now."""
        if request.job.id:
            views: Iterable[DatumView] = datums_of(self._engine, self._job(request.job))
        else:
            views = (DatumView(None, datum, "UNKNOWN") for datum in self._datums_of_input(request.input))
        states = {pps.DatumState(state).name for state in request.filter.state}
        views = (view for view in views if not states or view.state in states)
        if request.reverse:
            views = reversed(list(views))
        if request.pagination_marker:
            views = _after(views, request.pagination_marker)
        for view in islice(views, request.number or None):
            yield datum_info(view)

    def inspect_datum(self, request: pps.InspectDatumRequest, _: Any) -> pps.DatumInfo:
        """One datum of a job."""
        return datum_info(find_datum(self._engine, self._job(request.datum.job), request.datum.id))

    def create_datum(self, requests: Iterator[pps.CreateDatumRequest], _: Any) -> Iterator[pps.DatumInfo]:
        """Datums an input would have now, in batches as asked for."""
        first = next(requests, pps.CreateDatumRequest())
        datums = self._datums_of_input(first.start.input)
        number = first.start.number or 100
        while batch := list(islice(datums, number)):
            for datum in batch:
                yield datum_info(DatumView(None, datum, "UNKNOWN"))
            request = next(requests, None)
            if request is None:
                return
            number = request.continue_.number or 100

    def restart_datum(self, request: pps.RestartDatumRequest, _: Any) -> None:
        """Run chosen datums again: in a new job on what the inputs hold now."""
        job = self._job(request.job)
        if not request.data_filters:
            raise DataError(
                "the request chooses no datum", expected="a datum's id, or paths or hashes of its files"
            )
        self._jobs.force(job.pipeline, [request.data_filters])

    # Logs

    def get_logs(self, request: pps.GetLogsRequest, context: Any) -> Iterator[pps.LogMessage]:
        """Lines that datums printed, oldest first; with `follow`, also those to come until the job ends."""
        job = request.job if request.job.id else request.datum.job
        if job.id:
            jobs = [self._job(job)]
        elif request.pipeline.name:
            name = self._name(request.pipeline)
            self._pipelines.get(name)
            jobs = self._jobs.all(name)
        else:
            raise DataError("the request names neither pipeline nor job")
        earliest = now() - int(request.since.total_seconds() * 1e6) if request.since else 0
        datums = self._filtered(jobs, request.data_filters)
        position = 0

        def lines() -> list[tuple[int, Log]]:
            found = self._jobs.logs(jobs, request.datum.id, after=position)
            return [
                (row, line)
                for row, line in found
                if line.ts >= earliest and (datums is None or (line.job.id, line.datum) in datums)
            ]

        first = lines()
        for row, line in first[-request.tail :] if request.tail > 0 else first:
            position = row
            yield log_message(line)
        while request.follow and jobs:

            def more() -> list[tuple[int, Log]] | None:
                found = lines()
                ended = all(self._jobs.in_row(job.id).state in FINAL for job in jobs)
                return found or ([] if ended else None)

            following = wait_for(self._engine, context, more)
            for row, line in following:
                position = row
                yield log_message(line)
            if not following:
                return

    def _filtered(self, jobs: Sequence[Job], filters: Sequence[str]) -> set[tuple[int, str]] | None:
        if not filters:
            return None
        return {
            (job.id, view.datum.id)
            for job in jobs
            for view in datums_of(self._engine, job)
            if set(filters) <= {name for i in view.datum.inputs for name in (i.path, i.hash)}
        }

    def _datums_of_input(self, message: pps.Input) -> Iterator[Datum]:
        given = parse_input(message.to_dict(), pinned=True)

        def tree_of(leaf: PfsInput | CronInput) -> Tree | None:
            repo = self._engine.repos.get(leaf.repo)
            reference = leaf.commit or ("master" if isinstance(leaf, CronInput) else leaf.branch)
            try:
                return self._engine.commits.tree(self._engine.commits.readable(repo, reference))
            except NotFoundError:
                if leaf.commit:
                    raise
                return None

        return enumerate_datums(given, tree_of)

    def _name(self, pipeline: pps.Pipeline) -> str:
        check_project(pipeline.project)
        if not pipeline.name:
            raise DataError("the request names no pipeline")
        return str(pipeline.name)

    def _job(self, job: pps.Job) -> Job:
        return self._jobs.get(self._name(job.pipeline), job.id)


def _no_jq(request: Any) -> None:
    if request.jq_filter:
        raise UnsupportedError("jq filters are not run", hint="filter the answer")


def _after(views: Iterable[DatumView], marker: str) -> Iterator[DatumView]:
    found = iter(views)
    for view in found:
        if view.datum.id == marker:
            break
    return found


def _paged(items: Iterable[Any], request: Any, created: Any) -> Iterator[Any]:
    """Newest first (oldest first when reversed), from a time on, so many."""
    found: Iterable[Any] = reversed(list(items)) if request.reverse else items
    if request.is_set("pagination_marker"):
        place = request.pagination_marker
        found = (i for i in found if (created(i) > place if request.reverse else created(i) < place))
    return islice(found, request.number or None)
