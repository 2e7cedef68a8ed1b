"""A receiver on this machine that answers as it is told, and remembers what it was sent."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from pipelines.alerts.state import Alert, Event

AT = datetime(2026, 3, 1, 6, 30, tzinfo=UTC)
ALERT = Alert(
    id="0123456789abcdef0123",
    rule="risk",
    subject="amr-1",
    told="amr-1: risk of failure 81 %",
    severity="critical",
    raised=AT,
    evidence=AT,
    commit="c1",
    value=0.81,
    robot="amr-1",
    cutoff="2026-03-01T06:00:00Z",
    to=("ops",),
)
RAISED = Event(f"{ALERT.id}-raised", "raised", AT, ALERT.told, ("ops",), ALERT)
RESOLVED = Event(f"{ALERT.id}-resolved", "resolved", AT, f"{ALERT.told}; resolved: true", ("ops",), ALERT)


@dataclass
class Receiver:
    """statuses: the answers still to give, then always 200."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], Any]] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    told = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.got.append(({name.lower(): value for name, value in self.headers.items()}, json.loads(body)))
            self.send_response(told.statuses.pop(0) if told.statuses else 200)
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()
            told.arrived.set()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{server.server_port}/hook?x=1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield told
    server.shutdown()
    server.server_close()
    thread.join()
