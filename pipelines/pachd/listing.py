"""The datums of a job as they stand: those it ran from its records, the rest by cutting its inputs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from features.errors import NotFoundError
from pipelines.pachd.datums import Datum
from pipelines.pachd.jobs import DatumRun
from pipelines.pachd.records import Job

if TYPE_CHECKING:
    from pipelines.pachd.engine import Engine


@dataclass(frozen=True)
class DatumView:
    """A datum, its state in a job (None: of no job) and, when the job ran it, the record of that."""

    job: Job | None
    datum: Datum
    state: str
    run: DatumRun | None = None


def datums_of(engine: "Engine", job: Job) -> Iterator[DatumView]:
    """Every datum of a job, in the order of its inputs."""
    runs = engine.jobs.runs(job)
    runner = engine.scheduler.running(job)
    pending = runner.pending if runner is not None else set()
    for datum in engine.plans.of_job(job).datums():
        run = runs.get(datum.id)
        yield DatumView(job, datum, _state(engine, job, datum, run, pending), run)


def find_datum(engine: "Engine", job: Job, datum: str) -> DatumView:
    """One datum of a job; NotFoundError when it has none with that id."""
    found = next((view for view in datums_of(engine, job) if view.datum.id == datum), None)
    if found is None:
        raise NotFoundError(f"datum {datum} of job {job} not found")
    return found


def _state(engine: "Engine", job: Job, datum: Datum, run: DatumRun | None, pending: set[str]) -> str:
    if run is not None:
        return run.state
    if job.finished is None:
        return "STARTING" if datum.id in pending or job.total == 0 else "SKIPPED"
    if job.datums is not None and engine.trees.maps.get(job.datums, datum.id) is not None:
        return "SKIPPED"
    return "UNKNOWN"
