"""Who is let in, what feedback adds up to, and that curves break where data are missing."""

from pathlib import Path

import pyarrow as pa
import pytest
from fastapi import Depends, FastAPI

from features.errors import ConflictError, NotFoundError, UsageError
from features.schema import ROBOT, TIMESTAMP, TS
from reports.dashboard.feedback import entry, outcomes, precision
from reports.dashboard.guard import guard, need
from reports.dashboard.timeline import timeline
from reports.dashboard.tokens import Tokens
from reports.dashboard.windows import Window
from tests.reports.dashboard.asking import LOCAL, Client


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    return Tokens(tmp_path / "tokens.json")


@pytest.fixture
def client(tokens: Tokens) -> Client:
    app = FastAPI()
    app.middleware("http")(guard(tokens))
    app.get("/read", dependencies=[Depends(need("viewer"))])(lambda: "read")
    app.post("/write", dependencies=[Depends(need("operator"))])(lambda: "written")
    return Client(app)


def test_without_tokens_loopback_may_all_and_no_other_host_is_served(client: Client) -> None:
    assert client.get("/read").status_code == 200
    assert client.get("/read", headers={"host": "evil.example"}).status_code == 421


def test_a_post_of_another_site_is_refused(client: Client) -> None:
    assert client.post("/write").status_code == 403
    own, foreign = {"x-forewarn": "1", "origin": LOCAL}, {"x-forewarn": "1", "origin": "http://evil.example"}
    assert client.post("/write", headers=own).status_code == 200
    assert client.post("/write", headers=foreign).status_code == 403


def test_with_tokens_each_role_may_what_it_may(client: Client, tokens: Tokens) -> None:
    viewer, operator = tokens.create("v", "viewer"), tokens.create("o", "operator")
    assert client.get("/read").status_code == 401
    bearer = {"authorization": f"Bearer {viewer}"}
    assert client.get("/read", headers=bearer).status_code == 200
    assert client.post("/write", headers=bearer).status_code == 403
    assert client.post("/write", headers={"authorization": f"Bearer {operator}"}).status_code == 200
    tokens.revoke("v")
    assert client.get("/read", headers=bearer).status_code == 401


def test_beyond_loopback_nobody_enters_without_a_token_whatever_the_host_is_called(tmp_path: Path) -> None:
    app = FastAPI()
    app.middleware("http")(guard(Tokens(tmp_path / "tokens.json", engine="the engine's own")))
    app.get("/read", dependencies=[Depends(need("admin"))])(lambda: "read")
    host = {"host": "fleet.example"}
    assert Client(app).get("/read", headers=host).status_code == 401
    assert Client(app).get("/read", headers=host | {"authorization": "Bearer another"}).status_code == 401
    bearer = {"authorization": "Bearer the engine's own"}
    assert Client(app).get("/read", headers=host | bearer).status_code == 200


def test_secrets_are_not_kept_and_mistakes_are_told(tokens: Tokens, tmp_path: Path) -> None:
    secret = tokens.create("ana", "admin")
    assert secret not in (tmp_path / "tokens.json").read_text()
    assert (tmp_path / "tokens.json").stat().st_mode & 0o077 == 0
    with pytest.raises(ConflictError):
        tokens.create("ana", "viewer")
    with pytest.raises(UsageError, match="viewer, operator, admin"):
        tokens.create("bo", "root")
    with pytest.raises(NotFoundError):
        tokens.revoke("bo")


def said(robot: str, action: str) -> dict[str, str]:
    return entry(
        robot_id=robot, at="2026-03-01T00:00:00Z", action=action, by="ana", when="", to="bo", note=""
    )


def test_verdicts_close_outcomes_and_give_precision() -> None:
    entries = [said("a", "acknowledge"), said("a", "true"), said("b", "false alarm"), said("c", "repaired")]
    found = outcomes([*entries, said("c", "reopen"), said("d", "assign")])
    assert [one.verdict for one in found.values()] == ["true", "false alarm", None, None]
    told = precision(found.values())
    assert (told["closed"], told["right"], told["value"]) == (2, 1, 0.5)
    assert (round(told["low"], 4), round(told["high"], 4)) == (0.0945, 0.9055)
    assert precision([])["value"] is None


def test_curves_break_at_gaps() -> None:
    seconds = [0, 1, 2, 3, 50, 51, 52]
    table = pa.table(
        {
            ROBOT: ["r"] * 7,
            TS: pa.array([second * 10**9 for second in seconds]).cast(TIMESTAMP),
            "amps": [float(second) for second in seconds],
            "load__gap_s": [0.5] * 7,
        }
    )
    shown = timeline(Window(0, 53 * 10**9, observations=(table,)))
    assert shown["gaps"] == [[3.0, 50.0]]
    assert shown["x"] == [0, 1, 2, 3, 26.5, 50, 51, 52]
    assert shown["streams"]["amps"] == [0, 1, 2, 3, None, 50, 51, 52]
    assert list(shown["distances"]) == ["load"]
