"""The tutorial in examples/ runs unchanged on the embedded pachd, as its own process."""

import os
import subprocess
import sys
from pathlib import Path

from pipelines.pachd.engine import Engine

TUTORIAL = Path(__file__).parents[3] / "examples" / "pachyderm_tutorial" / "tutorial.py"


def test_the_tutorial_runs_twice_from_an_empty_start(tmp_path: Path) -> None:
    with Engine(tmp_path, workers=2) as engine:
        env = {**os.environ, "PACHD_ADDRESS": f"127.0.0.1:{engine.serve()}"}
        for _ in range(2):
            ran = subprocess.run(
                [sys.executable, str(TUTORIAL)], env=env, capture_output=True, text=True, timeout=120
            )
            assert ran.returncode == 0, ran.stderr
            lines = [line.strip() for line in ran.stdout.splitlines()]
            jobs = [line for line in lines if line.startswith(("wordcount:", "total:"))]
            assert jobs == [
                "wordcount: JOB_SUCCESS, 3 processed, 0 skipped",
                "total: JOB_SUCCESS, 1 processed, 0 skipped",
                "wordcount: JOB_SUCCESS, 1 processed, 2 skipped",
                "total: JOB_SUCCESS, 1 processed, 0 skipped",
            ]
            assert "log: lear.txt: 8 words, 7 different" in lines
            assert [line for line in lines if line.startswith("words in all")] == [
                "words in all: 27",
                "words in all: 28",
            ]
