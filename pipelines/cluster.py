"""Runs datums on Dask: a LocalCluster of warm workers by default, or any scheduler by its address.

Dask is imported and started when the first job has datums to run, because it takes seconds and most commands
need none of it. Workers are processes with one thread each, watched by nannies; what a datum's own code does
happens in a child of the worker (see `pipelines.pachd.warm`), so a worker is lost only to the outside world.
Then Dask runs its sets elsewhere, and what they store is named by its content: the result is the same.
"""

import logging
import os
import signal
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing.resource_tracker import ensure_running
from typing import TYPE_CHECKING, Any, Final

from features.errors import UsageError
from pipelines.pachd import worker
from pipelines.pachd.executor import Executor, Results, results_of
from pipelines.pachd.worker import DatumTask

if TYPE_CHECKING:
    import distributed

CONNECT_S: Final = 10
CLOSE_S: Final = 20
COUNT_S: Final = 1.0  # between counts of a scheduler's workers
LEAST_SENT: Final = 16
SENT_PER_THREAD: Final = 2  # one at work, one on its way
RESENDS: Final = 4  # of a datum that a scheduler gave up because its workers, four by default, were lost
DATUMS: Final = "datums"
_SETTINGS: Final = {
    "distributed.admin.large-graph-warning-threshold": "1GB",
    "distributed.scheduler.allowed-failures": 1,  # then a set is split, so that its other datums go on
    "distributed.admin.log-length": 100,  # a daemon runs for months: what was is not kept
    "distributed.admin.low-level-log-length": 10,
    "distributed.admin.system-monitor.log-length": 10,
    "distributed.diagnostics.computations.max-history": 1,
    "logging": {"distributed": "critical"},
}
_PATIENCE: Final = {"distributed.deploy.lost-worker-timeout": "1 hour"}  # a nanny's restart may take a while


class DaskExecutor(Executor):
    """Datums on Dask workers.

    workers: processes of the LocalCluster, 0 for one per core; ignored with `address`, the scheduler to use
    ("tcp://host:8786"), whose workers need forewarn installed and must reach the object store. They may come
    and go: as many sets are kept there as its workers of the moment need, and enough without any worker that
    whatever scales it sees the demand. env: variables of the LocalCluster's workers beside our own.
    """

    def __init__(
        self,
        workers: int = 0,
        *,
        address: str = "",
        preload: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(LEAST_SENT if address else workers or os.cpu_count() or 1, preload)
        self.address, self.env = address, dict(env or {})
        self._threads, self._counted = 0, 0.0
        self._lock = threading.Lock()
        self._client: distributed.Client | None = None
        self._first: distributed.Future | None = None
        self._cluster: distributed.LocalCluster | None = None

    def submit_set(self, tasks: tuple[DatumTask, ...]) -> Future[Results]:
        """Send `tasks` to the next free worker; Dask sends them to others when workers are lost."""
        future: Future[Results] = Future()
        self._send(tasks, future)
        return future

    def in_flight(self, parallelism: int) -> int:
        """What the scheduler's workers need; a pipeline that may have one worker has one."""
        if not self.address or parallelism == 1:
            return parallelism
        if time.monotonic() - self._counted > COUNT_S:
            self._threads = sum(self.start().nthreads().values())
            self._counted = time.monotonic()
        return max(LEAST_SENT, SENT_PER_THREAD * self._threads)

    def start(self) -> "distributed.Client":
        """Connect, starting the LocalCluster when there is no address; returns at once when it was done."""
        with self._lock:
            if self._client is None:
                self._client = self._connect()
            return self._client

    def close(self) -> None:
        """Stop the client, and the cluster when it is ours."""
        with self._lock:
            client, self._client, self._first = self._client, None, None
            cluster, self._cluster = self._cluster, None
        if client is not None:
            client.close()
        if cluster is not None:
            with suppress(TimeoutError):  # its workers end with this process
                cluster.close(timeout=CLOSE_S)

    def _connect(self) -> "distributed.Client":
        import dask
        import distributed

        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        dask.config.set(_PATIENCE)  # for good: it is read when a worker is lost
        with dask.config.set(_SETTINGS):
            if not self.address:
                with _without_interrupts():
                    self._cluster = distributed.LocalCluster(
                        n_workers=self.workers,
                        threads_per_worker=1,
                        processes=True,
                        memory_limit=0,
                        dashboard_address="127.0.0.1:0",  # None takes 8787, or warns that it is taken
                        host="127.0.0.1",
                        env=self.env,
                        silence_logs=logging.CRITICAL,
                    )
            try:
                client = distributed.Client(
                    self._cluster or self.address, set_as_default=False, timeout=CONNECT_S
                )
            except OSError as error:
                raise UsageError(
                    "no Dask scheduler answers", got=self.address, hint="start one with: dask scheduler"
                ) from error
        if not self.address:  # Dask never forgets a group of tasks; while one task stays, it makes no other
            self._first = client.submit(int, key=(DATUMS, "first"))
        if self.preload:
            client.run(_prepare, self.preload)
        return client

    def _send(self, tasks: tuple[DatumTask, ...], future: Future[Results], resends: int = RESENDS) -> None:
        client = self.start()
        if self.address:  # its workers may be on other machines, with temporary folders of their own
            tasks = tuple(replace(task, scratch="") for task in tasks)
        sent = client.submit(_work, tasks, self.preload, key=(DATUMS, uuid.uuid4().hex), pure=False)
        future.add_done_callback(lambda ours: sent.cancel() if ours.cancelled() else None)
        sent.add_done_callback(lambda done: self._receive(done, tasks, future, resends))

    def _receive(
        self,
        done: "distributed.Future",
        tasks: tuple[DatumTask, ...],
        future: Future[Results],
        resends: int,
    ) -> None:
        from distributed import KilledWorker

        if future.cancelled():
            return
        try:
            future.set_result(done.result())
        except KilledWorker as error:
            if len(tasks) > 1:
                self._send_one_by_one(tasks, future)
            elif self.address and resends:  # nodes that are taken away are no fault of the datum
                self._send(tasks, future, resends - 1)
            else:
                future.set_exception(error)
        except Exception as error:
            future.set_exception(error)

    def _send_one_by_one(self, tasks: tuple[DatumTask, ...], future: Future[Results]) -> None:
        """One datum of a set kills its workers: the others shall not fail with it."""
        singles = [(self.submit_set((task,)), task) for task in tasks]
        left = len(singles)
        lock = threading.Lock()

        def count(_: object) -> None:
            nonlocal left
            with lock:
                left -= 1
                last = left == 0
            if last:
                future.set_result(tuple(results_of(single, (task,))[0] for single, task in singles))

        for single, _ in singles:
            single.add_done_callback(count)


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Processes started here, and by threads started here, never see Ctrl-C: whoever owns them ends them.

    A terminal interrupts all it runs, and a worker that ends by itself leaves its datums waited for.
    """
    ensure_running()  # the first process that is spawned would start it, and unblock the signal
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _prepare(preload: tuple[str, ...]) -> None:
    worker.steps.preload = preload
    worker.steps.give_back(worker.steps.take())


def _work(tasks: tuple[DatumTask, ...], preload: tuple[str, ...]) -> Any:
    worker.steps.preload = preload
    return worker.run_datum_set(tasks)
