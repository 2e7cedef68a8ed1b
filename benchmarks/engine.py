"""What the embedded pachd costs, figure by figure.

`python -m benchmarks.engine [FIGURE ...] [--quick] [--executor dask|process]`

Figures: transfer (put and read a big file beside a plain copy), memory (put and read a 5 GiB file: what the
daemon's process holds at most), files (10,000 files in one commit), datum (overhead per datum with warm
workers), history (commit 1,000 beside commit 10), plan (100,000 datums of which 10 changed: before the push,
as `forewarn plan` does, and after it). Each prints one line as JSON. Everything goes through an unmodified
SDK client over loopback, except `plan`, which asks the engine in its process.
"""

import argparse
import io
import json
import multiprocessing
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path

from pachyderm_sdk import Client
from pachyderm_sdk.api import pfs, pps

from pipelines.cluster import DaskExecutor
from pipelines.pachd.engine import Engine
from pipelines.pachd.executor import Executor, ProcessExecutor, Results
from pipelines.pachd.forecast import Content, Forecast, Upcoming
from pipelines.pachd.objects import content_of
from pipelines.pachd.planning import Plan
from pipelines.pachd.worker import DatumResult, DatumTask

MIB = 1 << 20
PROJECT = pfs.Project(name="default")
PASS_THROUGH = pps.Transform(cmd=["python3", "-m", "pipelines.steps.passthrough"])


class Bench:
    """One engine in a folder of its own, a client of it, and a scale from 1 down for quick runs."""

    def __init__(self, folder: Path, executor: Executor, scale: float) -> None:
        self.folder = folder
        self.scale = scale
        self.executor = executor
        self.engine = Engine(folder / "engine", executor=executor)

    @contextmanager
    def running(self) -> Iterator["Bench"]:
        """Serve the engine for a while."""
        with self.engine:
            self.client = Client.from_pachd_address(f"127.0.0.1:{self.engine.serve()}")
            yield self

    def scaled(self, number: int) -> int:
        """`number` at this run's scale."""
        return max(20, int(number * self.scale))

    def repo(self, name: str) -> pfs.Branch:
        """Make a repo; its master branch."""
        repo = pfs.Repo(name=name, type="user", project=PROJECT)
        self.client.pfs.create_repo(repo=repo)
        return pfs.Branch(repo=repo, name="master")

    def put(self, branch: pfs.Branch, files: dict[str, bytes]) -> str:
        """Put files in one commit, one stream; returns the commit's id."""
        commit = self.client.pfs.start_commit(branch=branch)
        requests = [pfs.ModifyFileRequest(set_commit=commit)]
        requests += [
            pfs.ModifyFileRequest(add_file=pfs.AddFile(path=path, raw=data)) for path, data in files.items()
        ]
        self.client.pfs.modify_file(iter(requests))
        self.client.pfs.finish_commit(commit=commit)
        return commit.id

    def pipeline(self, name: str, source: str | pps.Input, glob: str = "/*") -> None:
        """Make a pipeline that copies its input, files of a repo or what is told, on all workers."""
        if isinstance(source, str):
            source = pps.Input(pfs=pps.PfsInput(repo=source, glob=glob))
        self.client.pps.create_pipeline(
            pipeline=pps.Pipeline(name=name),
            transform=PASS_THROUGH,
            parallelism_spec=pps.ParallelismSpec(constant=self.executor.workers),
            input=source,
        )

    def job(self, pipeline: str, commit: str) -> pps.JobInfo:
        """Wait for the job that a commit started."""
        job = pps.Job(pipeline=pps.Pipeline(name=pipeline, project=PROJECT), id=commit)
        return self.client.pps.inspect_job(job=job, wait=True)


