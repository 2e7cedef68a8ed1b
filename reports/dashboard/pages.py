"""The pages: each reads one small committed summary, or one robot-day, whatever the length of history."""

from collections.abc import Sequence
from datetime import timedelta
from functools import cache, partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import ChoiceLoader, Environment, PackageLoader

from reports.dashboard import failure, feedback, windows
from reports.dashboard.api import newest, robot_of
from reports.dashboard.dag import dag
from reports.dashboard.guard import COOKIE, need
from reports.dashboard.recent import Recent
from reports.dashboard.source import PipelineView, Report, Source
from reports.dashboard.tokens import Tokens
from reports.dashboard.views import JobView
from reports.page import SHOWN_SLICES, _environment
from reports.provenance import made_of
from reports.traced import Traced

PAGE_ROBOTS = 100
MOST = 1_000
BEFORE, AFTER = timedelta(minutes=60), timedelta(minutes=20)
VIEW = [Depends(need("viewer"))]


@cache
def templates() -> Environment:
    """The report's environment, with the dashboard's templates in front of its own."""
    environment = _environment()
    environment.globals["made_of"] = partial(made_of, dashboard=True)
    environment.globals["dag"] = dag
    environment.loader = ChoiceLoader([PackageLoader("reports.dashboard"), PackageLoader("reports")])
    return environment


def render(template: str, **values: Any) -> str:
    """A page; names and log lines are escaped."""
    return templates().get_template(template).render(**values)


def span_of(report: Report, moment: str | None) -> dict[str, Any]:
    """What the timeline draws around a moment: the longest window before it, and the alert threshold."""
    threshold = report.summary["model"].get("threshold")
    return {
        "at": moment or "",
        "longest": max(report.summary["question"]["windows_s"], default=0.0),
        "threshold": "" if threshold is None or threshold >= 1 else threshold,
    }


