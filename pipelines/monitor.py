"""Serves `/metrics`, `/healthz` and `/readyz` over HTTP, for Prometheus, KEDA and Kubernetes."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from features.errors import UsageError
from pipelines import health
from pipelines.client import Pachd
from pipelines.metrics import CONTENT_TYPE, Metrics

if TYPE_CHECKING:
    from pipelines.pachd.engine import Engine

PLAIN = "text/plain; charset=utf-8"
PATIENCE_S = 10.0
"""A connection that says nothing for so long is closed, lest each keep a thread."""


def answer(path: str, engine: "Engine", pachd: Pachd, metrics: Metrics) -> tuple[int, str, bytes]:
    """Status, content type and body for a path; 404 for any other."""
    match path.partition("?")[0]:
        case "/metrics":
            return 200, CONTENT_TYPE, metrics.exposition()
        case "/healthz":
            return _told(health.alive(engine))
        case "/readyz":
            return _told(health.ready(engine, pachd))
        case _:
            return 404, PLAIN, b"there is /metrics, /healthz and /readyz\n"


def _told(found: health.Health) -> tuple[int, str, bytes]:
    return (200 if found.ok else 503), PLAIN, f"{found.reason or 'ok'}\n".encode()


@contextmanager
def serve(address: str, engine: "Engine", pachd: Pachd) -> Iterator[tuple[int, Metrics]]:
    """Serve on `host:port` until the block ends; the port, a free one when the address says 0.

    Raises UsageError for an address that cannot be listened on.
    """
    metrics = Metrics(engine, pachd)

    class Handler(BaseHTTPRequestHandler):
        timeout = PATIENCE_S

        def do_GET(self) -> None:
            status, kind, body = answer(self.path, engine, pachd, metrics)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Scrapes are no news."""

    host, _, port = address.rpartition(":")
    try:
        server = ThreadingHTTPServer((host.strip("[]"), int(port)), Handler)
    except (OSError, ValueError, OverflowError) as error:
        raise UsageError(
            "cannot serve metrics there", got=f"{address}: {error}", expected="HOST:PORT"
        ) from error
    thread = threading.Thread(target=server.serve_forever, daemon=True, name="metrics")
    thread.start()
    try:
        yield server.server_address[1], metrics
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
