"""What the dashboard asks of an engine, and nothing more: whoever implements `Source` can be shown."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import pyarrow as pa

from reports.dashboard.alert_views import Alerts
from reports.dashboard.views import ChangeView, CommitView, DatumView, JobView

Kind = Literal["observations", "failures", "risk", "reasons", "similar", "operation"]


@dataclass(frozen=True)
class Report:
    """A committed report: its commit, and its `summary.json` with what changed `since` the one before."""

    commit: str
    summary: Mapping[str, Any]


@dataclass(frozen=True)
class PipelineView:
    """A pipeline, the repos it reads, and its newest job."""

    name: str
    state: str
    inputs: tuple[str, ...]
    job: JobView | None


class Source(Alerts, Protocol):
    """A project's engine. Methods raise NotFoundError for what is not there."""

    name: str
    units: Mapping[str, str]
    """Of fields, `<stream>__<field>`, where they are declared."""

    def report(self) -> Report | None:
        """The newest report, None before the first."""

    def report_page(self) -> bytes:
        """The newest `report.html`, as `reports.page.render` makes it of the summary."""

    def days(self, robot: str) -> Sequence[str]:
        """Days a robot has scored data of, oldest first."""

    def table(self, kind: Kind, robot: str, day: str) -> pa.Table | None:
        """A robot-day's table, None where there is none."""

    def events(self, robot: str, day: str) -> Mapping[str, pa.Table]:
        """Stream → a robot-day's events."""

    def quarantined(self, robot: str, day: str) -> Sequence[Mapping[str, Any]]:
        """Refused pieces of a robot-day: source, member, line, stream, reason, detail."""

    def pipelines(self) -> Sequence[PipelineView]:
        """Pipelines in the order data flows."""

    def jobs(self, *, commit: str | None = None, pipeline: str | None = None) -> Sequence[JobView]:
        """Newest jobs first, at most fifty."""

    def datums(self, pipeline: str, commit: str, limit: int) -> Sequence[DatumView]:
        """The first datums of a job, failed ones first."""

    def logs(self, pipeline: str, commit: str, limit: int) -> Sequence[str]:
        """The last log lines of a job."""

    def retry(self, pipeline: str, commit: str) -> str:
        """Run a job's failed datums again; the new job's commit. Raises ConflictError when none failed."""

    def repos(self) -> Sequence[str]:
        """Names of the project's repos."""

    def commits(self, repo: str, limit: int) -> Sequence[CommitView]:
        """Newest commits of a repo first."""

    def changes(self, repo: str, commit: str, limit: int) -> Sequence[ChangeView]:
        """What a commit changed against the one before it."""

    def push(self, files: Mapping[str, Path]) -> str:
        """Commit files (path in the repo `logs` → local file) at once; the commit's id."""

    def feedback(self) -> Sequence[Mapping[str, Any]]:
        """Everything said about alerts, oldest first."""

    def add_feedback(self, entry: Mapping[str, Any]) -> str:
        """Commit one entry to the repo `feedback`; the commit's id."""
