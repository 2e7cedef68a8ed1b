"""Every call of the protocol, with requests nobody should send: an answer or a refusal, never a fault."""

import random
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import grpc
import pytest
from pachyderm_sdk.api import admin, pfs, pps, version

from pipelines.client import Pachd
from pipelines.pachd.engine import Engine
from pipelines.pachd.executor import InlineExecutor
from pipelines.pachd.server import _Recorder
from pipelines.pachd.server_own import SERVICE, OwnService
from tests.abuse.messages import arguments, requests_of, wire
from tests.abuse.watch import watched
from tests.conftest import Tally

WAITING = ("Subscribe", "Inspect", "GetLogs", "ListTask", "Restart", "RunLoadTest")
FAULTS = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNAVAILABLE}
GROWTH_MIB = 300


def calls() -> Iterator[tuple[str, str, Any]]:
    """Path, kind and class of requests of every call there is."""
    for module in (pfs, pps, admin, version):
        recorder = _Recorder()
        module.ApiStub(channel=recorder)
        for path, (kind, _) in recorder.calls.items():
            yield path, kind, requests_of(_module(module), path.rpartition("/")[2])


def _module(module: Any) -> ModuleType:
    assert isinstance(module, ModuleType)
    return module


def fault(channel: grpc.Channel, path: str, kind: str, requests: list[bytes]) -> str:
    """Make a call; what is wrong with how it ended, "" when nothing is."""
    waits = path.rpartition("/")[2].startswith(WAITING)
    make = getattr(channel, kind)(path)
    asked = iter(requests) if kind.startswith("stream") else requests[0]
    try:
        answer = make(asked, timeout=0.2 if waits else 20)
        if kind.endswith("stream"):
            for _ in answer:
                pass
    except grpc.RpcError as error:
        if error.code() in FAULTS or (error.code() is grpc.StatusCode.DEADLINE_EXCEEDED and not waits):
            return f"{path}: {error.code().name}: {error.details()}"[:300]
    return ""


def abuse(folder: Path, seed: int, rounds: int) -> int:
    draw, sent, faults = random.Random(seed), 0, set()
    with Engine(folder / "engine", executor=InlineExecutor()) as engine:
        address = f"127.0.0.1:{engine.serve()}"
        pachd = Pachd.at(address)
        own = [(f"/{SERVICE}/{name}", "unary_unary", None) for name in OwnService(engine).calls()]
        with grpc.insecure_channel(address) as channel, watched(GROWTH_MIB, seconds=20.0 * rounds):
            for _ in range(rounds):
                if not pachd.has_repo("in"):
                    pachd.create_repo("in")
                    pachd.put("in", {"/a": b"a"})
                for path, kind, requests in [*calls(), *own]:
                    many = draw.randint(0, 3) if kind.startswith("stream") else 1
                    bodies = [wire(requests, draw) if requests else arguments(draw) for _ in range(many)]
                    faults.add(fault(channel, path, kind, bodies))
                    sent += 1
        assert faults <= {""}
        pachd.create_repo("after")
        pachd.put("after", {"/a": b"still here"})
        assert pachd.read("after", "/a") == b"still here"
        assert list(engine.fsck()) == []
    return sent


def test_requests_nobody_should_send(tmp_path: Path, tally: Tally) -> None:
    tally("gRPC requests", abuse(tmp_path, seed=1, rounds=2))


@pytest.mark.long
@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("seed", range(4))
def test_many_requests_nobody_should_send(tmp_path: Path, seed: int, tally: Tally) -> None:
    tally("gRPC requests", abuse(tmp_path, seed=10 + seed, rounds=60))
