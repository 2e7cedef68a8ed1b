"""What a run took, beside what the runs before it let one expect, to judge the planner by.

A prediction uses only what was measured before the run: of a pipeline with many datums their seconds each, of
one with a single datum its seconds, which grow with the robot-days there are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pipelines.client import Job, Pachd
from pipelines.estimate import intercept
from pipelines.specs import STEPS

LOOKED_AT: Final = 200  # newest jobs of a pipeline


@dataclass(frozen=True)
class Taken:
    """One pipeline's part of a run: datums that ran, their seconds on workers, predicted and measured.

    predicted_s is None where no earlier run says anything.
    """

    pipeline: str
    datums: int
    predicted_s: float | None
    measured_s: float


def taken(pachd: Pachd, commit: str) -> list[Taken]:
    """The pipelines of a commit set that ran datums, in the order data flows."""
    existing = pachd.pipelines()
    jobs: dict[str, list[Job]] = {
        step: pachd.jobs(pipeline=step, number=LOOKED_AT) for step in STEPS if step in existing
    }
    return beside(jobs, commit)


def beside(jobs: Mapping[str, Sequence[Job]], commit: str) -> list[Taken]:
    """The same from the jobs of every pipeline, newest first; the join's datums are the robot-days."""
    days = {job.commit: job.total for job in jobs.get("join", ())}
    found = []
    for pipeline, all_jobs in jobs.items():
        place = next((at for at, job in enumerate(all_jobs) if job.commit == commit), None)
        if place is None or not all_jobs[place].processed:
            continue
        now = all_jobs[place]
        earlier = [job for job in all_jobs[place + 1 :] if job.processed and not job.failed]
        predicted = _expected(now, earlier, days) if earlier else None
        found.append(Taken(pipeline, now.processed, predicted, now.work_s))
    return found


def _expected(now: Job, earlier: Sequence[Job], days: Mapping[str, int]) -> float:
    before = earlier[0]
    growth = days.get(now.commit, 0) / (days.get(before.commit) or 1)
    if now.total == before.total == 1 and growth:
        fixed = intercept([(days.get(job.commit, 0), job.work_s) for job in earlier])
        return fixed + (before.work_s - fixed) * growth
    return before.work_s * now.processed / before.processed


def newest_run(pachd: Pachd) -> str | None:
    """The newest commit set in which a datum ran."""
    return next((job.commit for job in pachd.jobs() if job.processed), None)


def in_words(told: Sequence[Taken]) -> str:
    """One sentence for people."""
    measured = sum(one.measured_s for one in told)
    known = [one for one in told if one.predicted_s is not None]
    if not known:
        return f"took {measured:.1f} core-seconds; the first run: nothing to predict it from"
    predicted = sum(one.predicted_s or 0.0 for one in known)
    of_known = sum(one.measured_s for one in known)
    change = f"{of_known / predicted - 1:+.0%}" if predicted else "of nothing"
    return (
        f"took {measured:.1f} core-seconds; predicted from the runs before: {predicted:.1f} "
        f"where {of_known:.1f} were measured ({change})"
    )
