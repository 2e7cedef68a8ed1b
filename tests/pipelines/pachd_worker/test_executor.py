"""One contract for every executor: all results, once, bounded in flight, whatever happens to workers."""

import shutil
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from features.errors import UsageError
from pipelines import cluster
from pipelines.cluster import DaskExecutor
from pipelines.pachd.executor import Executor, InlineExecutor, ProcessExecutor, Results, datum_sets
from pipelines.pachd.spec import DatumSetSpec, Transform
from pipelines.pachd.worker import DatumResult, DatumTask, run_datum_set

Make = Callable[..., DatumTask]
PASS_THROUGH = Transform(cmd=("python3", "-m", "pipelines.steps.passthrough"))


@pytest.fixture(scope="module")
def dask_executor() -> Iterator[Executor]:
    with DaskExecutor(2) as executor:
        yield executor


@pytest.fixture(params=["inline", "process", "dask"])
def executor(request: pytest.FixtureRequest) -> Iterator[Executor]:
    if request.param == "dask":
        yield request.getfixturevalue("dask_executor")
        return
    with InlineExecutor() if request.param == "inline" else ProcessExecutor(2) as made:
        yield made


def outcome(result: DatumResult) -> tuple[str, str, dict[str, str]]:
    return result.datum_id, result.state, {path: ref.hash for path, ref in result.files.items()}


def many(make: Make, number: int) -> list[DatumTask]:
    return [
        make("", {"in/a": str(i)}, datum_id=str(i), transform=PASS_THROUGH)
        if i % 2
        else make(f"cp /pfs/in/a /pfs/out/{i}; exit {i % 3}", {"in/a": str(i)}, datum_id=str(i))
        for i in range(number)
    ]


def test_results_are_those_of_running_one_by_one(executor: Executor, command_task: Make) -> None:
    tasks = many(command_task, 12)
    results = list(executor.run(iter(tasks), total=12, parallelism=2, datum_set=DatumSetSpec(number=5)))
    assert sorted(map(outcome, results)) == sorted(outcome(run_datum_set((task,))[0]) for task in tasks)


def test_submit_runs_one(executor: Executor, command_task: Make) -> None:
    result = executor.submit(command_task("exit 3")).result(timeout=60)
    assert (result.state, result.error) == ("failed", "exit code 3")


def test_a_lost_dask_worker_costs_nothing(
    dask_executor: DaskExecutor, command_task: Make, tmp_path: Path
) -> None:
    marker = tmp_path / "first"
    script = f"test -e {marker} || {{ touch {marker}; kill -9 $PPID; sleep 60; }}; cp /pfs/in/a /pfs/out/b"
    task = command_task(script)
    result = dask_executor.submit(task).result(timeout=120)
    assert outcome(result) == ("datum", "success", {"/b": task.inputs[0].ref.hash})
    shutil.rmtree(task.scratch)  # a killed worker cannot tidy up; the engine empties it when it starts


def test_ctrl_c_in_a_terminal_reaches_no_worker(dask_executor: DaskExecutor) -> None:
    blocked = dask_executor.start().run(lambda: signal.pthread_sigmask(signal.SIG_BLOCK, ()))
    assert blocked
    assert all(signal.SIGINT in signals for signals in blocked.values())
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


@pytest.mark.long  # restarts several workers
def test_a_datum_that_kills_every_worker_fails_alone(dask_executor: DaskExecutor, command_task: Make) -> None:
    killer = command_task("kill -9 $PPID; sleep 60", datum_id="killer")
    good = command_task("cp /pfs/in/a /pfs/out/b", datum_id="good")
    results = dask_executor.submit_set((good, killer)).result(timeout=240)
    assert [(r.datum_id, r.state) for r in results] == [("good", "success"), ("killer", "failed")]
    assert results[1].error.startswith("lost with its worker: KilledWorker")
    shutil.rmtree(good.scratch)


