"""Many pushers and readers at once see one history; a second daemon is refused; a dying one is told of."""

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from pachyderm_sdk import Client
from pachyderm_sdk.api import pfs

from pipelines.client import Pachd
from pipelines.pachd.engine import Engine
from pipelines.pachd.executor import InlineExecutor
from tests.conftest import Tally
from tests.faults.chain import Call, violations

CLIENTS = 32
DAEMON = """
import sys, time
from pipelines.pachd.engine import Engine
from pipelines.pachd.executor import InlineExecutor
with Engine(sys.argv[1], executor=InlineExecutor()) as engine:
    print(engine.serve(), flush=True)
    time.sleep(3600)
"""


@contextmanager
def here(folder: Path) -> Iterator[int]:
    with Engine(folder, executor=InlineExecutor()) as engine:
        yield engine.serve()


@contextmanager
def elsewhere(folder: Path) -> Iterator[int]:
    process = subprocess.Popen([sys.executable, "-c", DAEMON, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield int(process.stdout.readline())
    process.kill()
    process.communicate()


def push(port: int, name: str, number: int) -> Iterator[Call]:
    """Append lines to one file that everybody appends to."""
    client = Client(port=port)
    branch = pfs.Branch.from_uri("in@master")
    for count in range(number):
        line = f"{name}.{count}\n"
        began = time.monotonic()
        with client.pfs.commit(branch=branch) as commit:
            commit.put_file_from_bytes("/log", line.encode(), append=True)
        yield Call("push", commit.id, line, began, time.monotonic())


def read(port: int, done: threading.Event) -> Iterator[Call]:
    pachd = Pachd.at(f"127.0.0.1:{port}")
    while not done.is_set():
        began = time.monotonic()
        head = pachd.head("in")
        if head is not None:
            yield Call("read", head, "", began, time.monotonic())
        time.sleep(0.02)


def history(port: int, pushes: int, readers: int) -> list[Call]:
    """Let everybody begin at once; what they did and saw."""
    Pachd.at(f"127.0.0.1:{port}").create_repo("in")
    done = threading.Event()
    with ThreadPoolExecutor(CLIENTS) as pool:
        seen = [pool.submit(lambda: list(read(port, done))) for _ in range(readers)]
        made = [
            pool.submit(lambda name: list(push(port, name, pushes)), f"p{number}")
            for number in range(CLIENTS - readers)
        ]
        try:
            calls = [call for future in made for call in future.result()]
        finally:
            done.set()
        return calls + [call for future in seen for call in future.result()]


def checked(port: int, pushes: int, readers: int) -> int:
    calls = history(port, pushes, readers)
    pachd = Pachd.at(f"127.0.0.1:{port}")
    repo = pfs.Repo(name="in", type="user")
    head = pfs.Commit(repo=repo, branch=pfs.Branch(repo=repo, name="master"))
    line = Client(port=port).pfs.list_commit(repo=repo, to=head)
    order = [info.commit.id for info in line][::-1]
    logs = [pachd.read("in", "/log", commit).decode() for commit in order]
    assert violations(calls, order, logs) == []
    return len(calls)


def test_thirty_two_clients_see_one_history(tmp_path: Path, tally: Tally) -> None:
    with here(tmp_path / "engine") as port:
        tally("concurrent calls", checked(port, pushes=1, readers=8))


@pytest.mark.long
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("readers", [2, 8, 16, 24])
def test_thirty_two_clients_see_one_history_for_long(tmp_path: Path, readers: int, tally: Tally) -> None:
    with elsewhere(tmp_path / "engine") as port:
        tally("concurrent calls", checked(port, pushes=40, readers=readers))


def test_the_check_notices_a_lost_update_and_a_head_that_goes_back() -> None:
    first, second = Call("push", "a", "1", 0, 1), Call("push", "b", "2", 2, 3)
    assert violations([first, second], ["a", "b"], ["1", "12"]) == []
    assert violations([first, second], ["a", "b"], ["1", "2"])
    assert violations([first, second], ["b", "a"], ["2", "21"])
    assert violations([first, second], ["a"], ["1"])
    late = [Call("read", "b", "", 3.5, 3.6), Call("read", "a", "", 3.7, 3.8)]
    assert violations([first, second, *late], ["a", "b"], ["1", "12"])
    assert violations([first, second, Call("read", "b", "", 1, 1.5)], ["a", "b"], ["1", "12"])
