"""Datum batching: one process of the user's for many datums, each asked for with the SDK's `batch_datum`.

As on a cluster, the process calls NextDatum on a gRPC server of its worker's (its port is in the
environment) and finds the datum under /pfs and its variables in /pfs/.env. Between calls the worker takes the
outputs and lays out the next datum. A call that reports an error, a crash or a timeout is a failed try; a
process that is gone is started again. After its last datum the process is killed, waiting for one more.
"""

import os
import queue
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, Self

from pipelines.pachd.capture import Capture
from pipelines.pachd.commands import Command, Ended, Running, failure
from pipelines.pachd.memory import MemoryLimit
from pipelines.pachd.mounts import DatumFolder, collect, lay_out
from pipelines.pachd.objects import FileRef, ObjectWriter
from pipelines.pachd.sandbox import PFS, private_mounts
from pipelines.pachd.tasks import DatumTask, Progress

PORT_VARIABLE: Final = "PPS_WORKER_GRPC_PORT"
_METHOD: Final = "NextDatum"
_SERVICE: Final = "pachyderm.worker.Worker"


class Calls:
    """The worker's gRPC server: calls of NextDatum wait here for the worker's answer."""

    def __init__(self) -> None:
        import grpc
        from pachyderm_sdk.api.worker import NextDatumRequest

        self.wake, self._ring = os.pipe()
        self._asked: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[list[str] | None] = queue.SimpleQueue()
        self._server = grpc.server(ThreadPoolExecutor(1))
        handler = grpc.unary_unary_rpc_method_handler(
            self._next_datum,
            request_deserializer=lambda data: NextDatumRequest().parse(data),
            response_serializer=bytes,
        )
        service = grpc.method_handlers_generic_handler(_SERVICE, {_METHOD: handler})
        self._server.add_generic_rpc_handlers((service,))
        self.port = self._server.add_insecure_port("localhost:0")
        self._server.start()

    def waiting(self) -> bool:
        """Whether a call waits for its answer."""
        return not self._asked.empty()

    def take(self) -> str:
        """The error that the waiting call reports of the datum before, "" for none."""
        os.read(self.wake, 1)
        return self._asked.get()

    def answer(self, env: list[str]) -> None:
        """Let the waiting call go on with a datum."""
        self._answers.put(env)

    def close(self) -> None:
        """Stop the server."""
        self._answers.put(None)
        self._server.stop(None).wait()
        os.close(self._ring)
        os.close(self.wake)

    def _next_datum(self, request: Any, context: Any) -> Any:
        import grpc
        from pachyderm_sdk.api.worker import NextDatumResponse

        self._asked.put(request.error)
        os.write(self._ring, b"!")
        env = self._answers.get()
        if env is None:
            context.abort(grpc.StatusCode.CANCELLED, "there are no more datums")
        return NextDatumResponse(env=env)


class Batch:
    """Runs datums of one pipeline in one process, started when the first comes; a context manager."""

    def __init__(self) -> None:
        self._folder: DatumFolder | None = None
        self._calls: Calls | None = None
        self._running: Running | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end(Capture())

    def attempt(self, run: Progress, writer: ObjectWriter) -> tuple[dict[str, FileRef], Ended]:
        """One try of one datum: give it to the process, take its outputs when it asks for the next."""
        task = run.task
        try:
            if not private_mounts():
                return {}, Ended(f"datum_batching needs a private {PFS}, which this machine does not allow")
            ended = self._await_call(run, None) if self._running is None else Ended()
            if ended.error or self._folder is None or self._calls is None:
                return {}, ended
            started = time.perf_counter()
            pfs = self._folder.pfs
            run.bytes_in = _replace(pfs, task)
            given = time.perf_counter()
            self._calls.answer([f"{key}={value}" for key, value in task.env.items()])
            ended = self._await_call(run, task.timeout_s)
            processed = time.perf_counter()
            files = {} if ended.error else collect(pfs, task.inputs, writer)
        except Exception as error:
            self._end(run.capture)
            return {}, Ended.because(error)
        run.download_s += given - started
        run.process_s += processed - given
        run.upload_s += time.perf_counter() - processed
        return files, ended

    def _await_call(self, run: Progress, timeout_s: float | None) -> Ended:
        """Wait until the process asks for a datum; ends it when it does not."""
        if self._running is None or self._calls is None:
            self._start(run.task)
        running, calls = self._running, self._calls
        if running is None or calls is None:
            raise AssertionError("just started")
        limit = MemoryLimit(running.process.pid, run.task.memory)
        end = running.streams.follow(
            run.capture,
            running.over,
            deadline=None if timeout_s is None else time.monotonic() + timeout_s,
            stop_file=run.task.stop_file,
            memory=limit,
        )
        if calls.waiting():
            run.capture.end()
            return Ended(calls.take())
        code, tail = self._end(run.capture)
        if end != "finished":
            return Ended.early(end, timeout_s, limit)
        return Ended(f"ended before asking for the next datum: {failure(code, tail)}")

    def _start(self, task: DatumTask) -> None:
        self._folder = DatumFolder(task.scratch)
        self._folder.pfs.mkdir()
        self._calls = Calls()
        transform = task.transform
        env = {**transform.env, PORT_VARIABLE: str(self._calls.port)}
        command = Command(transform.cmd, transform.stdin, env, transform.working_dir)
        self._running = command.start(self._folder.pfs, self._calls.wake)

    def _end(self, capture: Capture) -> tuple[int, str]:
        running, calls, folder = self._running, self._calls, self._folder
        self._running = self._calls = self._folder = None
        ended = running.end(capture, kill=True) if running is not None else (0, "")
        if calls is not None:
            calls.close()
        if folder is not None:
            folder.remove()
        return ended


def _replace(pfs: Path, task: DatumTask) -> int:
    """Put a datum where the one before it was, in the same folder, because that is mounted."""
    size = lay_out(task.inputs, task.objects, pfs)
    lines = [f"{key}='{_escaped(value)}'\n" for key, value in task.env.items()]
    (pfs / ".env").write_text("".join(lines))
    return size


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")