def router(source: Source, tokens: Tokens) -> APIRouter:
    """Routes of the pages."""
    routes = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)

    @Recent
    def recent_jobs() -> Sequence[JobView]:
        return source.jobs()

    @Recent
    def recent_pipelines() -> Sequence[PipelineView]:
        return source.pipelines()

    def page(template: str, place: str, **values: Any) -> HTMLResponse:
        return HTMLResponse(render(template, place=place, name=source.name, **values))

    def of_report(template: str, place: str, report: Report | None, **values: Any) -> HTMLResponse:
        """A page of a report; before the first, how to get one."""
        if report is None:
            return page("empty.html", place, made_in="")
        return page(template, place, made_in=report.commit, summary=Traced(report.summary), **values)

    @routes.get("/now", dependencies=VIEW)
    def now(report: Annotated[str, Query(max_length=64)] = "") -> HTMLResponse:
        """What changed since a page was shown: a newer report than its own, or jobs that run."""
        found = source.report()
        return page(
            "now.html",
            "",
            newer=found is not None and found.commit != report,
            running=[job for job in recent_jobs() if not job.done],
        )

    @routes.get("/", dependencies=VIEW)
    def overview(
        find: Annotated[str, Query(max_length=256)] = "", offset: Annotated[int, Query(ge=0)] = 0
    ) -> HTMLResponse:
        report = source.report()
        if report is None:
            return of_report("empty.html", "overview", None)
        matching = [robot for robot in report.summary["robots"] if find.lower() in robot["robot_id"].lower()]
        peaks = [peak for robot in matching for peak in robot["trend"] if peak is not None]
        return of_report(
            "overview.html",
            "overview",
            report,
            robots=matching[offset : offset + PAGE_ROBOTS],
            places={robot["robot_id"]: n for n, robot in enumerate(report.summary["robots"])},
            matching=len(matching),
            offset=offset,
            size=PAGE_ROBOTS,
            find=find,
            highest=max((robot["risk"] or 0.0 for robot in matching), default=0.0),
            top=max(peaks, default=0.0),
        )

    @routes.get("/robots/{robot}", dependencies=VIEW)
    def robot(robot: str, at: str | None = None, day: str | None = None) -> HTMLResponse:
        report = newest(source)
        found = robot_of(report, robot)
        moment = at or found["peak_at"] or found["last_failure"] or report.summary["as_of"]
        start, end = windows.around(moment, BEFORE, AFTER) if moment else (None, None)
        if day is not None:
            start, end = windows.around(f"{day}T00:00:00Z", timedelta(0), timedelta(days=1))
        stands = feedback.outcomes(source.feedback())
        traced = Traced(report.summary)
        place = next(n for n, one in enumerate(report.summary["robots"]) if one["robot_id"] == robot)
        return of_report(
            "robot.html",
            "robots",
            report,
            robot=traced.robots[place],
            moment=moment,
            start=start,
            end=end,
            span=span_of(report, moment),
            days=windows.last_days(report.summary["trend"]["start"], found["last_cutoff"]),
            failures=[one for one in traced.failures.rows if one.robot_id == robot],
            outcome=stands.get((robot, found["peak_at"])) if found["peak_at"] else None,
            history=[one for key, one in stands.items() if key[0] == robot],
            standing=[one for one in source.alerts("open", MOST) if one.robot == robot],
        )

    @routes.get("/failures", dependencies=VIEW)
    def failures() -> HTMLResponse:
        return of_report("failures.html", "failures", source.report())

    @routes.get("/failures/{robot}", dependencies=VIEW)
    def one_failure(robot: str, at: str) -> HTMLResponse:
        report = newest(source)
        found = failure.read(source, report, robot, at)
        start, end = windows.around(at, BEFORE, AFTER)
        return of_report(
            "failure.html",
            "failures",
            report,
            failure=found,
            robot_id=robot,
            moment=at,
            start=start,
            end=end,
            span=span_of(report, at),
        )

    @routes.get("/fleet", dependencies=VIEW)
    def fleet() -> HTMLResponse:
        return of_report("fleet_page.html", "fleet", source.report(), limit=PAGE_ROBOTS)

    @routes.get("/model", dependencies=VIEW)
    def model() -> HTMLResponse:
        return of_report(
            "model_page.html",
            "model",
            source.report(),
            limit=PAGE_ROBOTS,
            slice_limit=SHOWN_SLICES,
            precision=feedback.precision(feedback.outcomes(source.feedback()).values()),
        )

    @routes.get("/report", dependencies=VIEW)
    def committed() -> HTMLResponse:
        # The committed page brings a policy of its own; it is shown as a file, not inside this site's.
        return HTMLResponse(
            source.report_page(), headers={"Content-Disposition": "attachment; filename=report.html"}
        )

    @routes.get("/pipelines", dependencies=VIEW)
    def pipelines() -> HTMLResponse:
        return page("pipelines.html", "pipelines", pipelines=source.pipelines(), jobs=source.jobs())

    @routes.get("/pipelines/live", dependencies=VIEW)
    def live() -> HTMLResponse:
        return page("pipelines_live.html", "", pipelines=recent_pipelines(), jobs=recent_jobs())

    @routes.get("/pipelines/{pipeline}/{commit}", dependencies=VIEW)
    def job(pipeline: str, commit: str) -> HTMLResponse:
        jobs = [one for one in source.jobs(commit=commit) if one.pipeline == pipeline]
        return page(
            "job.html",
            "pipelines",
            pipeline=pipeline,
            commit=commit,
            job=jobs[0] if jobs else None,
            datums=source.datums(pipeline, commit, 200),
            lines=source.logs(pipeline, commit, 200),
        )

    @routes.get("/data", dependencies=VIEW)
    def data(repo: str = "logs", commit: str | None = None) -> HTMLResponse:
        report = source.report()
        commits = source.commits(repo, 20)
        shown = commit or (commits[0].id if commits else None)
        return page(
            "data_page.html",
            "data",
            repos=source.repos(),
            repo=repo,
            commits=commits,
            shown=shown,
            changes=source.changes(repo, shown, 200) if shown else [],
            summary=Traced(report.summary) if report else None,
        )

    @routes.post("/signin")
    async def signin(request: Request) -> Response:
        secret = (await request.body())[:512].decode("utf-8", "replace")
        if tokens.find(secret) is None:
            return Response("unknown token", 401)
        response = Response(status_code=204)
        response.set_cookie(
            COOKIE,
            secret,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
            max_age=12 * 3_600,
        )
        return response

    return routes
