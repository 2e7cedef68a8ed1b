"""Alerts over HTTP: JSON below `/api`, and the pages that show the same."""

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, Field

from features.errors import UsageError
from reports.dashboard import feedback
from reports.dashboard.alert_views import AlertState, AlertView, AttemptView, DeliveryView
from reports.dashboard.guard import need
from reports.dashboard.pages import render
from reports.dashboard.source import Source

VIEW, OPERATE = [Depends(need("viewer"))], [Depends(need("operator"))]
RAISED = ("alert", "alerted")
SHOWN = 50
Limit = Annotated[int, Query(ge=1, le=1_000)]
Offset = Annotated[int, Query(ge=0, le=10**9)]
Number = Annotated[int, Path(ge=0, le=2**62)]


class SaidOfAlert(BaseModel):
    """Feedback on an alert a rule raised."""

    action: str = Field(description=", ".join(feedback.ACTIONS))
    to: str = Field("", max_length=256, description="who an alert is assigned to")
    note: str = Field("", max_length=2_000)


def api(source: Source) -> APIRouter:
    """Routes below `/api`."""
    routes = APIRouter()

    @routes.get("/alerts", dependencies=VIEW, summary="Alerts that rules raised, newest first")
    def alerts(state: AlertState = "all", limit: Limit = 100, offset: Offset = 0) -> list[AlertView]:
        return list(source.alerts(state, limit, offset))

    @routes.get(
        "/alerts/{name}", dependencies=VIEW, summary="One alert: history, deliveries, what became of it"
    )
    def alert(name: str) -> dict[str, Any]:
        found = source.alert(name)
        return {
            "alert": found,
            "events": source.alert_events(name),
            "deliveries": source.deliveries(1_000, name),
            "outcome": feedback.outcomes(source.feedback()).get(_key(found)),
        }

    @routes.post("/alerts/{name}/feedback", dependencies=OPERATE, summary="Acknowledge, assign or close it")
    def say(name: str, said: SaidOfAlert, request: Request) -> dict[str, str]:
        found = source.alert(name)
        if found.cutoff is None and said.action in feedback.VERDICTS:
            raise UsageError(
                "a verdict is about a failure that was foretold, which this alert does not",
                got=said.action,
                expected="resolve",
            )
        subject, moment = _key(found)
        when = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        entry = feedback.entry(
            robot_id=subject, at=moment, by=request.state.who, when=when, alert=name, **said.model_dump()
        )
        return {"commit": source.add_feedback(entry)}

    @routes.get("/deliveries", dependencies=VIEW, summary="What was sent to receivers, newest first")
    def deliveries(limit: Limit = 100) -> list[DeliveryView]:
        return list(source.deliveries(limit))

    @routes.get("/deliveries/{number}/attempts", dependencies=VIEW, summary="Every attempt of a delivery")
    def attempts(number: Number) -> list[AttemptView]:
        return list(source.attempts(number))

    @routes.post(
        "/deliveries/{number}/again", dependencies=OPERATE, summary="Try one that was given up again"
    )
    def again(number: Number) -> dict[str, int]:
        source.deliver_again(number)
        return {"delivery": number}

    return routes


def pages(source: Source) -> APIRouter:
    """The list of alerts, and a page for each."""
    routes = APIRouter(default_response_class=HTMLResponse, include_in_schema=False)

    @routes.get("/alerts", dependencies=VIEW)
    def alerts() -> HTMLResponse:
        report = source.report()
        stands = feedback.outcomes(source.feedback())
        standing = source.alerts("open", SHOWN)
        spoken = {alert.robot for alert in standing}
        robots = report.summary["robots"] if report else []
        raised = [one for one in robots if one["status"] in RAISED and one["robot_id"] not in spoken]
        page = render(
            "alerts.html",
            place="alerts",
            name=source.name,
            standing=[(alert, stands.get(_key(alert))) for alert in standing],
            resolved=[(alert, stands.get(_key(alert))) for alert in source.alerts("resolved", SHOWN)],
            deliveries=source.deliveries(SHOWN),
            raised=[(one, stands.get((one["robot_id"], one["peak_at"]))) for one in raised[:SHOWN]],
            more=len(raised[SHOWN:]),
            closed=[outcome for outcome in stands.values() if outcome.verdict],
            precision=feedback.precision(stands.values()),
        )
        return HTMLResponse(page)

    @routes.get("/alerts/{alert}", dependencies=VIEW)
    def one(alert: str) -> HTMLResponse:
        found = source.alert(alert)
        deliveries = source.deliveries(SHOWN, alert)
        page = render(
            "alert.html",
            place="alerts",
            name=source.name,
            alert=found,
            outcome=feedback.outcomes(source.feedback()).get(_key(found)),
            events=source.alert_events(alert),
            deliveries=[(delivery, source.attempts(delivery.number)) for delivery in deliveries],
        )
        return HTMLResponse(page)

    return routes


def _key(alert: AlertView) -> tuple[str, str]:
    """What feedback on an alert is kept under."""
    moment = alert.cutoff or alert.raised.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (alert.robot if alert.cutoff else None) or alert.subject, moment
