"""What survives a killed daemon, and what keeps two engines apart."""

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from pachyderm_sdk import Client
from pachyderm_sdk.api import pfs, pps

from features.errors import ConflictError, UsageError
from pipelines.pachd.disk import telling
from pipelines.pachd.engine import Engine
from pipelines.pachd.errors import StorageError
from pipelines.pachd.executor import InlineExecutor

DAEMON = """
import sys, time
from pipelines.pachd.engine import Engine
with Engine(sys.argv[1], workers=1) as engine:
    print(engine.serve(), flush=True)
    time.sleep(600)
"""
SLOW = "cp $in /pfs/out/; if [ $(basename $in) = c ]; then while [ ! -f GO ]; do sleep 0.05; done; fi"


class Daemon:
    """An engine in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", DAEMON, str(folder)], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.client = Client(port=int(self.process.stdout.readline()))

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.communicate()


def write(client: Client, files: dict[str, bytes]) -> pfs.Commit:
    with client.pfs.commit(branch=pfs.Branch.from_uri("in@master")) as commit:
        for path, data in files.items():
            commit.put_file_from_bytes(path, data)
    return commit


def test_a_killed_daemon_loses_nothing_and_finishes_the_work(tmp_path: Path) -> None:
    go = tmp_path / "go"
    daemon = Daemon(tmp_path / "engine")
    client = daemon.client
    client.pfs.create_repo(repo=pfs.Repo.from_uri("in"))
    spec = {
        "pipeline": {"name": "p"},
        "input": {"pfs": {"name": "in", "repo": "in", "glob": "/*"}},
        "transform": {"cmd": ["sh"], "stdin": [f"echo ran $(basename $in); {SLOW.replace('GO', str(go))}"]},
        "datum_set_spec": {"number": 1},
    }
    client.pps.create_pipeline_v2(create_pipeline_request_json=json.dumps(spec))
    commit = write(client, {"/a": b"1", "/b": b"2", "/c": b"3", "/d": b"4"})
    job = pps.Job(pipeline=pps.Pipeline(name="p"), id=commit.id)
    logs = client.pps.get_logs(job=job, follow=True)
    assert [next(logs).message for _ in range(2)] == ["ran a", "ran b"]
    assert client.pps.inspect_job(job=job).data_processed == 2
    unfinished = client.pfs.start_commit(branch=pfs.Branch.from_uri("in@master"))
    client.pfs.put_file_from_bytes(commit=unfinished, path="/later", data=b"5")
    daemon.kill()

    go.touch()
    daemon = Daemon(tmp_path / "engine")
    client = daemon.client
    info = client.pps.inspect_job(job=job, wait=True)
    assert info.state == pps.JobState.JOB_SUCCESS
    assert (info.data_processed, info.data_total, info.restart) == (4, 4, 1)
    lines = [line.message for line in client.pps.get_logs(job=job) if line.user]
    assert sorted(lines) == ["ran a", "ran b", "ran c", "ran d"]
    client.pfs.finish_commit(commit=unfinished)
    client.pfs.wait_commit_set(pfs.CommitSet(id=unfinished.id))
    found = {i.file.path for i in client.pfs.list_file(file=pfs.File.from_uri("p@master:/"))}
    assert found == {"/a", "/b", "/c", "/d", "/later"}
    daemon.kill()


def test_a_second_engine_on_the_folder_is_refused_naming_the_first(tmp_path: Path) -> None:
    with (
        Engine(tmp_path, executor=InlineExecutor()),
        pytest.raises(ConflictError, match=f"in use by process {os.getpid()}"),
    ):
        Engine(tmp_path, executor=InlineExecutor())
    with Engine(tmp_path, executor=InlineExecutor()):
        pass


def test_a_folder_of_another_user_is_no_failing_disk() -> None:
    with pytest.raises(StorageError, match=r"not permitted: the lock.*another user"), telling("the lock"):
        raise PermissionError(errno.EACCES, "Permission denied")


def test_objects_kept_elsewhere_are_refused(tmp_path: Path) -> None:
    for _ in range(2):
        with Engine(tmp_path / "a", objects=str(tmp_path / "kept"), executor=InlineExecutor()) as engine:
            assert engine.objects.root == str(tmp_path / "kept")
    with pytest.raises(ConflictError, match="kept elsewhere"):
        Engine(tmp_path / "a", executor=InlineExecutor())


@pytest.mark.parametrize("address", ["0.0.0.0:0", "192.168.1.4:30650", "example.org:30650"])
def test_only_loopback_is_served(tmp_path: Path, address: str) -> None:
    with Engine(tmp_path, executor=InlineExecutor()) as engine, pytest.raises(UsageError, match="loopback"):
        engine.serve(address)


def test_a_port_in_use_is_an_error(tmp_path: Path) -> None:
    with (
        Engine(tmp_path / "a", executor=InlineExecutor()) as first,
        Engine(tmp_path / "b", executor=InlineExecutor()) as second,
    ):
        port = first.serve()
        with pytest.raises(UsageError, match=f"cannot listen on 127.0.0.1:{port}"):
            second.serve(f"127.0.0.1:{port}")
