"""`forewarn jobs`, `datums` and `logs`: what ran, what was skipped, what failed and what it said."""

from dataclasses import asdict
from pathlib import Path

from features.errors import NotFoundError, UsageError
from pipelines.answers import Job
from pipelines.client import Pachd
from pipelines.commands.output import print_json, print_table, say_next, shortened, stdout
from pipelines.project import Project

DATUM_STATES = ("success", "skipped", "failed", "recovered", "starting")


def jobs(*, project: Path | None, commit: str | None, pipeline: str | None, number: int, json: bool) -> None:
    """List jobs, newest first. Raises NotFoundError for an unknown commit or pipeline."""
    with Project.find(project).connect() as pachd:
        found = pachd.jobs(commit=commit, pipeline=pipeline, number=number)
    found = [job for job in found if pipeline in (None, job.pipeline)][:number]
    if json:
        print_json(found)
        return
    print_table(
        ["pipeline", "commit", "state", "datums#", "ran#", "skipped#", "failed#", "recovered#", "seconds#"],
        (
            [
                job.pipeline,
                job.commit,
                job.state,
                job.total,
                job.processed,
                job.skipped,
                job.failed,
                job.recovered,
                "" if job.seconds is None else job.seconds,
            ]
            for job in found
        ),
    )
    if found:
        one = found[0]
        failed = [job for job in found if job.commit == one.commit and (job.failed or job.recovered)]
        say_next(failed_datums(failed[0]) if failed else f"forewarn datums {one.pipeline} {one.commit}")


def datums(*, project: Path | None, pipeline: str, commit: str | None, state: str | None, json: bool) -> None:
    """List a job's datums. Raises UsageError for an unknown state, NotFoundError for no such job."""
    if state is not None and state.lower() not in DATUM_STATES:
        raise UsageError("unknown datum state", got=state, expected=", ".join(DATUM_STATES))
    with Project.find(project).connect() as pachd:
        commit = commit or _newest(pachd, pipeline)
        found = [datum for datum in pachd.datums(pipeline, commit) if state in (None, datum.state.lower())]
        why = {one.id: pachd.why(pipeline, commit, one.id) for one in found if one.failed}
    if json:
        print_json([asdict(datum) | {"why": why.get(datum.id, "")} for datum in found])
        return
    print_table(
        ["datum", "state", "seconds#", "inputs", "why"],
        (
            [one.id[:16], one.state, f"{one.seconds:.2f}", "  ".join(one.inputs), _line(why.get(one.id, ""))]
            for one in found
        ),
    )
    if why:
        say_next(f"forewarn logs {pipeline} {commit} --datum {next(iter(why))[:16]}")


def logs(*, project: Path | None, pipeline: str, commit: str | None, datum: str | None, json: bool) -> None:
    """Print what a job's datums, or one of them, printed. Raises NotFoundError for what is not there."""
    with Project.find(project).connect() as pachd:
        commit = commit or _newest(pachd, pipeline)
        if datum is not None:
            ids = [one.id for one in pachd.datums(pipeline, commit) if one.id.startswith(datum)]
            if len(ids) != 1:
                told = f"{len(ids)} datums of {pipeline} {commit} begin with {datum}"
                raise NotFoundError(told, hint=f"forewarn datums {pipeline} {commit}")
            datum = ids[0]
        lines = list(pachd.logs(pipeline, commit, datum))
    if json:
        print_json(lines)
        return
    for line in lines:
        stdout.print(line, markup=False)


def failed_datums(job: Job) -> str:
    """The command that shows the datums of a job that failed, or were left out."""
    state = "recovered" if job.recovered and not job.failed else "failed"
    return f"forewarn datums {job.pipeline} {job.commit} --state {state}"


def _newest(pachd: Pachd, pipeline: str) -> str:
    newest = pachd.jobs(pipeline=pipeline, number=1)
    if not newest:
        raise NotFoundError(f"pipeline {pipeline} has no job yet", hint="forewarn push PATH")
    return newest[0].commit


def _line(text: str) -> str:
    return shortened(" ".join(text.split()))
