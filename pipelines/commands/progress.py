"""Progress on stderr: bytes while pushing, datums while pipelines run; bars on a terminal, else lines."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)

from pipelines.client import Job, Pachd
from pipelines.commands.output import say, shortened, stderr
from pipelines.specs import STEPS

POLL_SECONDS: Final = 0.2


@contextmanager
def bytes_progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar that advances by bytes; nothing where there is no terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=stderr, disable=not stderr.is_terminal, transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda count: progress.advance(task, count)


def watch_jobs(pachd: Pachd, commit: str) -> list[Job]:
    """Follow the jobs of a commit set until all have ended; the jobs, in the order data flows."""
    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=stderr, disable=not stderr.is_terminal) as progress:
        tasks = {}
        while True:
            jobs = sorted(pachd.jobs(commit=commit), key=_flow)
            for job in jobs:
                if job.pipeline not in tasks:
                    tasks[job.pipeline] = progress.add_task(job.pipeline, total=None, note="")
                finished = job.processed + job.skipped + job.failed + job.recovered
                total = job.total or (1 if job.done else None)
                progress.update(
                    tasks[job.pipeline],
                    total=total,
                    completed=total if job.done else finished,
                    note=describe(job) if job.done else f"{job.state.lower()}, {job.skipped} skipped",
                )
            if all(job.done for job in jobs):
                break
            time.sleep(POLL_SECONDS)
    if not stderr.is_terminal:
        for job in jobs:
            say(f"{job.pipeline:<10} {describe(job)}")
    return jobs


def describe(job: Job) -> str:
    """`success: 3 of 24 datums ran, 21 skipped`, and the beginning of the reason when it went wrong."""
    if job.state == "UNRUNNABLE":
        return "not run: what it needs failed"
    parts = [f"{job.state.lower()}: {job.processed} of {job.total} datums ran, {job.skipped} skipped"]
    if job.failed:
        parts.append(f"{job.failed} failed")
    if job.recovered:
        parts.append(f"{job.recovered} failed in every try and left out")
    if job.seconds is not None:
        parts.append(f"{job.seconds:.1f} s")
    if job.reason:
        parts.append(shortened(job.reason))
    return ", ".join(parts)


def _flow(job: Job) -> int:
    return STEPS.index(job.pipeline) if job.pipeline in STEPS else len(STEPS)
