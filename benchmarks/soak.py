"""Does a daemon that is used all day stay as it was? Memory, file handles and latency under a steady stream.

`python -m benchmarks.soak [--minutes 60]` starts `forewarn up` on a small project and keeps on pushing: every
second a commit to a repo of its own, which is read back; at longer intervals logs, so that all six pipelines
run; between them a page of the dashboard. The files are always the same ones with other contents, so what
grows is history alone. It prints a summary, writes every sample to `--samples`, and exits 1 when memory
climbs by more than LEAK, handles are left open, or latency doubles from the first to the last quarter.
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.measure import head, verdict
from pipelines.client import Pachd
from tests.e2e import tiny

LEAK = 20.0
"""MiB an hour that the daemon's memory may climb after the first quarter, which fills caches."""
SLOWER = 2.0
FILES = 24
LOOK = 10.0


@dataclass(frozen=True)
class Sample:
    """One look at the daemon: seconds since the start, MiB resident, handles, threads, processes below it."""

    at: float
    mib: float
    handles: int
    threads: int
    children: int
    commits: int
    pushes: int
    commit_ms: float | None
    push_s: float | None
    page_ms: float | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--every", type=float, default=1.0, help="seconds between small commits")
    parser.add_argument("--push-every", type=float, default=30.0, help="seconds between pushes of logs")
    parser.add_argument("--samples", type=Path, default=Path("build/soak.jsonl"))
    asked = parser.parse_args()
    head(f"soak of {asked.minutes:g} minutes", "forewarn", "grpcio", "distributed", "fastapi")
    asked.samples.parent.mkdir(parents=True, exist_ok=True)
    samples = []
    with (
        tempfile.TemporaryDirectory() as folder,
        daemon(Path(folder)) as (pid, told),
        asked.samples.open("w") as file,
    ):
        for sample in samples_of(pid, told, asked.minutes * 60, asked.every, asked.push_every):
            samples.append(sample)
            file.write(json.dumps(asdict(sample)) + "\n")
            file.flush()
    sys.exit(0 if report(samples) else 1)


