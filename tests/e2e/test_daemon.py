"""`forewarn up`: one daemon a project, which reprocesses whatever any client commits."""

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e import tiny
from tests.e2e.conftest import FOREWARN, environment, run_in


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[tuple[Path, "subprocess.Popen[str]"]]:
    project = tiny.write(tmp_path / "project")
    process = subprocess.Popen(
        [*FOREWARN, "up", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"],
        cwd=project,
        env=environment() | {"PYTHONFAULTHANDLER": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("next:"):
            break
    yield project, process
    process.terminate()
    ended(process)
    process.stderr.close()


def ended(process: "subprocess.Popen[str]") -> int:
    """Its exit code; where it does not end, what its threads were doing is the failure."""
    try:
        return process.wait(120)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGABRT)
        assert process.stderr is not None
        pytest.fail(f"the daemon does not stop:\n{process.stderr.read()}")


def test_it_reprocesses_a_commit_of_any_client_refuses_a_second_and_stops_when_told(
    daemon: tuple[Path, "subprocess.Popen[str]"],
) -> None:
    from pachyderm_sdk import Client
    from pachyderm_sdk.api import pfs, pps

    project, process = daemon
    told = json.loads((project / ".forewarn" / "daemon.json").read_text())
    client = Client.from_pachd_address(told["address"])
    with client.pfs.commit(branch=pfs.Branch.from_uri("logs@master")) as commit:
        commit.put_files(source=project / "logs", path="/")
    jobs = list(client.pps.inspect_job_set(job_set=pps.JobSet(id=commit.id), wait=True))
    assert {job.job.pipeline.name: pps.JobState(job.state).name for job in jobs} == dict.fromkeys(
        ["extract", "join", "features", "train", "score", "report"], "JOB_SUCCESS"
    )
    shown = run_in(project, "report", "--json")
    assert [robot["robot_id"] for robot in shown.json["summary"]["robots"]] == ["m1", "m2"]
    assert run_in(project, "status", "--json").json["daemon"] == told["address"]
    second = run_in(project, "up", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0")
    assert second.code == 4
    assert str(process.pid) in second.err

    more = tiny.write(project / "more", hours=14) / "logs"
    pushed = run_in(project, "push", more, "--to", "/", "--no-wait", "--json")
    assert pushed.code == 0, pushed.err
    process.send_signal(signal.SIGTERM)
    assert ended(process) == 0
    assert not (project / ".forewarn" / "daemon.json").exists()
    again = run_in(project, "push", more, "--to", "/", "--json")
    assert {job["state"] for job in again.json["jobs"]} == {"SUCCESS"}
    assert len(run_in(project, "jobs", pushed.json["commit"], "--json").json) == 6


def test_an_address_others_could_reach_is_refused(tmp_path: Path) -> None:
    refused = run_in(tiny.write(tmp_path / "project"), "up", "--listen", "0.0.0.0:30650")
    assert (refused.code, "without a token and TLS" in refused.err) == (2, True), refused.err
    assert not (tmp_path / "project" / ".forewarn" / "daemon.json").exists()
