"""Tokens and keys are told once: no log line, error, file or picture of an object repeats them."""

import hmac
import json
import logging
import time
from pathlib import Path
from types import SimpleNamespace

import grpc
import pytest
import structlog

from features.errors import DataError
from pipelines.client import Pachd
from pipelines.pachd.access import TOKEN_KEY, Access, TokenCheck
from pipelines.pachd.engine import Engine
from pipelines.pachd.executor import InlineExecutor
from reports.dashboard.tokens import Tokens
from tests.faults.lost_power import states
from tests.faults.recording import Record, listen
from tests.tls import write_certificate

SECRET = "a-secret-of-more-than-16-characters"


def test_the_engines_token_is_in_no_log_and_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    pem, key = (path.read_bytes() for path in write_certificate(tmp_path))
    access = Access(SECRET, pem, key)
    told = [repr(access), str(access)]
    with (
        structlog.testing.capture_logs() as logs,
        Engine(tmp_path / "engine", executor=InlineExecutor()) as engine,
    ):
        port = engine.serve("127.0.0.1:0", access)
        trust = grpc.ssl_channel_credentials(pem)
        with grpc.secure_channel(f"localhost:{port}", trust) as channel:
            call = channel.unary_unary("/forewarn.API/Plan")
            for bearer in (SECRET, SECRET + "x", ""):
                with pytest.raises(grpc.RpcError) as refused:
                    call(b'{"pipeline": 7}', metadata=((TOKEN_KEY, bearer),), timeout=20)
                told.append(str(refused.value))
        told.append(json.dumps(logs, default=str))
    captured = capsys.readouterr()
    for text in (*told, caplog.text, captured.out, captured.err):
        assert SECRET not in text


def test_a_dashboards_token_is_kept_as_a_hash_by_its_owner_alone(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path / "tokens.json")
    secret = tokens.create("ci", "viewer")
    assert secret not in (tmp_path / "tokens.json").read_text()
    assert secret not in repr(tokens.all())
    assert (tmp_path / "tokens.json").stat().st_mode & 0o777 == 0o600
    (tmp_path / "tokens.tmp").write_text("left by a kill, readable by all")
    tokens.create("second", "viewer")
    assert (tmp_path / "tokens.json").stat().st_mode & 0o777 == 0o600


def test_a_revoked_token_does_not_come_back_with_the_power(tmp_path: Path) -> None:
    root = tmp_path / "project"
    root.mkdir()
    record = Record(root)
    with pytest.MonkeyPatch.context() as patch:
        listen(record, patch)
        tokens = Tokens(root / "tokens.json")
        tokens.create("ci", "admin")
        record.ack(["ci"])
        tokens.revoke("ci")
        record.ack([])
    for moment, disk, draw in states(record.ops, [*range(len(record.ops) + 1)] * 10, seed=1):
        left = tmp_path / f"{moment} {draw.random()}"
        disk.lose_power(draw, left)
        found = [token.name for token in Tokens(left / "tokens.json").all()]
        last = record.ops[moment - 1] if moment else None
        assert found in ([last.value] if last and last.kind == "ack" else ([], ["ci"]))


def test_a_damaged_file_of_tokens_lets_nobody_in(tmp_path: Path) -> None:
    (tmp_path / "tokens.json").write_text('[{"name": "ci"')
    with pytest.raises(DataError, match=r"tokens\.json is damaged"):
        Tokens(tmp_path / "tokens.json").find("anything")


def test_tokens_are_compared_in_constant_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[tuple[object, object]] = []
    monkeypatch.setattr(hmac, "compare_digest", lambda a, b: compared.append((a, b)) or a == b)
    tokens = Tokens(tmp_path / "tokens.json")
    secret = tokens.create("ci", "viewer")
    assert tokens.find(secret[:-1]) is None
    assert tokens.find(secret) == tokens.all()[0]
    for bearer in (SECRET[:-1], SECRET):
        call = SimpleNamespace(invocation_metadata=((TOKEN_KEY, bearer),))
        TokenCheck(SECRET).intercept_service(lambda _: None, call)
    assert len(compared) == 4


def test_the_environment_of_a_datum_holds_no_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACH_PYTHON_AUTH_TOKEN", SECRET)
    spec = {
        "pipeline": {"name": "env"},
        "input": {"pfs": {"repo": "in", "glob": "/*"}},
        "transform": {"cmd": ["sh", "-c", "env > /pfs/out/env"]},
    }
    with Engine(tmp_path / "engine", executor=InlineExecutor()) as engine:
        monkeypatch.delenv("PACH_PYTHON_AUTH_TOKEN")
        pachd = Pachd.at(f"127.0.0.1:{engine.serve()}")
        monkeypatch.setenv("PACH_PYTHON_AUTH_TOKEN", SECRET)
        pachd.create_repo("in")
        pachd.create_pipeline(json.dumps(spec))
        commit = pachd.put("in", {"/a": b"a"})
        while not all(job.done for job in pachd.jobs(commit=commit)):
            time.sleep(0.02)
        assert SECRET not in pachd.read("env", "/env").decode()