@contextmanager
def daemon(folder: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """`forewarn up` on a tiny project; its pid, and what it tells of itself."""
    project = tiny.write(folder / "project")
    command = [sys.executable, "-m", "pipelines", "up", "--listen", "127.0.0.1:0", "--http", "127.0.0.1:0"]
    told = project / ".forewarn" / "daemon.json"
    with (folder / "stderr").open("w+") as errors:
        process = subprocess.Popen(command, cwd=project, stderr=errors)
        try:
            while not told.exists():
                if process.poll() is not None:
                    sys.exit((folder / "stderr").read_text())
                time.sleep(0.1)
            yield process.pid, json.loads(told.read_text()) | {"logs": project / "logs"}
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(120)


class Stream:
    """What is done to the daemon, and how long it took since the last sample."""

    def __init__(self, told: dict[str, Any]) -> None:
        self._pachd = Pachd.at(told["address"])
        self._page = f"{told['dashboard']}/api/pipelines"
        self._logs = {f"/{path.name}": path.read_text() for path in sorted(told["logs"].iterdir())}
        self._pachd.create_repo("ticks")
        self._running: tuple[str, float] | None = None
        self.commits = self.pushes = 0
        self.took: dict[str, list[float]] = {"commit_ms": [], "push_s": [], "page_ms": []}

    def tick(self) -> None:
        """One small commit, read back; one page."""
        path, content = f"/{self.commits % FILES}", f"{self.commits}".encode() * 2_000
        begun = time.perf_counter()
        self._pachd.put("ticks", {path: content})
        self.took["commit_ms"].append(1_000 * (time.perf_counter() - begun))
        self.commits += 1
        if self._pachd.read("ticks", path) != content:
            sys.exit(f"commit {self.commits} does not read as it was pushed")
        begun = time.perf_counter()
        with urllib.request.urlopen(self._page, timeout=60) as answer:
            answer.read()
        self.took["page_ms"].append(1_000 * (time.perf_counter() - begun))

    def push(self) -> None:
        """Logs in which one value changed; nothing while those before are still on their way."""
        if self._running is None:
            *rows, last = self._logs["/load.csv"].splitlines()
            changed = f"{last.rpartition(',')[0]},{self.pushes % 97}.5"
            files = self._logs | {"/load.csv": "\n".join([*rows, changed, ""])}
            begun = time.perf_counter()
            commit = self._pachd.put("logs", {path: text.encode() for path, text in files.items()})
            self._running = commit, begun

    def look(self) -> None:
        """Note when the jobs of a push have ended; all must have succeeded."""
        if self._running is None:
            return
        commit, begun = self._running
        jobs = self._pachd.jobs(commit=commit)
        if all(job.done for job in jobs):
            if bad := [job for job in jobs if job.state != "SUCCESS"]:
                sys.exit(f"{bad[0].pipeline} of push {self.pushes} ended {bad[0].state}: {bad[0].reason}")
            self.took["push_s"].append(time.perf_counter() - begun)
            self.pushes += 1
            self._running = None

    def medians(self) -> dict[str, float | None]:
        """Median of every time since this was asked last; None where nothing ended."""
        found = {name: round(median(times), 2) if times else None for name, times in self.took.items()}
        for times in self.took.values():
            times.clear()
        return found


def samples_of(
    pid: int, told: dict[str, Any], seconds: float, every: float, push_every: float
) -> Iterator[Sample]:
    """Drive the daemon for so long; a sample every LOOK seconds."""
    stream = Stream(told)
    begun = time.monotonic()
    next_push, next_look = begun, begun + LOOK
    while (now := time.monotonic()) < begun + seconds:
        stream.tick()
        stream.look()
        if now >= next_push:
            stream.push()
            next_push = now + push_every
        if now >= next_look:
            counts = {"commits": stream.commits, "pushes": stream.pushes}
            yield Sample(at=round(now - begun, 1), **counts, **process_state(pid), **stream.medians())
            next_look = now + LOOK
        time.sleep(max(0.0, every - (time.monotonic() - now)))


def process_state(pid: int) -> dict[str, Any]:
    """Memory, handles, threads of a process and how many processes are below it."""
    status = dict(
        line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line
    )
    return {
        "mib": round(int(status["VmRSS"].split()[0]) / 1024, 1),
        "handles": len(list(Path(f"/proc/{pid}/fd").iterdir())),
        "threads": int(status["Threads"]),
        "children": descendants(pid),
    }


def descendants(pid: int) -> int:
    """How many processes a process started, and those they did."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return len(found) - 1


def report(samples: Sequence[Sample]) -> bool:
    """Print what was measured; whether the daemon stayed as it was."""
    quarter = len(samples) // 4
    settled = samples[quarter:]
    slope = float(np.polyfit([one.at / 3600 for one in settled], [one.mib for one in settled], 1)[0])
    last = samples[-1]
    print(f"{last.at / 60:.0f} min, {last.commits:,} commits read back, {last.pushes} pushes of logs")
    print(f"memory {samples[0].mib:.0f} -> {settled[0].mib:.0f} -> {last.mib:.0f} MiB")
    verdict("slope after the first quarter, MiB an hour", slope, LEAK, at_least=False)
    good = slope <= LEAK
    for name in ("handles", "threads", "children"):
        first, end = (
            max(getattr(one, name) for one in part) for part in (settled[:quarter], samples[-quarter:])
        )
        verdict(f"{name} in the last quarter over the second, from {first}", end / first, 1.1, at_least=False)
        good &= end <= first * 1.1
    for name in ("commit_ms", "push_s", "page_ms"):
        first, end = (
            median(getattr(one, name) for one in part if getattr(one, name) is not None)
            for part in (samples[:quarter], samples[-quarter:])
        )
        verdict(
            f"{name} in the last quarter over the first, from {first:.1f}",
            end / first,
            SLOWER,
            at_least=False,
        )
        good &= end <= first * SLOWER
    return good


if __name__ == "__main__":
    main()
