"""Where datums run. The engine hands over a job's datums and takes results as they come.

`InlineExecutor` runs them where it is called (tests, debugging), `ProcessExecutor` in threads that each drive
a warm step process, `pipelines.cluster.DaskExecutor` on Dask workers. All send sets of datums, so that what a
set costs is shared, and never keep more sets in flight than the pipeline may have workers.
"""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import Final, Self

from pipelines.pachd.spec import DatumSetSpec
from pipelines.pachd.worker import DatumResult, DatumTask, run_datum_set, steps

DEFAULT_SETS_PER_WORKER: Final = 4
MOST_PER_SET: Final = 64
Results = tuple[DatumResult, ...]


class Executor(ABC):
    """A pool of `workers`, usable as a context manager.

    preload: what step processes load before their first datum, "module" or "module:function".
    """

    workers: int

    def __init__(self, workers: int, preload: Sequence[str] = ()) -> None:
        self.workers = max(1, workers)
        self.preload = tuple(preload)

    @abstractmethod
    def submit_set(self, tasks: tuple[DatumTask, ...]) -> Future[Results]:
        """Run datums one after the other on one worker; their outputs are packed together."""

    def in_flight(self, parallelism: int) -> int:
        """Sets to keep sent for a pipeline that may have `parallelism` workers; asked anew as sets end."""
        return parallelism

    @abstractmethod
    def close(self) -> None:
        """Finish what runs (create its stop files first to kill it), drop the rest, end all processes."""

    def submit(self, task: DatumTask) -> Future[DatumResult]:
        """Run one datum."""
        one: Future[DatumResult] = Future()

        def finish(future: Future[Results]) -> None:
            try:
                one.set_result(results_of(future, (task,))[0])
            except CancelledError:
                one.cancel()

        self.submit_set((task,)).add_done_callback(finish)
        return one

    def run(
        self,
        tasks: Iterable[DatumTask],
        *,
        total: int,
        parallelism: int = 1,
        datum_set: DatumSetSpec = DatumSetSpec(),  # noqa: B008  # a frozen value
    ) -> Iterator[DatumResult]:
        """Run `total` datums, `in_flight` sets at a time, and yield each result as its set ends.

        `tasks` is drawn from as sets are sent, so that 100,000 datums are never in memory at once. Closing
        the iterator drops the sets that have not begun. A set whose worker is lost for good yields failed
        results; nothing a datum does raises here.
        """
        parallelism = max(1, parallelism)
        batches = datum_sets(tasks, total=total, parallelism=self.in_flight(parallelism), spec=datum_set)
        pending: dict[Future[Results], tuple[DatumTask, ...]] = {}

        def fill() -> None:
            for batch in islice(batches, max(0, self.in_flight(parallelism) - len(pending))):
                pending[self.submit_set(batch)] = batch

        try:
            fill()
            while pending:
                ended = [
                    (future, pending.pop(future)) for future in wait(pending, None, FIRST_COMPLETED).done
                ]
                fill()  # before the caller sees to the results, so that no worker waits for that
                for future, batch in ended:
                    yield from results_of(future, batch)
        finally:
            for future in pending:
                future.cancel()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def results_of(future: Future[Results], tasks: tuple[DatumTask, ...]) -> Results:
    """The results of a set that ended; failed ones when it was lost."""
    try:
        return future.result()
    except Exception as error:
        message = f"lost with its worker: {type(error).__name__}: {error}"
        return tuple(DatumResult(task.datum_id, "failed", error=message) for task in tasks)


def datum_sets(
    tasks: Iterable[DatumTask], *, total: int, parallelism: int, spec: DatumSetSpec
) -> Iterator[tuple[DatumTask, ...]]:
    """Cut datums into sets as `datum_set_spec` says, by default four per worker of at most 64 datums."""
    number = spec.number
    if not (number or spec.size_bytes):
        per_worker = spec.per_worker or DEFAULT_SETS_PER_WORKER
        number = max(1, -(-total // (parallelism * per_worker)))
        if not spec.per_worker:
            number = min(number, MOST_PER_SET)
    if not spec.size_bytes:
        source = iter(tasks)
        while batch := tuple(islice(source, number)):
            yield batch
        return
    held: list[DatumTask] = []
    size = 0
    for task in tasks:
        held.append(task)
        size += task.size
        if size >= spec.size_bytes or len(held) == number:
            yield tuple(held)
            held, size = [], 0
    if held:
        yield tuple(held)


class InlineExecutor(Executor):
    """Runs every set at once, in the caller's thread."""

    def __init__(self, workers: int = 1, preload: Sequence[str] = ()) -> None:
        super().__init__(workers, preload)

    def submit_set(self, tasks: tuple[DatumTask, ...]) -> Future[Results]:
        """Run `tasks` before returning."""
        future: Future[Results] = Future()
        steps.preload = self.preload
        future.set_result(run_datum_set(tasks))
        return future

    def close(self) -> None:
        """End the step processes."""
        steps.close()


class ProcessExecutor(Executor):
    """Threads that lay out and store files, each with a warm process for our steps.

    A process that hangs or dies is replaced and its datum tried again; files are hashed and copied with the
    interpreter's lock released, so threads suffice for the rest.
    """

    def __init__(self, workers: int = 0, preload: Sequence[str] = ()) -> None:
        super().__init__(workers or os.cpu_count() or 1, preload)
        self._threads = ThreadPoolExecutor(self.workers, thread_name_prefix="datums")

    def submit_set(self, tasks: tuple[DatumTask, ...]) -> Future[Results]:
        """Queue `tasks` for the next free thread."""
        steps.preload = self.preload
        return self._threads.submit(run_datum_set, tasks)

    def close(self) -> None:
        """Finish what runs, drop the rest, end the processes."""
        self._threads.shutdown(wait=True, cancel_futures=True)
        steps.close()
