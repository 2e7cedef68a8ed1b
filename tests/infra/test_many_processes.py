"""A Dask scheduler and workers in processes of their own, contents in S3, workers that die: same bytes."""

import random
import re
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from pipelines.client import Pachd
from pipelines.cluster import DaskExecutor
from pipelines.config import load_config
from pipelines.pachd.engine import Engine
from pipelines.setup import set_up
from tests.e2e import tiny
from tests.infra.ports import answers, end, free_port, process

REPOS = ("extract", "join", "features", "train", "score", "report")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, dict[str, str]]]:
    """URL of a bucket, and the variables with which any process reaches it."""
    s3fs = pytest.importorskip("s3fs")
    port = free_port()
    variables = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with process("moto.server", "-p", str(port), variables={}):
        answers(port)
        s3fs.S3FileSystem.clear_instance_cache()  # they remember the endpoint of the test before
        s3fs.S3FileSystem().mkdir(f"bucket{port}")
        yield f"s3://bucket{port}/objects", variables


def outputs(project: Path, engine: Engine) -> dict[str, bytes]:
    """`repo:path` → bytes of every file, after the project's logs went through every pipeline.

    Ids of commits, drawn at random, are replaced by their repo and place in its history.
    """
    pachd = Pachd.at(f"127.0.0.1:{engine.serve()}")
    set_up(pachd, load_config(project / "forewarn.toml"))
    pachd.put("logs", {f"/{path.name}": path for path in sorted((project / "logs").iterdir())})
    unfinished = "SELECT count(*) FROM jobs WHERE finished IS NULL"
    engine.metadata.wait(lambda: None if engine.metadata.value(unfinished) else True)
    assert {job.state for job in pachd.jobs()} == {"SUCCESS"}
    ids = {
        commit.id.encode(): f"{repo} {place}".encode()
        for repo in ("logs", "config", "labels", "models", *REPOS)
        for place, commit in enumerate(reversed(pachd.commits(repo, 1000)))
    }
    any_id = re.compile(b"|".join(ids))
    return {
        f"{repo}:{file.path}": any_id.sub(lambda found: ids[found[0]], pachd.read(repo, file.path))
        for repo in REPOS
        for file in pachd.glob(repo, "/**")
        if not file.path.endswith("/")
    }


def differences(one: dict[str, bytes], other: dict[str, bytes]) -> dict[str, list[bytes]]:
    """Path → the pieces around the first byte that differs."""
    found = {}
    for path in one.keys() | other.keys():
        both = [one.get(path, b""), other.get(path, b"")]
        if both[0] != both[1]:
            pairs = enumerate(zip(*both, strict=False))
            place = next((at for at, (a, b) in pairs if a != b), min(map(len, both)))
            found[path] = [content[max(0, place - 200) : place + 200] for content in both]
    return found


class Cluster:
    """A scheduler and workers, each a process of its own."""

    def __init__(self, stack: ExitStack, workers: int, variables: dict[str, str]) -> None:
        self._stack = stack
        self._variables = variables
        port = free_port()
        self.address = f"tcp://127.0.0.1:{port}"
        scheduler = ("distributed.cli.dask_scheduler", "--host=127.0.0.1", f"--port={port}", "--no-dashboard")
        stack.enter_context(process(*scheduler, "--dashboard-address=:0", variables={}))
        answers(port)
        self._pool = [self._worker() for _ in range(workers)]
        self.executor = DaskExecutor(address=self.address)
        self.executor.start().wait_for_workers(workers, timeout=120)

    def _worker(self) -> "subprocess.Popen[bytes]":
        worker = (
            "distributed.cli.dask_worker",
            self.address,
            "--nthreads=1",
            "--no-nanny",
            "--memory-limit=0",
        )
        return self._stack.enter_context(
            process(*worker, "--dashboard-address=:0", variables=self._variables)
        )

    @contextmanager
    def preempted(self, every_s: float) -> Iterator[list[int]]:
        """Meanwhile any worker is killed each time so many seconds have passed, and one comes instead.

        The next waits until all are there again, which takes longer where the machine is busy.
        """
        over, chance, killed = threading.Event(), random.Random(7), [0]
        client = self.executor.start()

        def preempt() -> None:
            while not over.wait(every_s):
                if len(client.nthreads()) < len(self._pool):
                    continue
                end(self._pool.pop(chance.randrange(len(self._pool))))
                killed[0] += 1
                self._pool.append(self._worker())

        thread = threading.Thread(target=preempt)
        thread.start()
        try:
            yield killed
        finally:
            over.set()
            thread.join()


def compare(tmp_path: Path, bucket: tuple[str, dict[str, str]], *, workers: int, kill_every_s: float) -> int:
    """Run on this machine and on a cluster of processes; both must give the same. Workers killed."""
    url, variables = bucket
    project = tiny.write(tmp_path / "project")
    with Engine(tmp_path / "alone", workers=1) as engine:
        alone = outputs(project, engine)
    with ExitStack() as stack:
        cluster = Cluster(stack, workers, variables)
        with (
            Engine(tmp_path / "many", objects=url, executor=cluster.executor) as engine,
            cluster.preempted(kill_every_s) as killed,
        ):
            many = outputs(project, engine)
    assert differences(alone, many) == {}
    assert len(alone) > 10
    return killed[0]


@pytest.mark.long
@pytest.mark.timeout(280)
def test_a_model_is_trained_on_the_workers_that_run_its_datum(tmp_path):
    """One worker is busy with the training's datum, and the trees still grow on the cluster."""
    project = tiny.write(tmp_path / "project")
    with ExitStack() as stack:
        cluster = Cluster(stack, 3, {})
        toml = project / "forewarn.toml"
        toml.write_text(
            toml.read_text().replace(tiny.ONE_WORKER, "distributed = true\n")
            + f'[pipelines]\nscheduler = "{cluster.address}"\n'
        )
        with Engine(tmp_path / "many", executor=cluster.executor) as engine:
            made = outputs(project, engine)
    assert b"tree" in made["train:/model/model.txt"]
    assert b"m1" in made["report:/risk.csv"]


@pytest.mark.long
@pytest.mark.timeout(280)
def test_two_worker_processes_and_a_bucket_give_the_bytes_of_one_machine(tmp_path, bucket):
    compare(tmp_path, bucket, workers=2, kill_every_s=3_600)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_four_workers_one_killed_every_two_seconds_give_the_bytes_of_one_machine(tmp_path, bucket):
    assert compare(tmp_path, bucket, workers=4, kill_every_s=2) > 2
