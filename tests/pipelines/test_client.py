"""What forewarn's client does beyond the calls it makes."""

import json
import os
import subprocess
import sys
from pathlib import Path
from socket import gethostname

import pytest
from pachyderm_sdk import Client
from pachyderm_sdk.api import pfs

from pipelines.client import Pachd
from pipelines.pachd.engine import Engine
from pipelines.pachd.executor import InlineExecutor


def dead() -> int:
    """The id of a process that is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize(
    ("description", "dropped"),
    [
        (f"forewarn push (process {dead()} on {gethostname()})", True),
        (f"forewarn push (process {os.getpid()} on {gethostname()})", False),
        (f"forewarn push (process {dead()} on another-host)", False),
        ("somebody else's commit", False),
    ],
    ids=["dead here", "alive here", "another machine", "unsigned"],
)
def test_only_what_a_dead_process_of_this_machine_left_open_is_dropped(
    tmp_path: Path, description: str, dropped: bool
) -> None:
    with Engine(tmp_path, executor=InlineExecutor()) as engine:
        port = engine.serve()
        pachd, client = Pachd.at(f"127.0.0.1:{port}"), Client(port=port)
        pachd.create_repo("logs")
        first = pachd.put("logs", {"/a": b"1"})
        for _ in range(2):
            client.pfs.start_commit(branch=pfs.Branch.from_uri("logs@master"), description=description)
        assert pachd.drop_abandoned("logs") is dropped
        assert pachd.head("logs") == first
        if dropped:
            assert pachd.read("logs", "/b", pachd.put("logs", {"/b": b"2"})) == b"2"


def test_jobs_of_versions_before_an_upgrade_are_told(tmp_path: Path) -> None:
    def spec(command: str) -> str:
        told = {
            "pipeline": {"name": "copy"},
            "input": {"pfs": {"repo": "logs", "glob": "/*"}},
            "transform": {"cmd": ["sh", "-c", command], "image": "none"},
        }
        return json.dumps(told)

    with Engine(tmp_path, executor=InlineExecutor()) as engine:
        pachd = Pachd.at(f"127.0.0.1:{engine.serve()}")
        pachd.create_repo("logs")
        pachd.create_pipeline(spec("true"))
        first = pachd.put("logs", {"/a": b"1"})
        pachd.create_pipeline(spec("echo upgraded"), update=True)
        assert first in [job.commit for job in pachd.jobs(pipeline="copy")][1:]
