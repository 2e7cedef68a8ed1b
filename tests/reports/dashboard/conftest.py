"""A project that exists only in memory, so that the pages can be asked without an engine."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from features.errors import NotFoundError
from features.operation import OPERATION
from features.schema import CUTOFF, ROBOT, TIMESTAMP, TS
from reports.dashboard.alert_views import AlertState, AlertView, AttemptView, DeliveryView, EventView
from reports.dashboard.app import create_app
from reports.dashboard.source import Kind, PipelineView, Report
from reports.dashboard.tokens import Tokens
from reports.dashboard.views import ChangeView, CommitView, DatumView, JobView
from reports.inputs import ReportInputs
from reports.page import render
from reports.summary import summarize
from tests.reports.dashboard.asking import Client

COMMIT = "c0" * 16
DAYS = ("2026-03-01", "2026-03-02", "2026-03-03")
JOB = JobView("report", COMMIT, "RUNNING", 4, 1, 2, 1, "", None, False)

RAISED = datetime(2026, 3, 2, 6, 30, tzinfo=UTC)


def _alert(letter: str, subject: str, **more: Any) -> AlertView:
    values = {"told": f"{subject} <script>", "severity": "warning", "raised": RAISED, "commit": COMMIT}
    values |= {"value": None, "robot": None, "cutoff": None, "to": ("desk",), "held": False, "resolved": None}
    values |= {"acknowledged_by": None, "assigned_to": None, "resolved_by": "", "why": "", **more}
    return AlertView(id=letter * 20, rule="first", subject=subject, **values)


ALERTS = (
    _alert("a", "amr-001", robot="amr-001", cutoff="2026-03-02T06:00:00Z", value=0.81),
    _alert("b", "train", held=True),
    _alert("c", "amr-002", resolved=RAISED, resolved_by="ana", why="repaired: new wheel"),
)


@dataclass
class Memory:
    """A `Source` of a report and the tables it was made of."""

    summary: Mapping[str, Any] | None
    inputs: ReportInputs | None
    name: str = "warehouse 7"
    units: Mapping[str, str] = field(default_factory=lambda: {"odometry__speed": "m/s"})
    said: list[Mapping[str, Any]] = field(default_factory=list)
    again: list[int] = field(default_factory=list)

    def report(self) -> Report | None:
        return None if self.summary is None else Report(COMMIT, self.summary)

    def report_page(self) -> bytes:
        assert self.summary is not None
        return render(self.summary).encode()

    def days(self, robot: str) -> Sequence[str]:
        return DAYS

    def table(self, kind: Kind, robot: str, day: str) -> pa.Table | None:
        if kind == "observations":
            return observations(robot, day) if day == DAYS[0] else None
        assert self.inputs is not None
        whole = getattr(self.inputs, kind)
        mine = whole.filter(pc.equal(whole.column(ROBOT), robot))
        if kind == "operation":
            return mine.filter(pc.equal(mine.column("day"), day))
        clock = mine.column(TS if kind == "failures" else CUTOFF)
        return mine.filter(pc.equal(pc.strftime(clock, "%Y-%m-%d"), day))

    def events(self, robot: str, day: str) -> Mapping[str, pa.Table]:
        return {}

    def quarantined(self, robot: str, day: str) -> Sequence[Mapping[str, Any]]:
        names = ("source", "member", "line", "stream", "reason", "detail")
        return [dict.fromkeys(names, "<b>") | {"member": "1772323205.json"}] if day == DAYS[0] else []

    def pipelines(self) -> Sequence[PipelineView]:
        return [PipelineView("report", "running", ("score",), JOB)]

    def jobs(self, *, commit: str | None = None, pipeline: str | None = None) -> Sequence[JobView]:
        return [JOB]

    def datums(self, pipeline: str, commit: str, limit: int) -> Sequence[DatumView]:
        return [DatumView("d" * 64, "FAILED", ("score:/risk",), 0.5)]

    def logs(self, pipeline: str, commit: str, limit: int) -> Sequence[str]:
        return ["<script>alert(1)</script>"]

    def retry(self, pipeline: str, commit: str) -> str:
        return COMMIT

    def repos(self) -> Sequence[str]:
        return ["logs", "report"]

    def commits(self, repo: str, limit: int) -> Sequence[CommitView]:
        return [CommitView(COMMIT, "forewarn push", None, None, 10, "")]

    def changes(self, repo: str, commit: str, limit: int) -> Sequence[ChangeView]:
        return [ChangeView("/2026-03-01/amr-001.zip", None, 10)]

    def push(self, files: Mapping[str, Path]) -> str:
        return COMMIT

    def feedback(self) -> Sequence[Mapping[str, Any]]:
        return self.said

    def add_feedback(self, entry: Mapping[str, Any]) -> str:
        self.said.append(entry)
        return COMMIT

    def alerts(self, state: AlertState, limit: int, offset: int = 0) -> Sequence[AlertView]:
        found = [one for one in ALERTS if state == "all" or (one.resolved is None) == (state == "open")]
        return found[offset : offset + limit]

    def alert(self, name: str) -> AlertView:
        for one in ALERTS:
            if one.id == name:
                return one
        raise NotFoundError(f"no alert {name}")

    def alert_events(self, name: str) -> Sequence[EventView]:
        return [EventView("raised", RAISED, "amr-001: risk of failure 81 %")]

    def deliveries(self, limit: int, alert: str | None = None) -> Sequence[DeliveryView]:
        return [
            DeliveryView(7, "desk", "gave up", 1, "raised", "amr-001: 81 %", "a" * 20, "answered 404", RAISED)
        ]

    def attempts(self, delivery: int) -> Sequence[AttemptView]:
        return [AttemptView(RAISED, 0.25, "answered 404")]

    def deliver_again(self, delivery: int) -> None:
        self.again.append(delivery)


def observations(robot: str, day: str) -> pa.Table:
    """Two hours of one every 10 s, with a pause and a state."""
    start = 1_772_323_200 + 86_400 * DAYS.index(day)
    seconds = [at for at in range(0, 7_200, 10) if not 3_000 <= at < 3_600]
    return pa.table(
        {
            ROBOT: [robot] * len(seconds),
            TS: pa.array([(start + at) * 10**9 for at in seconds], pa.int64()).cast(TIMESTAMP),
            "speed": [float(at % 60) for at in seconds],
            "mission__state": ["busy" if at % 600 < 300 else "idle" for at in seconds],
            "mission__gap_s": [0.5] * len(seconds),
        }
    )


@pytest.fixture(scope="session")
def memory(fleet: Callable[..., ReportInputs]) -> Memory:
    """A fleet of twelve robots over two days."""
    inputs = fleet().conformed()
    assert inputs.operation.schema == OPERATION
    return Memory(summarize(inputs)[0], inputs)


@pytest.fixture
def ask(memory: Memory, tmp_path: Path) -> Client:
    """The dashboard of that fleet."""
    return Client(create_app(memory, tokens=Tokens(tmp_path / "tokens.json"), scratch=tmp_path / "scratch"))
