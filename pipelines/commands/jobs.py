"""`forewarn jobs` and `forewarn datums`: what ran, what was skipped, what failed."""

from pathlib import Path

from features.errors import NotFoundError, UsageError
from pipelines.commands.output import print_json, print_table, say_next
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
        ["pipeline", "commit", "state", "datums#", "ran#", "skipped#", "failed#", "seconds#"],
        (
            [
                job.pipeline,
                job.commit,
                job.state,
                job.total,
                job.processed,
                job.skipped,
                job.failed,
                job.seconds,
            ]
            for job in found
        ),
    )
    if found:
        say_next(f"forewarn datums {found[0].pipeline} {found[0].commit}")


def datums(*, project: Path | None, pipeline: str, commit: str | None, state: str | None, json: bool) -> None:
    """List a job's datums. Raises UsageError for an unknown state, NotFoundError for no such job."""
    if state is not None and state.lower() not in DATUM_STATES:
        raise UsageError("unknown datum state", got=state, expected=", ".join(DATUM_STATES))
    with Project.find(project).connect() as pachd:
        if commit is None:
            newest = pachd.jobs(pipeline=pipeline, number=1)
            if not newest:
                raise NotFoundError(f"pipeline {pipeline} has no job yet", hint="forewarn push PATH")
            commit = newest[0].commit
        found = [datum for datum in pachd.datums(pipeline, commit) if state in (None, datum.state.lower())]
    if json:
        print_json(found)
        return
    print_table(
        ["datum", "state", "seconds#", "inputs"],
        ([datum.id[:16], datum.state, f"{datum.seconds:.2f}", "  ".join(datum.inputs)] for datum in found),
    )