def seconds(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


class Instant(Executor):
    """Calls every datum a success without running it: planning does not ask what a datum did."""

    def submit_set(self, tasks: tuple[DatumTask, ...]) -> Future[Results]:
        """Succeed at once."""
        future: Future[Results] = Future()
        future.set_result(tuple(DatumResult(task.datum_id, "success") for task in tasks))
        return future

    def close(self) -> None:
        """Nothing runs."""


def transfer(bench: Bench) -> dict[str, float]:
    size = bench.scaled(512) * MIB
    source, copied = bench.folder / "big", bench.folder / "copy"
    with source.open("wb") as file:
        for _ in range(size // MIB):
            file.write(os.urandom(MIB))
    branch = bench.repo("big")

    def put() -> None:
        with bench.client.pfs.commit(branch=branch) as commit, source.open("rb") as file:
            commit.put_file_from_file(path="/big", file=file)

    def get() -> None:
        with bench.client.pfs.pfs_file(pfs.File.from_uri("big@master:/big")) as file:
            while file.read(MIB):
                pass

    def copy() -> None:
        shutil.copyfile(source, copied)
        with copied.open("rb+") as file:
            os.fsync(file.fileno())

    times = {"copy": seconds(copy), "put": seconds(put), "get": seconds(get)}
    return {"mib": size / MIB, **{f"{name}_mib_s": size / MIB / took for name, took in times.items()}}


def memory(bench: Bench) -> dict[str, float]:
    size = bench.scaled(5 * 1024) * MIB
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    daemon = spawn.Process(target=_serve, args=(bench.folder / "alone", theirs))
    daemon.start()
    try:
        client = Client(port=ours.recv())
        client.pfs.create_repo(repo=pfs.Repo.from_uri("big"))
        idle = _peak_mib(daemon.pid)
        branch = pfs.Branch.from_uri("big@master")

        def put() -> None:
            with client.pfs.commit(branch=branch) as commit:
                commit.put_file_from_file(path="/big", file=Noise(size))

        def get() -> None:
            with client.pfs.pfs_file(pfs.File.from_uri("big@master:/big")) as file:
                assert sum(len(piece) for piece in iter(lambda: file.read(MIB), b"")) == size

        times = {"put": seconds(put)}
        peak = _peak_mib(daemon.pid)
        times["get"] = seconds(get)
        return {
            "mib": size / MIB,
            **{f"{name}_mib_s": size / MIB / took for name, took in times.items()},
            "idle_mib": idle,
            "put_mib": peak,
            "put_and_get_mib": _peak_mib(daemon.pid),
        }
    finally:
        ours.send("stop")
        daemon.join()


def _serve(folder: Path, connection: Connection) -> None:
    with Engine(folder) as engine:
        connection.send(engine.serve())
        connection.recv()


def _peak_mib(pid: int | None) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


class Noise(io.RawIOBase):
    """A file of random bytes that is on no disk and has no piece twice."""

    def __init__(self, size: int) -> None:
        self._left = size

    def readable(self) -> bool:
        """Yes."""
        return True

    def read(self, size: int = -1) -> bytes:
        """The next bytes."""
        count = self._left if size < 0 else min(size, self._left)
        self._left -= count
        return os.urandom(count)


def files(bench: Bench) -> dict[str, float]:
    number = bench.scaled(10_000)
    branch = bench.repo("many")
    contents = {f"/d{i % 100:02}/f{i:05}": b"%d" % i * 100 for i in range(number)}
    put = seconds(lambda: bench.put(branch, contents))
    root = pfs.File.from_uri("many@master:/")

    def read() -> None:
        with bench.client.pfs.pfs_tar_file(root) as archive:
            assert sum(member.isfile() for member in archive) == number

    return {"files": number, "put_s": put, "read_tar_s": seconds(read)}


def datum(bench: Bench) -> dict[str, float]:
    number = bench.scaled(2_000)
    branch = bench.repo("small")
    bench.pipeline("warmed", "small")
    bench.job("warmed", bench.put(branch, {"/first": b"1"}))
    commit = bench.put(branch, {f"/f{i:05}": b"%d" % i for i in range(number)})
    info = bench.job("warmed", commit)
    assert info.data_processed == number, info
    took = (info.finished - info.started).total_seconds()
    return {
        "datums": number,
        "workers": bench.executor.workers,
        "job_s": took,
        "ms_per_datum": took / number * 1e3,
    }


def history(bench: Bench) -> dict[str, float]:
    number = bench.scaled(1_000)
    branch = bench.repo("long")
    spent: list[tuple[float, float]] = []
    for i in range(number + 10):
        cpu = time.process_time()
        wall = seconds(lambda i=i: bench.put(branch, {f"/f{i:05}": b"%d" % i}))
        spent.append((wall, time.process_time() - cpu))
    (early, early_cpu), (late, late_cpu) = (
        [statistics.median(times) for times in zip(*part, strict=True)] for part in (spent[5:25], spent[-20:])
    )
    return {
        "commits": number,
        "tenth_ms": early * 1e3,
        "last_ms": late * 1e3,
        "ratio": late / early,
        "cpu_ratio": late_cpu / early_cpu,
    }


def plan(bench: Bench) -> dict[str, float]:
    number = bench.scaled(100_000)
    branch = bench.repo("huge")
    bench.pipeline("planned", "huge", "/*/*")
    commit = bench.put(branch, {f"/d{i % 1000:03}/f{i:06}": b"%d" % i for i in range(number)})
    ran = seconds(lambda: bench.job("planned", commit))
    changes = {f"/d{i:03}/f{i:06}": content_of(b"changed") for i in range(10)}
    upcoming = Upcoming({"huge": {path: Content(ref.hash, ref.size) for path, ref in changes.items()}})
    forecasts: list[Forecast] = []
    told = seconds(lambda: forecasts.extend(bench.engine.forecast(upcoming)))
    assert len(forecasts[0].plan.run) == 10, forecasts[0].plan
    bench.client.pps.stop_pipeline(pipeline=pps.Pipeline(name="planned", project=PROJECT))
    bench.put(branch, {f"/d{i:03}/f{i:06}": b"changed" for i in range(10)})
    plans: list[Plan] = []
    took = seconds(lambda: plans.append(bench.engine.plan("planned")))
    assert (plans[0].total, len(plans[0].run)) == (number, 10), plans[0]
    return {"datums": number, "first_job_s": ran, "forecast_s": told, "plan_s": took}


FIGURES = {f.__name__: f for f in (transfer, memory, files, datum, history, plan)}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("figures", nargs="*", choices=[*FIGURES, []], metavar="FIGURE")
    parser.add_argument("--quick", action="store_true", help="a twentieth of everything")
    parser.add_argument("--executor", choices=["dask", "process"], default="process")
    parser.add_argument("--workers", type=int, default=0)
    options = parser.parse_args()
    for name in options.figures or FIGURES:
        folder = Path(tempfile.mkdtemp(prefix="forewarn-bench-"))
        make = (
            Instant
            if name == "plan"
            else {"dask": DaskExecutor, "process": ProcessExecutor}[options.executor]
        )
        try:
            with Bench(folder, make(options.workers), 0.05 if options.quick else 1.0).running() as bench:
                figures = FIGURES[name](bench)
        finally:
            shutil.rmtree(folder)
        print(
            json.dumps({"figure": name} | {key: round(value, 3) for key, value in figures.items()}),
            flush=True,
        )


if __name__ == "__main__":
    main()
