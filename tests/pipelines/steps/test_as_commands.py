"""On a cluster a step is its spec's command: it must do there what `main` does in a warm process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import pipelines.steps
from pipelines.config import parse_config
from pipelines.specs import STEPS, load_specs
from tests.e2e import tiny


@pytest.mark.parametrize("step", STEPS)
def test_every_command_of_a_spec_is_a_module_that_runs(step: str) -> None:
    cmd = load_specs(parse_config(tiny.CONFIG))[step]["transform"]["cmd"]
    assert cmd == ["python3", "-m", f"pipelines.steps.{step}"]
    source = Path(pipelines.steps.__path__[0], f"{step}.py").read_text()
    assert source.endswith('\n\nif __name__ == "__main__":\n    run(main)\n')


def test_extract_as_a_command_writes_what_was_pushed(tmp_path: Path) -> None:
    logs = tiny.write(tmp_path / "project", hours=1) / "logs"
    pfs = tmp_path / "pfs"
    (pfs / "config").mkdir(parents=True)
    (pfs / "out").mkdir()
    (pfs / "logs").symlink_to(logs)
    settings = parse_config(tiny.CONFIG).step_files["extract"]
    (pfs / "config" / "extract.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "pipelines.steps.extract"]
    done = subprocess.run(command, env=os.environ | {"PFS_ROOT": str(pfs)}, capture_output=True, check=True)
    assert done.stderr == b""
    days = {path.relative_to(pfs / "out").as_posix() for path in (pfs / "out" / "days").rglob("*.csv")}
    assert days == {f"days/{robot}/2026-03-01/load.csv" for robot in ("m1", "m2")}
