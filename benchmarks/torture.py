"""Tries to break what is stored, read and served, at length: `make torture`, which is this module.

`python -m benchmarks.torture [--fuzz 300] [--parallel 2] [PLACE…]` fuzzes each target for so many seconds and
runs the long tests of PLACES; other arguments go to pytest. Each piece that ends is a line in `--ledger`:
what was tried, how often, whether it went wrong. What is there of this commit is not run again, so it may be
stopped at any time and goes on later. However it ends it prints the table of what was tried so far, and exits
1 when anything went wrong or did not run.

It is also the pytest plugin that writes the lines of tests. They say by the fixture `tally` how many cases of
which kind they tried; one that says nothing counts as one case of its folder.
"""

import argparse
import json
import re
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

PLACES = (
    "tests/faults", "tests/abuse", "tests/security", "tests/pipelines/logs", "tests/pipelines/pachd",
    "tests/pipelines/pachd_worker",
)  # fmt: skip
LEDGER = Path("build/torture.jsonl")
TOLD = "tried "
RUNS = re.compile(r"^(?:#|Done )(\d+)", re.MULTILINE)


@dataclass(frozen=True)
class Piece:
    """What was run: kinds of cases and how many of each, seconds, which commit, when it ended."""

    name: str
    tried: dict[str, int]
    failed: bool
    seconds: float
    commit: str
    at: str


@cache
def commit() -> str:
    """What is being tried."""
    asked = ["git", "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*"]
    told = subprocess.run(asked, capture_output=True, text=True, check=False)
    return told.stdout.strip() or "unknown"


class Ledger:
    """Lines of pieces in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)

    def pieces(self) -> list[Piece]:
        """What was tried of this commit."""
        lines = self._path.read_text().splitlines() if self._path.exists() else []
        return [piece for piece in (Piece(**json.loads(line)) for line in lines) if piece.commit == commit()]

    def good(self) -> set[str]:
        """Names of those that need not be run again."""
        return {piece.name for piece in self.pieces() if not piece.failed}

    def note(self, name: str, tried: dict[str, int], *, failed: bool, seconds: float) -> None:
        """Add a piece that ended."""
        at = datetime.now(UTC).isoformat(timespec="seconds")
        piece = Piece(name, tried, failed, round(seconds, 1), commit(), at)
        with self._path.open("a") as file:
            file.write(json.dumps(asdict(piece)) + "\n")


@dataclass(frozen=True)
class Plugin:
    """Passes over tests that passed before and, when it hears of all (`notes`), notes those that end."""

    ledger: Ledger
    notes: bool

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        """Leave out what is done."""
        good = self.ledger.good()
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid in good])
        items[:] = [item for item in items if item.nodeid not in good]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a test that ended, or could not begin."""
        if not self.notes or report.skipped or not (report.when == "call" or report.failed):
            return
        told = {name: int(str(value)) for name, value in report.user_properties if name.startswith(TOLD)}
        tried = {name.removeprefix(TOLD): number for name, number in told.items()}
        folder = Path(report.nodeid.partition("::")[0]).parent
        self.ledger.note(
            report.nodeid,
            tried or {f"tests in {folder}": 1},
            failed=report.failed,
            seconds=report.duration,
        )


def pytest_addoption(parser: pytest.Parser) -> None:
    """The plugin's own option."""
    parser.addoption("--ledger", type=Path, default=LEDGER)


def pytest_configure(config: pytest.Config) -> None:
    """Take part; with pytest-xdist the process that runs no tests hears of all."""
    ledger = Ledger(config.getoption("--ledger"))
    config.pluginmanager.register(Plugin(ledger, notes=not hasattr(config, "workerinput")))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("places", nargs="*", default=PLACES, help="which long tests, as pytest takes them")
    parser.add_argument("--fuzz", type=int, default=300, help="seconds for each target; 0 for none")
    parser.add_argument("--parallel", type=int, default=2, help="tests at once")
    parser.add_argument("--ledger", type=Path, default=LEDGER)
    asked, more = parser.parse_known_args()
    ledger, good = Ledger(asked.ledger), False
    try:
        fuzz(ledger, asked.fuzz)
        good = tests(asked.ledger, [*asked.places, *more], asked.parallel)
    except KeyboardInterrupt:
        print("stopped; the same command goes on from here")
    finally:
        rows = table(ledger.pieces())
        print(*lines(rows), sep="\n")
    sys.exit(not good or any(row.violations for row in rows))


def fuzz(ledger: Ledger, seconds: int) -> None:
    """Fuzz every target that was not yet."""
    from tests.abuse.targets import TARGETS

    if seconds and find_spec("atheris") is None:
        print("fuzzing is left out: atheris is not installed, which exists for Python up to 3.12")
        return
    for target in sorted(TARGETS) if seconds else ():
        name = f"fuzz {target} for {seconds} s"
        if name in ledger.good():
            continue
        begun = time.monotonic()
        command = [sys.executable, "-m", "tests.abuse.fuzz", target, "--seconds", str(seconds)]
        ended = subprocess.run(command, stderr=subprocess.PIPE, text=True, errors="replace", check=False)
        runs = [int(number) for number in RUNS.findall(ended.stderr)]
        print(ended.stderr[-2_000:] if ended.returncode else f"{name}: {max(runs, default=0):,} runs")
        tried = {f"fuzzing: {target}": max(runs, default=0)}
        ledger.note(name, tried, failed=bool(ended.returncode), seconds=time.monotonic() - begun)


def tests(ledger: Path, places: Sequence[str], parallel: int) -> bool:
    """Run the long tests that did not yet pass; whether pytest could, though some may have failed."""
    command = [sys.executable, "-m", "pytest", "-m", "long", "-p", "benchmarks.torture", "--timeout", "7200"]
    command += ["--ledger", str(ledger), *(["-n", str(parallel)] if parallel > 1 else []), *places]
    ran = subprocess.run(command, check=False).returncode
    return ran in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED)


@dataclass(frozen=True)
class Row:
    """A kind of case: how many were tried, pieces that failed, seconds of all pieces."""

    kind: str
    tried: int
    violations: int
    seconds: float


def table(pieces: Sequence[Piece]) -> list[Row]:
    """What was tried, by kind. A piece of several kinds gives each the same part of its seconds."""
    found: dict[str, list[Piece]] = defaultdict(list)
    for piece in pieces:
        for kind in piece.tried:
            found[kind].append(piece)
    return [
        Row(
            kind,
            sum(piece.tried[kind] for piece in those),
            sum(piece.failed for piece in those),
            sum(piece.seconds / len(piece.tried) for piece in those),
        )
        for kind, those in sorted(found.items())
    ]


def lines(rows: Sequence[Row]) -> Iterator[str]:
    """The lines of the table."""
    width = max((len(row.kind) for row in rows), default=4)
    yield f"{'kind':{width}}  {'tried':>10}  {'violations':>10}  {'seconds':>8}"
    for row in rows:
        yield f"{row.kind:{width}}  {row.tried:>10,}  {row.violations:>10,}  {row.seconds:>8,.0f}"


if __name__ == "__main__":
    main()
