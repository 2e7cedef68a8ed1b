"""`forewarn rerun`, `stop`, `start` and `wait`: pipelines and their jobs in the hands of a person."""

from pathlib import Path

from features.errors import NotFoundError
from pipelines.client import Job, Pachd
from pipelines.commands.output import print_json, say, say_next
from pipelines.commands.progress import watch_jobs
from pipelines.commands.push import finished
from pipelines.project import Project


def rerun(
    *, project: Path | None, pipeline: str, datums: list[str], reprocess: bool, wait: bool, json: bool
) -> None:
    """Start a job on what the inputs hold now, in which chosen datums, or all, run though nothing changed.

    Without either only what failed or was never done runs: a retry. Raises NotFoundError for an unknown
    pipeline or datum, ForewarnError when the job fails.
    """
    with Project.find(project).connect() as pachd:
        _check(pachd, pipeline)
        if datums:
            commit = str(pachd.ask("RerunDatums", pipeline=pipeline, datums=datums)["job"])
        else:
            commit = pachd.rerun_pipeline(pipeline, reprocess=reprocess).commit
        _follow(pachd, commit, wait=wait, json=json)


def stop(*, project: Path | None, pipeline: str) -> None:
    """Interrupt a pipeline's jobs and run no more until it is started. Raises NotFoundError."""
    with Project.find(project).connect() as pachd:
        _check(pachd, pipeline)
        pachd.stop_pipeline(pipeline)
    say(f"pipeline {pipeline} is stopped; commits wait for it and for what reads it")
    say_next(f"forewarn start {pipeline}")


def start(*, project: Path | None, pipeline: str, wait: bool, json: bool) -> None:
    """Run a stopped pipeline's jobs again, and one for what came meanwhile. Raises NotFoundError."""
    with Project.find(project).connect() as pachd:
        _check(pachd, pipeline)
        pachd.start_pipeline(pipeline)
        say(f"pipeline {pipeline} is started")
        newest = pachd.jobs(pipeline=pipeline, number=1)
        if newest:
            _follow(pachd, newest[0].commit, wait=wait, json=json)


def wait(*, project: Path | None, commit: str | None, json: bool) -> None:
    """Wait for the jobs of a commit, or of the newest, to end. Raises NotFoundError, ForewarnError."""
    with Project.find(project).connect() as pachd:
        if commit is None:
            newest = pachd.jobs(number=1)
            if not newest:
                raise NotFoundError("there is no job yet", hint="forewarn push PATH")
            commit = newest[0].commit
        _follow(pachd, commit, wait=True, json=json)


def _check(pachd: Pachd, pipeline: str) -> None:
    existing = pachd.pipelines()
    if pipeline not in existing:
        raise NotFoundError(
            f"no pipeline {pipeline}", expected=", ".join(existing) or "none yet: forewarn push PATH first"
        )


def _follow(pachd: Pachd, commit: str, *, wait: bool, json: bool) -> None:
    jobs: list[Job] = watch_jobs(pachd, commit) if wait else []
    if json:
        print_json({"commit": commit, "jobs": jobs})
    finished(jobs)
    say_next(f"forewarn jobs {commit}")
