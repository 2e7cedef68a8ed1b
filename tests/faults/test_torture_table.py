"""What the long run tried is counted though a piece failed, and what passed is not run again."""

import json
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.torture import Ledger, lines, table

ROOT = Path(__file__).parents[2]
CASES = """
import pytest

@pytest.mark.parametrize("part", range(2))
def test_kills(part, record_property):
    record_property("tried kills", 5)
    assert part == 0

def test_other():
    pass
"""


def run(folder: Path) -> str:
    """Run the cases with the plugin; what pytest says last."""
    command = [sys.executable, "-m", "pytest", "-q", "-c", "none.ini", "-p", "benchmarks.torture"]
    (folder / "none.ini").write_text("[pytest]\njunit_family = legacy\n")
    said = subprocess.run(
        [*command, "-p", "no:cacheprovider", "--ledger", "ledger.jsonl", "test_cases.py"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return said.stdout.splitlines()[-1]


def test_a_failure_is_counted_and_only_it_is_run_again(tmp_path: Path) -> None:
    (tmp_path / "test_cases.py").write_text(CASES)
    assert "1 failed, 2 passed" in run(tmp_path)
    assert "1 failed, 2 deselected" in run(tmp_path)
    told = [json.loads(line) for line in (tmp_path / "ledger.jsonl").read_text().splitlines()]
    assert [(piece["tried"], piece["failed"]) for piece in told] == [
        ({"kills": 5}, False), ({"kills": 5}, True), ({"tests in .": 1}, False), ({"kills": 5}, True),
    ]  # fmt: skip


def test_the_table_counts_this_commit_alone(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "build" / "ledger.jsonl")
    ledger.note("a", {"kills": 1_200}, failed=False, seconds=4.0)
    ledger.note("b", {"kills": 10, "cuts": 3}, failed=True, seconds=2.0)
    older = (tmp_path / "build" / "ledger.jsonl").read_text().splitlines()[0]
    with (tmp_path / "build" / "ledger.jsonl").open("a") as file:
        file.write(json.dumps(json.loads(older) | {"commit": "another"}) + "\n")
    assert list(lines(table(ledger.pieces()))) == [
        "kind        tried  violations   seconds",
        "cuts            3           1         1",
        "kills       1,210           1         5",
    ]
    assert ledger.good() == {"a"}
