"""What many datums and many workers cost, measured here, and simulated for more workers than there are.

    python -m benchmarks.scale datums [--number 20000]  # through a Dask scheduler: memory and rate by tenth
    python -m benchmarks.scale datums --instant         # the same without running them: 100,000 in minutes
    python -m benchmarks.scale stages --save FILE       # a synthetic fleet on 1 and 2 processes, datum times
    python -m benchmarks.scale simulate --stages FILE   # 8 to 800 workers, fed with those times

Scheduler and workers of `datums` are processes of their own, as on a cluster; its datums copy one byte.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psutil
from pachyderm_sdk.api import pfs, pps

import pipelines.cluster
from benchmarks import measure
from benchmarks.engine import Bench
from benchmarks.simulation import Costs, bottleneck, simulate, stages_of
from pipelines.client import Pachd
from pipelines.cluster import DaskExecutor
from pipelines.commands.demo import make_fleet
from pipelines.config import load_config
from pipelines.pachd.engine import Engine
from pipelines.pachd.worker import DatumResult, DatumTask
from pipelines.setup import set_up
from pipelines.specs import STEPS

RECORDED = Path(__file__).parent / "stages.json"
UNFINISHED = "SELECT count(*) FROM jobs WHERE finished IS NULL"
PROCESSED = "SELECT coalesce(max(processed), 0) FROM jobs"
LOOK_S = 0.25
SHORT_LOGS = {  # as in the chart
    "DASK_DISTRIBUTED__ADMIN__LOG_LENGTH": "100",
    "DASK_DISTRIBUTED__ADMIN__LOW_LEVEL_LOG_LENGTH": "100",
}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def instant(tasks: tuple[DatumTask, ...], _: object) -> tuple[DatumResult, ...]:
    """Stands in for what workers do: every datum succeeds at once."""
    return tuple(DatumResult(task.datum_id, "success") for task in tasks)


@contextmanager
def cluster(workers: int) -> Iterator[tuple[DaskExecutor, int]]:
    """An executor on a scheduler with workers, and the scheduler's process id."""
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    dask = [sys.executable, "-m", "dask"]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    command = [*dask, "scheduler", "--host=127.0.0.1", f"--port={port}", "--dashboard-address=:0"]
    scheduler = subprocess.Popen(command, env=os.environ | SHORT_LOGS, **quiet)
    worker = [*dask, "worker", address, "--nthreads=1", "--no-dashboard", "--memory-limit=0"]
    pool = [subprocess.Popen(worker, **quiet) for _ in range(workers)]
    try:
        with DaskExecutor(address=address) as executor:
            executor.start().wait_for_workers(workers, timeout=120)
            yield executor, scheduler.pid
    finally:
        for process in (*pool, scheduler):
            process.terminate()
            process.wait()


class Look(NamedTuple):
    """What is seen at a moment: datums ended, CPU seconds of scheduler and engine, memory of each."""

    at: float
    done: int
    cpu_s: float
    scheduler_mb: float
    engine_mb: float


def cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def datums(number: int, workers: int) -> dict[str, Any]:
    """Run `number` datums; by tenth their rate, the CPU time they cost, and what is held in memory."""
    folder = Path(tempfile.mkdtemp(prefix="forewarn-scale-"))
    seen: list[Look] = []
    over = threading.Event()

    def look(pid: int, bench: Bench) -> None:
        while not over.wait(LOOK_S):
            done = bench.engine.metadata.value(PROCESSED)
            ours = os.getpid()
            cpu = cpu_s(pid) + cpu_s(ours)
            seen.append(Look(time.perf_counter(), done, cpu, resident_mb(pid), resident_mb(ours)))

    try:
        with cluster(workers) as (executor, pid), Bench(folder, executor, 1.0).running() as bench:
            if pipelines.cluster._work is instant:
                branch, files = pairs(bench, number)
            else:
                branch, files = (
                    bench.repo("tiny"),
                    {f"/d{i % 1000:03}/f{i:06}": b"%d" % i for i in range(number)},
                )
                bench.pipeline("copy", "tiny", "/*/*")
            watcher = threading.Thread(target=look, args=(pid, bench))
            watcher.start()
            try:
                commit = bench.put(branch, files)
                job = bench.job("copy", commit)
            finally:
                over.set()
                watcher.join()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    assert job.data_processed == number, job
    return {"datums": number, "workers": workers, "tenths": tenths(seen, number)}


