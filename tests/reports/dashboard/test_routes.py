"""Every route, with every role: who may, who may not, and that no other site can make a browser ask."""

import asyncio
import logging
from collections.abc import Iterable, Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from starlette.routing import Mount, Route

from reports.dashboard.app import create_app
from reports.dashboard.guard import COOKIE
from reports.dashboard.tokens import ROLES, Tokens
from tests.reports.dashboard.asking import LOCAL
from tests.reports.dashboard.conftest import COMMIT, Memory

OPEN = "open"
NEEDED = {
    "GET /": "viewer",
    "GET /alerts": "viewer",
    "GET /alerts/{alert}": "viewer",
    "GET /api/alerts": "viewer",
    "GET /api/alerts/{name}": "viewer",
    "GET /api/deliveries": "viewer",
    "GET /api/deliveries/{number}/attempts": "viewer",
    "GET /api/feedback": "viewer",
    "GET /api/jobs": "viewer",
    "GET /api/jobs/{pipeline}/{commit}/datums": "viewer",
    "GET /api/jobs/{pipeline}/{commit}/logs": "viewer",
    "GET /api/openapi.json": OPEN,
    "GET /api/pipelines": "viewer",
    "GET /api/repos": "viewer",
    "GET /api/repos/{repo}/commits": "viewer",
    "GET /api/repos/{repo}/commits/{commit}/changes": "viewer",
    "GET /api/robots": "viewer",
    "GET /api/robots/{robot}": "viewer",
    "GET /api/robots/{robot}/timeline": "viewer",
    "GET /api/robots/{robot}/window.mcap": "viewer",
    "GET /api/summary": "viewer",
    "GET /api/tokens": "admin",
    "GET /data": "viewer",
    "GET /failures": "viewer",
    "GET /failures/{robot}": "viewer",
    "GET /fleet": "viewer",
    "GET /model": "viewer",
    "GET /now": "viewer",
    "GET /pipelines": "viewer",
    "GET /pipelines/live": "viewer",
    "GET /pipelines/{pipeline}/{commit}": "viewer",
    "GET /report": "viewer",
    "GET /robots/{robot}": "viewer",
    "GET /static/report.css": OPEN,
    "POST /api/alerts/{name}/feedback": "operator",
    "POST /api/deliveries/{number}/again": "operator",
    "POST /api/feedback": "operator",
    "POST /api/jobs/{pipeline}/{commit}/retry": "operator",
    "POST /api/tokens": "admin",
    "POST /api/uploads": "operator",
    "POST /api/uploads/{upload}/commit": "operator",
    "POST /signin": OPEN,
    "PUT /api/uploads/{upload}": "operator",
    "DELETE /api/tokens/{name}": "admin",
}
MOUNTS = {"mount /static"}
VALUES = {"robot": "amr-001", "alert": "a" * 20, "number": "7", "repo": "logs", "upload": "0" * 32}
WINDOW = {"start": "2026-03-01T00:00:00Z", "end": "2026-03-01T01:00:00Z", "at": "2026-03-01T00:00:00Z"}
UNSAFE = sorted(route for route in NEEDED if not route.startswith("GET "))


class Asked:
    """An application with one token a role."""

    def __init__(self, app: FastAPI, tokens: Tokens) -> None:
        self.app = app
        self.tokens = tokens
        self.secrets = {role: tokens.create(f"{role}'s", role) for role in ROLES}

    def ask(self, route: str, headers: dict[str, str], cookies: dict[str, str] | None = None) -> int:
        return asyncio.run(self._ask(route, headers, cookies)).status_code

    async def _ask(
        self, route: str, headers: dict[str, str], cookies: dict[str, str] | None
    ) -> httpx.Response:
        method, path = route.split(" ")
        for name in ("robot", "alert", "number", "repo", "upload", "name", "pipeline", "commit"):
            path = path.replace(f"{{{name}}}", VALUES.get(name, COMMIT))
        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(transport=transport, base_url=LOCAL, cookies=cookies) as client:
            body = "{}" if method in ("POST", "PUT") else None
            return await client.request(
                method, path, params=WINDOW if method == "GET" else {}, headers=headers, content=body
            )


@pytest.fixture(scope="module")
def asked(memory: Memory, tmp_path_factory: pytest.TempPathFactory) -> Asked:
    folder = tmp_path_factory.mktemp("routes")
    tokens = Tokens(folder / "tokens.json")
    return Asked(create_app(memory, tokens=tokens, scratch=folder / "scratch"), tokens)


