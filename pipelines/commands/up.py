"""`forewarn up`: the engine as a daemon; every commit, from anyone, is reprocessed."""

import os
import signal
import threading
from pathlib import Path

import msgspec

from features.errors import UsageError
from pipelines.client import Pachd
from pipelines.commands.output import print_json, say, say_next
from pipelines.project import Project
from pipelines.setup import set_up

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


def up(*, project: Path | None, listen: str, json: bool) -> None:
    """Serve until interrupted. Raises UsageError off loopback, ConflictError when another daemon runs."""
    found = Project.find(project)
    host, _, port = listen.rpartition(":")
    if host not in LOOPBACK or not port.isdigit():
        raise UsageError("forewarn up serves loopback only", got=listen, expected="127.0.0.1:PORT")
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    with found.engine() as engine:
        address = f"{host}:{engine.serve(listen)}"
        set_up(Pachd.at(address), found.config)
        where = {"address": address, "pid": os.getpid()}
        told = msgspec.json.encode(where)
        waiting = found.daemon_file.with_suffix(".tmp")
        waiting.write_bytes(told)
        waiting.replace(found.daemon_file)
        if json:
            print_json(where)
        say(f"engine of {found.folder} serves Pachyderm's protocol on grpc://{address} (pid {os.getpid()})")
        say_next("forewarn push PATH   (in another terminal; stop here with Ctrl-C)")
        try:
            stop.wait()
        finally:
            found.daemon_file.unlink(missing_ok=True)
    say("stopped; unfinished work resumes at the next start")
