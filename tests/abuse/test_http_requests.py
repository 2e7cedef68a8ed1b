"""Every route of the dashboard, with requests nobody should send: never a fault, nothing written outside."""

import asyncio
import random
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from reports.dashboard.app import create_app
from reports.dashboard.source import Report
from reports.dashboard.tokens import Tokens
from tests.abuse.messages import NUMBERS, TEXTS
from tests.abuse.watch import watched
from tests.conftest import Tally
from tests.reports.conftest import make_fleet
from tests.reports.test_page import EVIL, build, hostile
from tests.security.test_pages import Hostile

GROWTH_MIB = 200
HOST = "http://127.0.0.1:8650"
TIMES = (
    "2026-03-01T00:00:00Z",
    "2026-03-01",
    "9999-12-31T23:59:59Z",
    "0001-01-01",
    "2026-13-45",
    "-1",
    "NaN",
)
VALUES = (*(text[:2_000] for text in TEXTS), *map(str, NUMBERS), *TIMES, EVIL, "amr-002")


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return build(hostile(make_fleet), tmp_path_factory.mktemp("hostile"))[1]


@pytest.fixture
def app(tmp_path: Path, summary: dict[str, Any]) -> FastAPI:
    source: Any = Hostile(Report("c", summary))
    scratch = tmp_path / "project" / "scratch"
    scratch.mkdir(parents=True)
    return create_app(source, tokens=Tokens(tmp_path / "project" / "tokens.json"), scratch=scratch)


def routes(app: FastAPI) -> Iterator[tuple[str, str, list[str]]]:
    """Method, path and names of query parameters of every route."""
    for path, methods in app.openapi()["paths"].items():
        for method, told in methods.items():
            names = [one["name"] for one in told.get("parameters", ()) if one["in"] == "query"]
            yield method.upper(), path, names
    for route in pages(app.routes):
        names = [parameter.name for parameter in route.dependant.query_params]
        yield from ((method, route.path, names) for method in route.methods)


def pages(found: Iterable[Any]) -> Iterator[APIRoute]:
    """The routes the API's description leaves out."""
    for route in found:
        if isinstance(route, APIRoute) and not route.include_in_schema:
            yield route
        elif hasattr(route, "original_router"):
            yield from pages(route.original_router.routes)


def request(method: str, path: str, names: list[str], draw: random.Random) -> dict[str, Any]:
    """A request to a route, every part of it hostile."""
    for part in path.split("/"):
        if part.startswith("{"):
            path = path.replace(part, quote(draw.choice(VALUES), safe=""), 1)
    body = draw.choice(
        (b"", b"{", b"[]", b"null", b"7", b"\xff\xfe", draw.randbytes(50), b'{"robot_id":' * 999)
    )
    said = {
        name: draw.choice(VALUES)
        for name in ("robot_id", "at", "action", "to", "note")
        if draw.random() < 0.8
    }
    extra = {"json": said} if draw.random() < 0.5 else {"content": body}
    return {
        "method": method,
        "url": path,
        "params": {name: draw.choice(VALUES) for name in names if draw.random() < 0.8},
        "headers": {"x-forewarn": "1"}
        | ({"content-type": "application/json"} if draw.random() < 0.5 else {}),
        **(extra if method in {"POST", "PUT", "PATCH"} else {}),
    }


async def faults(app: FastAPI, draw: random.Random, rounds: int) -> tuple[int, set[str]]:
    """How many requests were sent, and which were answered by a fault."""
    found, sent, known = set(), 0, list(routes(app))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=HOST) as client:
        for _ in range(rounds):
            for method, path, names in known:
                asked = request(method, path, names, draw)
                answer = await client.request(**asked)
                sent += 1
                if answer.status_code >= 500:
                    found.add(f"{method} {path} {asked['params']}: {answer.status_code}"[:300])
    return sent, found


def abuse(app: FastAPI, folder: Path, seed: int, rounds: int) -> int:
    with watched(GROWTH_MIB, seconds=20.0 * rounds):
        sent, found = asyncio.run(faults(app, random.Random(seed), rounds))
    assert found == set()
    outside = [path for path in folder.rglob("*") if path.is_file() and "scratch" not in path.parts]
    assert outside == []
    return sent


def test_http_requests_nobody_should_send(app: FastAPI, tmp_path: Path, tally: Tally) -> None:
    tally("HTTP requests", abuse(app, tmp_path, seed=1, rounds=3))


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_many_http_requests_nobody_should_send(app: FastAPI, tmp_path: Path, tally: Tally) -> None:
    tally("HTTP requests", abuse(app, tmp_path, seed=2, rounds=300))


@pytest.mark.long
@pytest.mark.timeout(3_600)
def test_requests_made_from_the_apis_own_description(app: FastAPI, tally: Tally) -> None:
    schemathesis = pytest.importorskip("schemathesis", reason="make torture installs it")
    from hypothesis import HealthCheck, given, settings

    schema = schemathesis.openapi.from_asgi("/api/openapi.json", app, headers={"host": "127.0.0.1:8650"})
    sent = 0
    for result in schema.get_all_operations():
        operation = result.ok()

        @settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(case=operation.as_strategy())
        def send(case: Any) -> None:
            nonlocal sent
            sent += 1
            answer = case.call(base_url=HOST, headers={"host": "127.0.0.1:8650", "x-forewarn": "1"})
            assert answer.status_code < 500, f"{case.method} {case.path}: {answer.status_code}"

        send()
    tally("HTTP requests from the API's description", sent)