def served(routes: Iterable[Any], prefix: str = "") -> Iterator[str]:
    """Methods and paths of routes, those of included routers too."""
    for route in routes:
        if isinstance(route, Mount):
            yield f"mount {prefix}{route.path}"
        elif isinstance(route, Route):
            yield from (f"{method} {prefix}{route.path}" for method in (route.methods or set()) - {"HEAD"})
        else:
            yield from served(route.original_router.routes, f"{prefix}{route.include_context.prefix}")


def test_every_route_has_its_role_written_down(asked: Asked) -> None:
    known = set(served(asked.app.routes))
    assert known == set(NEEDED) | MOUNTS, "a new route needs an entry in NEEDED"


@pytest.mark.parametrize("route", sorted(NEEDED))
def test_each_role_may_what_it_may(asked: Asked, route: str) -> None:
    needed = NEEDED[route]
    for role in (None, *ROLES):
        headers = {"authorization": f"Bearer {asked.secrets[role]}"} if role else {"x-forewarn": "1"}
        status = asked.ask(route, headers)
        if needed == OPEN:
            assert status in ((200, 204) if route != "POST /signin" else (401,)), (route, role, status)
        elif role is None:
            assert status == 401, (route, role, status)
        elif ROLES.index(role) < ROLES.index(needed):  # type: ignore[arg-type]
            assert status == 403, (route, role, status)
        else:
            assert status not in (401, 403, 405, 500), (route, role, status)


@pytest.mark.parametrize("route", UNSAFE)
def test_no_other_site_can_make_a_browser_ask(asked: Asked, route: str) -> None:
    cookies = {COOKIE: asked.secrets["admin"]}
    own = {"x-forewarn": "1", "origin": LOCAL}
    assert asked.ask(route, {}, cookies) == 403
    assert asked.ask(route, {"origin": LOCAL}, cookies) == 403
    for origin in ("http://evil.example", "null", "https://127.0.0.1:8650.evil.example"):
        assert asked.ask(route, own | {"origin": origin}, cookies) == 403
    assert asked.ask(route, {"authorization": "Basic YWRtaW46"}, cookies) in (401, 403)
    assert asked.ask(route, own, cookies) not in (403, 405, 500)


@pytest.mark.parametrize("route", [route for route in UNSAFE if "/uploads/" not in route])
def test_a_body_that_is_long_or_does_not_tell_is_not_read(asked: Asked, route: str) -> None:
    bearer = {"authorization": f"Bearer {asked.secrets['admin']}"}
    assert asked.ask(route, bearer | {"content-length": "1048577"}) == 413
    assert asked.ask(route, bearer | {"transfer-encoding": "chunked"}) == 411
    assert asked.ask(route, bearer | {"content-length": "-1"}) == 411


def test_a_wrong_a_revoked_and_an_empty_token_open_nothing(asked: Asked) -> None:
    secret = asked.tokens.create("gone", "admin")
    bearer = {"authorization": f"Bearer {secret}"}
    assert asked.ask("GET /api/summary", bearer) == 200
    asked.tokens.revoke("gone")
    for wrong in (bearer, {"authorization": "Bearer"}, {"authorization": f"Bearer {secret[:-1]}"}):
        assert asked.ask("GET /api/summary", wrong) == 401
    assert asked.ask("GET /api/summary", {}, {COOKIE: ""}) == 401


def test_an_admin_makes_lists_and_revokes_tokens_and_no_secret_is_kept_or_logged(
    asked: Asked, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    bearer = {"authorization": f"Bearer {asked.secrets['admin']}"}

    async def walk() -> tuple[str, httpx.Response, httpx.Response]:
        transport = httpx.ASGITransport(app=asked.app)
        async with httpx.AsyncClient(transport=transport, base_url=LOCAL, headers=bearer) as client:
            made = await client.post("/api/tokens", json={"name": "bo", "role": "operator"})
            listed = await client.get("/api/tokens")
            return made.json()["token"], listed, await client.delete("/api/tokens/bo")

    secret, listed, gone = asyncio.run(walk())
    assert {"name": "bo", "role": "operator"}.items() <= listed.json()[-1].items()
    assert (secret in listed.text, "digest" in listed.text, gone.json()) == (False, False, {"revoked": "bo"})
    told = caplog.text + "".join(capfd.readouterr())
    assert secret not in told
    assert asked.secrets["admin"] not in told