def pairs(bench: Bench, number: int) -> tuple[pfs.Branch, dict[str, bytes]]:
    """A pipeline of pairs of files, a hundred to each one put: putting all would take most of the run."""
    branch, others = bench.repo("left"), bench.repo("right")
    bench.put(others, {f"/f{i:02}": b"%d" % i for i in range(100)})
    sides = [pps.Input(pfs=pps.PfsInput(repo=name, glob="/*")) for name in ("left", "right")]
    bench.pipeline("copy", pps.Input(cross=sides))
    return branch, {f"/f{i:06}": b"%d" % i for i in range(number // 100)}


def tenths(seen: list[Look], number: int) -> list[dict[str, float]]:
    """Datums a second, CPU time of engine and scheduler a datum, the most memory, by tenth of the datums."""
    found = []
    for tenth in range(10):
        low, high = number * tenth // 10, number * (tenth + 1) // 10
        begin = max((one for one in seen if one.done <= low), key=lambda one: one.at)
        end = min((one for one in seen if one.done >= high), key=lambda one: one.at)
        during = [one for one in seen if begin.at <= one.at <= end.at]
        ended = end.done - begin.done
        found.append(
            {
                "datums_per_s": round(ended / (end.at - begin.at)),
                "cpu_ms": round(1e3 * (end.cpu_s - begin.cpu_s) / ended, 2),
                "scheduler_mb": round(max(one.scheduler_mb for one in during)),
                "engine_mb": round(max(one.engine_mb for one in during)),
            }
        )
    return found


def stages(robots: int, days: int) -> dict[str, Any]:
    """A synthetic fleet on 1 and on 2 processes: wall and CPU seconds by pipeline, datums, bytes kept.

    The first robot is pushed alone, so that workers are warm and there are two sizes of what runs alone.
    Seconds of datums are those of 1 process, in proportion to the CPU time of their pipeline: other work on
    the machine stretches what they took, not what they cost.
    """
    folder = Path(tempfile.mkdtemp(prefix="forewarn-scale-"))
    try:
        make_fleet(folder / "fleet", robots=robots, days=days, seed=7)
        measured = {workers: _fleet(folder, workers) for workers in (1, 2)}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    (warm, one, stored), (_, two, _) = measured[1], measured[2]
    found: dict[str, Any] = {
        "fleet": {"robots": robots, "days": days},
        "engine_s": round(engine_seconds(), 6),
        "stored": stored,
        "stages": {},
    }
    for kind in ("wall", "cpu"):
        found[kind] = [{name: round(part[kind], 2) for name, part in each.items()} for each in (one, two)]
    for name, part in one.items():
        alone = len(part["seconds"]) == 1
        if alone:
            each = max(0.0, part["cpu"] - warm[name]["cpu"]) / ((robots - 1) * days)
            took = [max(0.0, part["cpu"] - each * robots * days), each]
        else:
            stretched = sum(part["seconds"]) / max(part["cpu"], 1e-3)
            took = [seconds / stretched for seconds in part["seconds"]]
        found["stages"][name] = {"alone": alone, "seconds": [round(seconds, 4) for seconds in took]}
    return found


def _fleet(folder: Path, workers: int) -> tuple[dict[str, Any], dict[str, Any], dict[str, int]]:
    """What the first robot took, what all others took after it, and bytes by repo."""
    executor = DaskExecutor(workers)
    executor.start()
    spent: list[tuple[float, float]] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(LOOK_S / 2):
            spent.append((time.time(), children_cpu_s()))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        with Engine(folder / f"engine-{workers}", executor=executor) as engine:
            pachd = Pachd.at(f"127.0.0.1:{engine.serve()}")
            set_up(pachd, load_config(folder / "fleet" / "forewarn.toml"))
            logs = folder / "fleet" / "logs"
            files = {f"/{path.relative_to(logs)}": path for path in sorted(logs.rglob("*")) if path.is_file()}
            first = {path: file for path, file in files.items() if "amr-001" in path}
            took = []
            for pushed in (first, {path: file for path, file in files.items() if path not in first}):
                commit = pachd.put("logs", pushed)
                engine.metadata.wait(lambda: None if engine.metadata.value(UNFINISHED) else True)
                spent.append((time.time(), children_cpu_s()))
                took.append(_took(pachd, commit, spent))
            stored = {repo: sum(file.size for file in pachd.glob(repo, "/")) for repo in ("logs", *STEPS)}
    finally:
        over.set()
        watcher.join()
    return took[0], took[1], stored


def _took(pachd: Pachd, commit: str, spent: list[tuple[float, float]]) -> dict[str, Any]:
    """Pipeline → seconds of its job, CPU seconds of all workers meanwhile, seconds of datums that ran."""
    at, cpu = np.array(sorted(spent)).T
    jobs = {job.pipeline: job for job in pachd.jobs(commit=commit)}
    found = {}
    for name in STEPS:
        job = jobs[name]
        assert job.state == "SUCCESS", job
        window = [moment.timestamp() for moment in (job.started, job.finished) if moment]
        begin, end = np.interp(window, at, cpu)
        ran = [one.seconds for one in pachd.datums(name, commit) if one.state == "SUCCESS"]
        found[name] = {"wall": window[1] - window[0], "cpu": end - begin, "seconds": ran}
    return found


def children_cpu_s() -> float:
    """CPU seconds of all processes this one started, and of theirs."""
    total = 0.0
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            total += sum(process.cpu_times()[:4])
    return total


def engine_seconds(number: int = 5_000) -> float:
    """CPU seconds of engine and scheduler a datum: of a job whose datums take no time."""
    work, pipelines.cluster._work = pipelines.cluster._work, instant
    try:
        costs = [tenth["cpu_ms"] for tenth in datums(number, 1)["tenths"]]
    finally:
        pipelines.cluster._work = work
    return statistics.median(costs) / 1e3


def simulated(recorded: dict[str, Any], workers: list[int], robot_days: int, set_s: float) -> None:
    """Print hours, cost limits and speed-up for each number of workers."""
    costs = Costs(recorded["engine_s"], set_s)
    print(
        f"{robot_days:,} robot-days, {set_s} s for a set's way, "
        f"engine {recorded['engine_s'] * 1e3:.2f} ms a datum"
    )
    print(f"{'workers':>8}{'hours':>10}{'spread h':>10}{'alone h':>9}  limit of all / of what is spread")
    for number in workers:
        ran = simulate(
            stages_of(recorded["stages"]),
            costs,
            datums=robot_days,
            workers=number,
        )
        spread = [one for one in ran if not one.alone]
        hours, alone = (
            sum(one.wall_s for one in ran) / 3600,
            sum(one.wall_s for one in ran if one.alone) / 3600,
        )
        (limit, share), (inner, part) = bottleneck(ran, number), bottleneck(spread, number)
        told = f"{limit} ({share:.0%}) / {inner} ({part:.0%})"
        print(f"{number:>8}{hours:>10.2f}{hours - alone:>10.2f}{alone:>9.2f}  {told}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("figure", choices=["datums", "stages", "simulate"])
    parser.add_argument("--number", type=int, default=20_000)
    parser.add_argument("--instant", action="store_true")
    parser.add_argument("--workers", type=int, nargs="+")
    parser.add_argument("--robots", type=int, default=12)
    parser.add_argument("--days", type=int, default=4)
    parser.add_argument("--save", type=Path)
    parser.add_argument("--stages", type=Path, default=RECORDED)
    parser.add_argument("--robot-days", type=int, default=158_333)
    parser.add_argument("--set-seconds", type=float, default=0.1)
    options = parser.parse_args()
    measure.head(f"{time.strftime('%Y-%m-%d')} benchmarks.scale {options.figure}", "distributed")
    if options.figure == "datums":
        if options.instant:
            pipelines.cluster._work = instant
        told = datums(options.number, (options.workers or [2])[0])
        for tenth in told["tenths"]:
            print(json.dumps(tenth))
        costs = [tenth["cpu_ms"] for tenth in told["tenths"]]
        slower = costs[-1] / statistics.median(costs[1:])
        measure.verdict("CPU a datum, last tenth / median", slower, 1.25, at_least=False)
        growth = told["tenths"][-1]["scheduler_mb"] / told["tenths"][1]["scheduler_mb"]
        measure.verdict("scheduler's memory, last / second tenth", growth, 1.1, at_least=False)
    elif options.figure == "stages":
        recorded = stages(options.robots, options.days)
        print(json.dumps({name: recorded[name] for name in ("fleet", "engine_s", "stored", "wall", "cpu")}))
        if options.save:
            options.save.write_text(json.dumps(recorded, indent=1) + "\n", "utf-8")
    else:
        recorded = json.loads(options.stages.read_text("utf-8"))
        simulated(
            recorded, options.workers or [8, 20, 80, 200, 400, 800], options.robot_days, options.set_seconds
        )


if __name__ == "__main__":
    main()
