"""The command line as a user runs it: real processes in a folder of their own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

FOREWARN = (sys.executable, "-m", "pipelines")


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Run = Callable[..., Ran]


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PACHD_ADDRESS"} | {"NO_COLOR": "1"}


def run_in(folder: Path, *arguments: object) -> Ran:
    """Run `forewarn …` in a folder and wait for it."""
    done = subprocess.run(
        [*FOREWARN, *map(str, arguments)],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="session")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two synthetic robots over two days, with their configuration and truth."""
    folder = tmp_path_factory.mktemp("fleet")
    made = run_in(folder, "demo-data", ".", "--robots", "2", "--days", "2")
    assert made.code == 0, made.err
    return folder
