"""A command whose daemon dies under it says so and ends; what was acknowledged is there for the next one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.cli import main
from tests.e2e import tiny

DAEMON = """
import os, signal, sys
from pathlib import Path
from pipelines.pachd.engine import Engine
from pipelines.pachd.executor import InlineExecutor
from pipelines.pachd.server_pfs import PfsService
from pipelines.pachd.server_pps import PpsService

service, call = {"pfs": PfsService, "pps": PpsService}[sys.argv[2]], sys.argv[3]
setattr(service, call, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
with Engine(sys.argv[1], executor=InlineExecutor()) as engine:
    engine.repos.create("logs")
    print(engine.serve(), flush=True)
    signal.pause()
"""


@pytest.mark.parametrize(
    ("service", "call", "command"),
    [
        ("pfs", "finish_commit", "push logs --no-wait"),
        ("pps", "list_pipeline", "status"),
    ],
)
def test_a_command_whose_daemon_dies_says_so(
    tmp_path: Path,
    service: str,
    call: str,
    command: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    project = tiny.write(tmp_path / "project", hours=1)
    state = project / ".forewarn"
    with subprocess.Popen(
        [sys.executable, "-c", DAEMON, str(state), service, call], stdout=subprocess.PIPE, text=True
    ) as daemon:
        assert daemon.stdout is not None
        address = f"127.0.0.1:{int(daemon.stdout.readline())}"
        (state / "daemon.json").write_text(json.dumps({"address": address, "pid": daemon.pid}))
        monkeypatch.chdir(project)
        monkeypatch.delenv("PACHD_ADDRESS", raising=False)
        monkeypatch.setattr(sys, "argv", ["forewarn", *command.split()])
        with pytest.raises(SystemExit) as ended:
            main()
        daemon.wait()
    assert ended.value.code == 1
    told = capsys.readouterr().err
    assert "error: the pachd does not answer any more" in told
    assert "Traceback" not in told
