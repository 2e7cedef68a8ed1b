"""What happened since the alerts were last looked at: reports, ends of jobs, remarks; each read once."""

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile
from typing import Any, Final

import pyarrow.parquet as pq
import structlog

from features.errors import ForewarnError, NotFoundError
from features.schema import ROBOT
from pipelines.alerts.book import Seen
from pipelines.alerts.findings import JOBS, Facts, of_job, of_report
from pipelines.alerts.state import Observation, Remark
from pipelines.alerts.step import EPOCH
from pipelines.client import Job, Pachd
from pipelines.config.alerts import RuleSection
from pipelines.feedback import FEEDBACK
from reports.dashboard.views import CommitView

NEWEST: Final = 60
REACH: Final = 500
"""Commits and jobs looked back at most; more than this in one pause and the oldest are left out."""

Input = Observation | Remark
log = structlog.get_logger()


@dataclass(frozen=True)
class News:
    """Inputs in the order of time, and how far they reach."""

    inputs: tuple[Input, ...]
    seen: Seen


def news(pachd: Pachd, rules: Mapping[str, RuleSection], seen: Seen) -> News:
    """Everything finished since `seen`; at the first look only the newest report and no remark."""
    reports = _since(pachd, "report", seen.report)
    remarks = _since(pachd, FEEDBACK, seen.feedback) if pachd.has_repo(FEEDBACK) else []
    ends = _ended(pachd, seen.job) if any(rule.when.kind == JOBS for rule in rules.values()) else []
    found: list[Input] = []
    for at, job in ends if seen.job is not None else []:
        ended = of_job(
            job.pipeline, job.state, job.reason, rules, commit=job.commit, at=at, left_out=job.recovered
        )
        if ended is not None:
            found.append(ended)
    for commit in reports if seen.report is not None else reports[-1:]:
        observed = _reported(pachd, rules, commit)
        if observed is not None:
            found.append(observed)
    if seen.feedback is not None:
        found += [remark for commit in remarks for remark in _said(pachd, commit)]
    return News(
        tuple(sorted(found, key=lambda one: one.at)),
        Seen(
            report=reports[-1].id if reports else seen.report or "",
            job=ends[-1][0] if ends else seen.job or EPOCH,
            feedback=remarks[-1].id if remarks else seen.feedback or "",
        ),
    )


def _ended(pachd: Pachd, last: datetime | None) -> list[tuple[datetime, Job]]:
    """Jobs that ended after `last`, by when they did."""
    jobs = pachd.jobs(number=NEWEST)
    ends = [(_utc(job.finished), job) for job in jobs if job.done and job.finished is not None]
    fresh = [end for end in ends if last is None or end[0] > last]
    if last is not None and len(jobs) == NEWEST and len(fresh) == len(ends):
        jobs = pachd.jobs(number=REACH)
        ends = [(_utc(job.finished), job) for job in jobs if job.done and job.finished is not None]
        fresh = [end for end in ends if end[0] > last]
    return sorted(fresh, key=lambda end: (end[0], end[1].pipeline))


def _since(pachd: Pachd, repo: str, last: str | None) -> list[CommitView]:
    """Commits of a repo after `last` that are finished and follow no unfinished one, oldest first."""
    if pachd.head(repo) in (None, last):
        return []
    newest_first = takewhile(lambda commit: commit.id != last, pachd.commits(repo, REACH))
    return list(takewhile(lambda commit: commit.finished is not None, reversed(list(newest_first))))


def _reported(pachd: Pachd, rules: Mapping[str, RuleSection], commit: CommitView) -> Observation | None:
    if commit.error or commit.finished is None:
        return None
    try:
        summary = json.loads(pachd.read("report", "/summary.json", commit.id))
        facts = _facts(pachd, commit.id) if any(rule.where for rule in rules.values()) else {}
        return of_report(summary, facts, rules, commit=commit.id, at=_utc(commit.finished))
    except (NotFoundError, ValueError, KeyError, TypeError) as error:
        log.warning("a report cannot be read for alerts", commit=commit.id, error=str(error))
        return None


def _facts(pachd: Pachd, commit: str) -> Facts:
    """Robot id → fact → its last known value, as the report of a commit saw them."""
    origin = pachd.provenance("report", commit).get("extract")
    found: dict[str, dict[str, Any]] = {}
    for file in pachd.glob("extract", "/facts/*", origin) if origin else ():
        for row in pq.read_table(io.BytesIO(pachd.read("extract", file.path, origin))).to_pylist():
            known = {name: value for name, value in row.items() if value is not None}
            found.setdefault(row[ROBOT], {}).update(known)
    return found


def _said(pachd: Pachd, commit: CommitView) -> Iterator[Remark]:
    """Remarks a commit of feedback added; one that cannot be read is told of and left."""
    assert commit.finished is not None  # noqa: S101 (narrows the type)
    for change in pachd.diff(FEEDBACK, None, commit.id):
        if change.after is None:
            continue
        try:
            said = json.loads(pachd.read(FEEDBACK, change.path, commit.id))
            datetime.fromisoformat(said["at"])
            yield Remark(
                at=_utc(commit.finished),
                by=said["by"],
                action=said["action"],
                robot=said["robot_id"],
                cutoff=said["at"],
                alert=said.get("alert", ""),
                to=said.get("to", ""),
                note=said.get("note", ""),
            )
        except (ForewarnError, ValueError, KeyError, TypeError) as error:
            log.warning("a remark cannot be read", path=change.path, commit=commit.id, error=str(error))


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
