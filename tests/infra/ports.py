"""Processes on ports of their own, which end with all they started."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


@contextmanager
def process(*command: str, variables: dict[str, str]) -> Iterator["subprocess.Popen[bytes]"]:
    """`python -m command`, killed at the end."""
    started = subprocess.Popen(
        [sys.executable, "-m", *command],
        env=os.environ | variables,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield started
    finally:
        end(started)


def end(started: "subprocess.Popen[bytes]") -> None:
    """Kill a process and all it started, as a node that is taken away does."""
    with suppress(ProcessLookupError):
        os.killpg(started.pid, signal.SIGKILL)
    started.wait()


def answers(port: int) -> None:
    """Wait until somebody listens."""
    waiting = threading.Event()
    for _ in range(600):
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        waiting.wait(0.1)
    raise AssertionError(f"nobody listens on {port}")