def test_no_scheduler_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "CONNECT_S", 0.5)
    with (
        DaskExecutor(address="tcp://127.0.0.1:1") as executor,
        pytest.raises(UsageError, match=r"127\.0\.0\.1:1"),
    ):
        executor.start()


class Counting(Executor):
    """Never finishes a set by itself but ends the first three together, and knows what it was given."""

    def __init__(self) -> None:
        super().__init__(4)
        self.sets: list[tuple[Future[Results], tuple[DatumTask, ...]]] = []

    def submit_set(self, tasks: tuple[DatumTask, ...]) -> Future[Results]:
        future: Future[Results] = Future()
        self.sets.append((future, tasks))
        if len(self.sets) == 3:
            for number, (waiting, given) in enumerate(self.sets):
                if number == 1:
                    waiting.set_exception(OSError("gone"))
                else:
                    waiting.set_result(tuple(DatumResult(task.datum_id, "success") for task in given))
        return future

    def close(self) -> None:
        pass


def test_no_more_sets_in_flight_than_workers_and_losses_are_results(command_task: Make) -> None:
    drawn: list[str] = []

    def source() -> Iterator[DatumTask]:
        for i in range(100):
            drawn.append(str(i))
            yield command_task("", datum_id=str(i))

    executor = Counting()
    results = executor.run(source(), total=100, parallelism=3, datum_set=DatumSetSpec(number=2))
    first = [next(results) for _ in range(6)]
    assert len(executor.sets) == 6
    assert len(drawn) == 12
    assert sorted((r.datum_id, r.state, r.error) for r in first) == [
        ("0", "success", ""),
        ("1", "success", ""),
        ("2", "failed", "lost with its worker: OSError: gone"),
        ("3", "failed", "lost with its worker: OSError: gone"),
        ("4", "success", ""),
        ("5", "success", ""),
    ]


class OnlyFirst(Executor):
    """Finishes its first set only."""

    def __init__(self) -> None:
        super().__init__(2)
        self.futures: list[Future[Results]] = []

    def submit_set(self, tasks: tuple[DatumTask, ...]) -> Future[Results]:
        self.futures.append(Future())
        if len(self.futures) == 1:
            self.futures[0].set_result((DatumResult(tasks[0].datum_id, "success"),))
        return self.futures[-1]

    def close(self) -> None:
        pass


def test_closing_the_results_drops_what_has_not_begun(command_task: Make) -> None:
    executor = OnlyFirst()
    tasks = [command_task("", datum_id=str(i)) for i in range(4)]
    results = executor.run(tasks, total=4, parallelism=2, datum_set=DatumSetSpec(number=1))
    assert next(results).datum_id == "0"
    results.close()
    assert [future.cancelled() for future in executor.futures] == [False, True, True]


@pytest.mark.parametrize(
    ("spec", "parallelism", "sizes"),
    [
        (DatumSetSpec(), 1, [3, 3, 3, 1]),
        (DatumSetSpec(), 2, [2, 2, 2, 2, 2]),
        (DatumSetSpec(number=4), 1, [4, 4, 2]),
        (DatumSetSpec(per_worker=1), 2, [5, 5]),
        (DatumSetSpec(size_bytes=12), 1, [3, 3, 3, 1]),
        (DatumSetSpec(size_bytes=12, number=2), 1, [2, 2, 2, 2, 2]),
    ],
)
def test_datum_sets(command_task: Make, spec: DatumSetSpec, parallelism: int, sizes: list[int]) -> None:
    tasks = [command_task("", datum_id=str(i)) for i in range(10)]
    sets = list(datum_sets(tasks, total=10, parallelism=parallelism, spec=spec))
    assert [len(batch) for batch in sets] == sizes
    assert [task for batch in sets for task in batch] == tasks


def test_sets_stay_small_enough_to_show_progress(command_task: Make) -> None:
    task = command_task("")
    sizes = [len(s) for s in datum_sets([task] * 1000, total=1000, parallelism=1, spec=DatumSetSpec())]
    assert max(sizes) == 64
