"""Everything the pages show, as JSON: `/api/openapi.json` describes it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from features.errors import NotFoundError
from reports.dashboard import feedback, windows
from reports.dashboard.guard import need
from reports.dashboard.recording import recording
from reports.dashboard.source import PipelineView, Report, Source
from reports.dashboard.timeline import timeline
from reports.dashboard.views import ChangeView, CommitView, DatumView, JobView

VIEW, OPERATE = [Depends(need("viewer"))], [Depends(need("operator"))]
Limit = Annotated[int, Query(ge=1, le=1_000)]


class Said(BaseModel):
    """Feedback on the alert of a robot at a cut-off."""

    robot_id: str = Field(max_length=256)
    at: str = Field(max_length=40, description="the alert's cut-off, ISO 8601")
    action: str = Field(description=", ".join(feedback.ACTIONS))
    to: str = Field("", max_length=256, description="who an alert is assigned to")
    note: str = Field("", max_length=2_000)


def newest(source: Source) -> Report:
    """The newest report. Raises NotFoundError before the first."""
    found = source.report()
    if found is None:
        raise NotFoundError("there is no report yet", hint="push a day's logs")
    return found


def robot_of(report: Report, name: str) -> Mapping[str, Any]:
    """A robot's line in a report. Raises NotFoundError."""
    for robot in report.summary["robots"]:
        if robot["robot_id"] == name:
            return dict(robot)
    raise NotFoundError(f"no robot {name} in the report")


def router(source: Source) -> APIRouter:
    """Routes below `/api`."""
    routes = APIRouter()

    @routes.get("/summary", dependencies=VIEW, summary="The newest report's summary.json")
    def summary() -> dict[str, Any]:
        found = newest(source)
        return {"commit": found.commit, "summary": found.summary}

    @routes.get("/robots", dependencies=VIEW, summary="Robots ranked by risk")
    def robots(limit: Limit = 100, offset: Annotated[int, Query(ge=0)] = 0) -> list[Any]:
        return list(newest(source).summary["robots"][offset : offset + limit])

    @routes.get("/robots/{robot}", dependencies=VIEW, summary="One robot: risk, reasons, days")
    def robot(robot: str) -> dict[str, Any]:
        return {**robot_of(newest(source), robot), "days": list(source.days(robot))}

    @routes.get(
        "/robots/{robot}/timeline", dependencies=VIEW, summary="Streams, risk and failures of a window"
    )
    def robot_timeline(robot: str, start: str, end: str) -> dict[str, Any]:
        first, last = windows.parse(start, end)
        pieces = [piece for day in windows.days(first, last) for piece in source.quarantined(robot, day)]
        return timeline(windows.read(source, robot, first, last)) | {
            "quarantined": windows.placed(pieces, first, last),
            "units": dict(source.units),
        }

    @routes.get("/robots/{robot}/window.mcap", dependencies=VIEW, summary="The same window for Foxglove")
    def robot_recording(robot: str, start: str, end: str) -> Response:
        content = recording(windows.read(source, robot, *windows.parse(start, end)))
        return Response(
            content,
            media_type="application/octet-stream",
            headers={"Content-Disposition": 'attachment; filename="window.mcap"'},
        )

    @routes.get("/pipelines", dependencies=VIEW, summary="The DAG with each pipeline's newest job")
    def pipelines() -> list[PipelineView]:
        return list(source.pipelines())

    @routes.get("/jobs", dependencies=VIEW, summary="Newest jobs, of one commit or pipeline")
    def jobs(commit: str | None = None, pipeline: str | None = None) -> list[JobView]:
        return list(source.jobs(commit=commit, pipeline=pipeline))

    @routes.get("/jobs/{pipeline}/{commit}/datums", dependencies=VIEW, summary="A job's datums")
    def datums(pipeline: str, commit: str, limit: Limit = 100) -> list[DatumView]:
        return list(source.datums(pipeline, commit, limit))

    @routes.get("/jobs/{pipeline}/{commit}/logs", dependencies=VIEW, summary="A job's last log lines")
    def logs(pipeline: str, commit: str, limit: Limit = 200) -> list[str]:
        return list(source.logs(pipeline, commit, limit))

    @routes.post("/jobs/{pipeline}/{commit}/retry", dependencies=OPERATE, summary="Run failed datums again")
    def retry(pipeline: str, commit: str) -> dict[str, str]:
        return {"commit": source.retry(pipeline, commit)}

    @routes.get("/repos", dependencies=VIEW, summary="The project's repos")
    def repos() -> list[str]:
        return list(source.repos())

    @routes.get("/repos/{repo}/commits", dependencies=VIEW, summary="Newest commits of a repo")
    def commits(repo: str, limit: Limit = 20) -> list[CommitView]:
        return list(source.commits(repo, limit))

    @routes.get("/repos/{repo}/commits/{commit}/changes", dependencies=VIEW, summary="What a commit changed")
    def changes(repo: str, commit: str, limit: Limit = 200) -> list[ChangeView]:
        return list(source.changes(repo, commit, limit))

    @routes.get("/feedback", dependencies=VIEW, summary="Where alerts stand, and precision of the closed")
    def told() -> dict[str, Any]:
        found = feedback.outcomes(source.feedback())
        return {"outcomes": list(found.values()), "precision": feedback.precision(found.values())}

    @routes.post("/feedback", dependencies=OPERATE, summary="Acknowledge, assign or close an alert")
    def say(said: Said, request: Request) -> dict[str, str]:
        robot_of(newest(source), said.robot_id)
        when = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        entry = feedback.entry(by=request.state.who, when=when, **said.model_dump())
        return {"commit": source.add_feedback(entry)}

    return routes
