"""Every page of the dashboard shows names and log lines that would run as a script; none does."""

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI

from reports.dashboard.alert_views import AlertView, AttemptView, DeliveryView, EventView
from reports.dashboard.app import create_app
from reports.dashboard.source import PipelineView, Report
from reports.dashboard.tokens import Tokens
from reports.dashboard.views import ChangeView, CommitView, DatumView, JobView
from tests.reports.conftest import make_fleet
from tests.reports.dashboard.test_routes import NEEDED
from tests.reports.test_page import EVIL, build, hostile

JOB = JobView(EVIL, EVIL, EVIL, 4, 2, 1, 1, EVIL, 1.5, done=False)
SAID = {"robot_id": EVIL, "at": EVIL, "action": "note", "by": EVIL, "when": EVIL, "to": EVIL, "note": EVIL}
AT = datetime(2026, 3, 1, tzinfo=UTC)
ALERT = AlertView(
    EVIL, EVIL, EVIL, EVIL, EVIL, AT, EVIL, 0.5, EVIL, EVIL, (EVIL,), False, EVIL, EVIL, AT, EVIL, EVIL
)  # fmt: skip
ANSWERS: dict[str, Any] = {
    "alerts": [ALERT],
    "alert": ALERT,
    "alert_events": [EventView(EVIL, AT, EVIL)],
    "deliveries": [DeliveryView(1, EVIL, EVIL, 1, EVIL, EVIL, EVIL, EVIL, AT)],
    "attempts": [AttemptView(AT, 1.0, EVIL)],
    "deliver_again": None,
    "report_page": b"",
    "days": [EVIL],
    "table": None,
    "events": {},
    "quarantined": [dict.fromkeys(("source", "member", "stream", "reason", "detail"), EVIL) | {"line": 1}],
    "pipelines": [PipelineView(EVIL, EVIL, (EVIL,), JOB)],
    "jobs": [JOB],
    "datums": [DatumView(EVIL, EVIL, (EVIL,), 1.0)],
    "logs": [EVIL],
    "repos": [EVIL],
    "commits": [CommitView(EVIL, EVIL, None, None, 1, EVIL)],
    "changes": [ChangeView(EVIL, None, 1)],
    "feedback": [SAID],
    "retry": EVIL,
    "push": EVIL,
    "add_feedback": EVIL,
}


class Hostile:
    """A source every text of which is hostile."""

    name = EVIL

    def __init__(self, report: Report) -> None:
        self._report = report

    def report(self) -> Report:
        return self._report

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *_, **__: ANSWERS[name]


class Tags(HTMLParser):
    """Scripts written into the page, and attributes that would run."""

    def __init__(self) -> None:
        super().__init__()
        self.running: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if tag == "script" and not (named.get("src") or "").startswith("/static/"):
            self.running.append(f"{tag} {attrs}")
        self.running += [f"{tag} {name}" for name in named if name.startswith("on")]
        self.running += [
            f"{tag} {value}" for value in named.values() if (value or "").startswith("javascript:")
        ]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    folder = tmp_path_factory.mktemp("hostile")
    _, summary, _ = build(hostile(make_fleet), folder)
    source: Any = Hostile(Report(EVIL, summary))
    return create_app(source, tokens=Tokens(folder / "tokens.json"), scratch=folder)


async def answer(app: FastAPI, path: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8650") as client:
        return await client.get(path)


SERVED = [route.removeprefix("GET ") for route in NEEDED if re.match(r"GET /(?!api/|static/|report$)", route)]
"""Every page: a new one is tried as soon as it has its role."""
PAGES = (
    *(re.sub(r"{\w+}", "{evil}", route) for route in SERVED),
    "/?find=<script>alert(1)</script>", "/data?repo={evil}&commit={evil}",
    "/robots/%3Cscript%3Ealert(1)%3C%2Fscript%3E", "/%3Cscript%3Ealert(1)%3C%2Fscript%3E",
)  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_no_page_runs_what_a_name_says(app: FastAPI, path: str) -> None:
    shown = asyncio.run(answer(app, path.replace("{evil}", quote(EVIL, safe=""))))
    assert shown.status_code in (200, 404), shown.text
    tags = Tags()
    tags.feed(shown.text)
    assert tags.running == []
    assert "<script>alert" not in shown.text
    policy = shown.headers["content-security-policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert shown.headers["x-content-type-options"] == "nosniff"
