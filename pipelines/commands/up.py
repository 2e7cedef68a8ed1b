"""`forewarn up`: the engine as a daemon; every commit, from anyone, is reprocessed."""

import logging
import os
import signal
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import msgspec

from features.errors import UsageError
from pipelines.alerts.watch import Watch, watching
from pipelines.client import Pachd
from pipelines.commands.output import log_to_stderr, print_json, say, say_next
from pipelines.monitor import serve
from pipelines.pachd.access import Access
from pipelines.pachd.server import is_loopback
from pipelines.project import Project
from pipelines.serving import serve_dashboard
from pipelines.setup import set_up

LOOK_S: Final = 0.5


def up(
    *,
    project: Path | None,
    listen: str,
    http: str,
    token_file: Path | None,
    certificate: Path | None,
    key: Path | None,
    metrics: str | None,
    json: bool,
) -> None:
    """Serve until interrupted; beyond loopback over TLS, to those who bear the token.

    metrics: address for /metrics, /healthz and /readyz over plain HTTP, which tell no contents.

    Raises UsageError for an address others reach without a token and TLS, ConflictError when another daemon
    has the project.
    """
    found = Project.find(project)
    host, _, port = listen.rpartition(":")
    if not host or not port.isdigit():
        raise UsageError("no address to listen on", got=listen, expected="127.0.0.1:PORT")
    http_host, _, http_port = http.rpartition(":")
    access = Access.of_files(token_file, certificate, key)
    if not http_port.isdigit() or (access is None and not is_loopback(http)):
        raise UsageError(
            "no address for the dashboard",
            got=http,
            expected="127.0.0.1:PORT, or any with --token-file, --certificate and --key",
        )
    if access is not None and is_loopback(listen):
        raise UsageError("a token and TLS are for other addresses than loopback", got=listen)
    told: list[int] = []  # a handler runs between any two steps of the main thread, so it takes no lock
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda number, _: told.append(number))
    log_to_stderr(logging.INFO)
    with found.engine() as engine, ExitStack() as stack:
        public = f"{host}:{engine.serve(listen, access)}"
        address = public if access is None else f"127.0.0.1:{engine.serve()}"
        set_up(Pachd.at(address), found.config)
        token = "" if access is None or is_loopback(http) else access.token
        dashboard = stack.enter_context(
            serve_dashboard(
                found, address, http_host, int(http_port), token=token, certificate=certificate, key=key
            )
        )
        where = {"address": address, "listen": public, "dashboard": dashboard, "pid": os.getpid()}
        written = msgspec.json.encode(where)
        waiting = found.daemon_file.with_suffix(".tmp")
        waiting.write_bytes(written)
        waiting.replace(found.daemon_file)
        if json:
            print_json(where)
        scheme = "grpc" if access is None else "grpcs"
        say(
            f"engine of {found.folder} serves Pachyderm's protocol on {scheme}://{public} (pid {os.getpid()})"
        )
        say(f"dashboard: {dashboard}")
        if access is not None:
            say("clients set PACHD_ADDRESS, PACH_PYTHON_AUTH_TOKEN and, if need be, SSL_CERT_FILE")
        try:
            with ExitStack() as serving:
                counts = None
                if metrics is not None:
                    metrics_port, counts = serving.enter_context(serve(metrics, engine, Pachd.at(address)))
                    say(f"metrics on http://{metrics.rpartition(':')[0]}:{metrics_port}/metrics")
                if found.config.alerts.rules:
                    watch = Watch.of(
                        found, found.config, Pachd.at(address), counts.delivered if counts else None
                    )
                    serving.enter_context(watching(watch))
                say_next("forewarn push PATH   (in another terminal; stop here with Ctrl-C)")
                while not told:  # a signal may reach another thread, which wakes nobody
                    time.sleep(LOOK_S)
        finally:
            found.daemon_file.unlink(missing_ok=True)
    say("stopped; unfinished work resumes at the next start")
