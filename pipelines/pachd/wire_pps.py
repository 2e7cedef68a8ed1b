"""Between the engine's pipelines, jobs and datums and the messages of Pachyderm's protocol."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from pachyderm_sdk.api import pfs, pps

from pipelines.pachd.inputs import leaves
from pipelines.pachd.jobs import Log
from pipelines.pachd.listing import DatumView
from pipelines.pachd.pipelines import Pipeline
from pipelines.pachd.records import Job, Repo
from pipelines.pachd.trees import Entry
from pipelines.pachd.wire import commit_message, file_info, pipeline_message, repo_message, time_of

if TYPE_CHECKING:
    from pipelines.pachd.engine import Engine

_SPEC_FIELDS = ("transform", "parallelism_spec", "datum_set_spec", "scheduling_spec", "pod_spec", "pod_patch")
_LIMIT_FIELDS = (
    "resource_requests",
    "resource_limits",
    "sidecar_resource_limits",
    "sidecar_resource_requests",
)


def pipeline_info(engine: "Engine", pipeline: Pipeline, *, details: bool) -> pps.PipelineInfo:
    """One version of a pipeline and how its newest job fares."""
    newest = engine.jobs.newest(pipeline.name)
    info = pps.PipelineInfo(
        pipeline=pipeline_message(pipeline.name),
        version=pipeline.version,
        spec_commit=_system_commit(pipeline.name, "spec", pipeline.spec_commit),
        stopped=bool(pipeline.stopped),
        state=pps.PipelineState.PIPELINE_PAUSED if pipeline.stopped else pps.PipelineState.PIPELINE_RUNNING,
        parallelism=pipeline.spec.parallelism,
        type=pps.PipelineInfoPipelineType.PIPELINE_TYPE_TRANSFORM,
        user_spec_json=pipeline.user_spec,
        effective_spec_json=pipeline.spec.effective_json,
    )
    if newest is not None:
        info.last_job_state = pps.JobState[f"JOB_{newest.state}"]
    if details:
        info.details = _pipeline_details(pipeline, newest)
    return info


def job_info(engine: "Engine", job: Job, *, details: bool) -> pps.JobInfo:
    """One job and its progress."""
    info = pps.JobInfo(
        job=job_message(job),
        pipeline_version=job.version,
        output_commit=commit_message(engine.jobs.output(job)),
        restart=job.restarts,
        data_processed=job.processed,
        data_skipped=job.skipped,
        data_total=job.total,
        data_failed=job.failed,
        data_recovered=job.recovered,
        stats=_stats(json.loads(job.stats)),
        state=pps.JobState[f"JOB_{job.state}"],
        reason=job.reason,
        created=time_of(job.created),
    )
    if job.started is not None:
        info.started = time_of(job.started)
    if job.finished is not None:
        info.finished = time_of(job.finished)
    if details:
        info.details = _job_details(engine, job)
    return info


def job_message(job: Job) -> pps.Job:
    """A reference to a job."""
    return pps.Job(pipeline=pipeline_message(job.pipeline), id=job.uuid)


def datum_info(view: DatumView) -> pps.DatumInfo:
    """A datum, its files and how it went."""
    info = pps.DatumInfo(
        datum=pps.Datum(id=view.datum.id),
        state=pps.DatumState[view.state],
        data=[
            file_info(
                pfs.Commit(
                    repo=pfs.Repo(name=i.repo, type="user", project=pfs.Project(name=i.project)),
                    id=i.commit,
                    branch=pfs.Branch(name=i.branch, repo=pfs.Repo(name=i.repo, type="user")),
                ),
                None,
                Entry(i.path, i.kind, i.size, i.hash),
            )
            for i in view.datum.inputs
        ],
    )
    if view.job is not None:
        info.datum.job = job_message(view.job)
        info.pfs_state = pfs.File(
            commit=_system_commit(view.job.pipeline, "meta", view.job.uuid), path=f"/pfs/{view.datum.id}"
        )
    if view.run is not None:
        info.stats = _stats(view.run.stats)
    return info


def log_message(line: Log) -> pps.LogMessage:
    """One line of a log."""
    return pps.LogMessage(
        project_name="default",
        pipeline_name=line.job.pipeline,
        job_id=line.job.uuid,
        datum_id=line.datum,
        user=line.user,
        ts=time_of(line.ts),
        message=line.message,
    )


def _pipeline_details(pipeline: Pipeline, newest: Job | None) -> pps.PipelineInfoDetails:
    spec, request = pipeline.spec, pipeline.spec.request
    details = pps.PipelineInfoDetails(
        input=request.input,
        created_at=time_of(pipeline.created),
        updated_at=time_of(pipeline.updated),
        output_branch=spec.output_branch,
        description=spec.description,
        salt=pipeline.salt,
        datum_tries=spec.datum_tries,
        reprocess_spec=spec.reprocess_spec,
        workers_requested=spec.parallelism,
        workers_available=spec.parallelism,
    )
    _copy_spec(request, details, (*_SPEC_FIELDS, *_LIMIT_FIELDS, "metadata", "autoscaling", "tolerations"))
    if newest is not None and newest.state in ("FAILURE", "KILLED", "UNRUNNABLE"):
        details.recent_error = newest.reason
    return details


def _job_details(engine: "Engine", job: Job) -> pps.JobInfoDetails:
    pipeline = engine.pipelines.get(job.pipeline, job.version)
    request = pps.CreatePipelineRequest().parse(bytes(pipeline.spec.request))
    commits = engine.jobs.inputs(job)
    for message, leaf in zip(_leaf_messages(request.input), leaves(pipeline.spec.input), strict=True):
        commit = commits.get((leaf.repo, getattr(leaf, "branch", "master")))
        if commit is not None:
            message.commit = commit.uuid
    details = pps.JobInfoDetails(
        input=request.input, salt=pipeline.salt, datum_tries=pipeline.spec.datum_tries
    )
    _copy_spec(request, details, (*_SPEC_FIELDS, *_LIMIT_FIELDS))
    return details


def _leaf_messages(given: pps.Input) -> "list[pps.PfsInput | pps.CronInput]":
    if given.pfs.repo:
        return [given.pfs]
    if given.cron.name:
        return [given.cron]
    children = [*given.join, *given.group, *given.cross, *given.union]
    return [leaf for child in children for leaf in _leaf_messages(child)]


def _copy_spec(
    request: pps.CreatePipelineRequest,
    details: "pps.PipelineInfoDetails | pps.JobInfoDetails",
    names: tuple[str, ...],
) -> None:
    for name in names:
        value = getattr(request, name)
        if value:
            setattr(details, name, value)
    for name in ("datum_timeout", "job_timeout"):
        if value := getattr(request, name):
            setattr(details, name, value)


def _stats(sums: Mapping[str, float]) -> pps.ProcessStats:
    return pps.ProcessStats(
        download_time=timedelta(seconds=sums.get("download_s", 0)),
        process_time=timedelta(seconds=sums.get("process_s", 0)),
        upload_time=timedelta(seconds=sums.get("upload_s", 0)),
        download_bytes=int(sums.get("bytes_in", 0)),
        upload_bytes=int(sums.get("bytes_out", 0)),
    )


def _system_commit(pipeline: str, type_: str, set_id: str) -> pfs.Commit:
    repo = repo_message(Repo(0, pipeline, type_, "", 0))  # type: ignore[arg-type]
    return pfs.Commit(repo=repo, id=set_id, branch=pfs.Branch(repo=repo, name="master"))
