"""Runs our own steps in a process that stays: starting Python costs seconds, a datum often milliseconds.

A step process is a child of the worker, not the worker itself, so that a step that hangs, crashes or is
killed for its memory costs one try of one datum and never the worker's connection to its scheduler. Its
stdout and stderr are pipes, so whatever it printed before it died is kept. It ends when its owner does.
"""

import os
import subprocess
import sys
import threading
import time
import weakref
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, cast

from pipelines.pachd import peak
from pipelines.pachd.capture import Capture, Streams
from pipelines.pachd.commands import Ended, exit_text, inherited, kill_group, read_end
from pipelines.pachd.memory import MemoryLimit, held

_STARTED: Final = "started"
_THREADS: Final = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")  # datums are the parallelism


class StepProcess:
    """A child process that runs `module.main(pfs)`, one datum at a time."""

    def __init__(self, preload: tuple[str, ...] = ()) -> None:
        ours, theirs = Pipe()
        self._connection = ours
        program = "import sys; from pipelines.pachd.warm import serve; serve(int(sys.argv[1]), sys.argv[2:])"
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-P", "-c", program, str(theirs.fileno()), *preload],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
            env={**dict.fromkeys(_THREADS, "1"), **inherited()},
        )
        theirs.close()
        out, err = self._process.stdout, self._process.stderr
        self._streams = Streams(read_end(out), read_end(err), ours.fileno())
        self._known: set[str] = set()
        self.close = weakref.finalize(self, _end, self._process, self._streams, ours, out, err)

    @property
    def alive(self) -> bool:
        """Whether it can take a datum."""
        return self.close.alive and self._process.poll() is None

    def fits(self, memory: int) -> bool:
        """Whether what datums before left in it takes less than half of what the next may hold."""
        return not memory or held(self._process.pid) <= memory // 2

    def run(
        self,
        module: str,
        pfs: Path,
        env: dict[str, str],
        capture: Capture,
        *,
        timeout_s: float | None = None,
        stop_file: str = "",
        memory: int = 0,
    ) -> Ended:
        """Run one datum, killed where it passes a bound; importing does not count against `timeout_s`."""
        try:
            self._connection.send((module, str(pfs), env))
        except OSError:
            return self._dead(capture)
        limit = MemoryLimit(self._process.pid, memory)
        started = module in self._known
        while True:
            deadline = time.monotonic() + timeout_s if started and timeout_s is not None else None
            end = self._streams.follow(capture, _never, deadline=deadline, stop_file=stop_file, memory=limit)
            if end != "finished":
                self.close()
                return Ended.early(end, timeout_s, limit)
            try:
                message = self._connection.recv()
            except (EOFError, OSError):
                return self._dead(capture)
            if message != _STARTED:
                self._streams.drain(capture)
                return cast("Ended", message)
            self._known.add(module)
            started = True

    def _dead(self, capture: Capture) -> Ended:
        code = self._process.wait()
        self._streams.drain(capture)
        self.close()
        return Ended(exit_text(code) + " while running the step")


def _never() -> bool:
    """A step process that dies closes its connection, which wakes us."""
    return False


def _end(process: subprocess.Popen[bytes], *files: Any) -> None:
    kill_group(process.pid)
    process.wait()
    for file in files:
        file.close()


class StepPool:
    """Idle step processes of this worker, reused by whichever datum comes next.

    preload: what new processes load before their first datum, "module" or "module:function".
    """

    def __init__(self) -> None:
        self.preload: tuple[str, ...] = ()
        self._idle: list[StepProcess] = []
        self._lock = threading.Lock()

    def take(self, memory: int = 0) -> StepProcess:
        """An idle process that fits a datum of so much memory, or a new one."""
        with self._lock:
            while self._idle:
                process = self._idle.pop()
                if process.alive and process.fits(memory):
                    return process
                process.close()
        return StepProcess(self.preload)

    def give_back(self, process: StepProcess) -> None:
        """Keep `process` for the next datum when it can still be used."""
        if process.alive:
            with self._lock:
                self._idle.append(process)
        else:
            process.close()

    def close(self) -> None:
        """End all idle processes."""
        with self._lock:
            idle, self._idle = self._idle, []
        for process in idle:
            process.close()


def serve(fd: int, preload: list[str]) -> None:
    """The child: load what `preload` names ("module" or "module:function"), then run datums one by one."""
    import faulthandler
    import queue

    faulthandler.enable()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    connection: Connection[Any, Any] = Connection(fd)
    datums: queue.SimpleQueue[tuple[str, str, dict[str, str]]] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(connection, datums), daemon=True).start()
    for name in preload:
        _preload(name)
    known: set[str] = set()
    while True:
        module, pfs, env = datums.get()
        peak.forget()
        error = _run_step(connection, known, module, Path(pfs), env)
        connection.send(Ended(error, peak_bytes=peak.peak_bytes()))


def _receive(connection: "Connection[Any, Any]", datums: Any) -> None:
    while True:
        try:
            datums.put(connection.recv())
        except (EOFError, OSError):
            os._exit(0)  # the owner is gone; a step that still runs works for nobody


def _preload(name: str) -> None:
    import importlib
    import traceback

    module, _, function = name.partition(":")
    try:
        loaded = importlib.import_module(module)
        if function:
            getattr(loaded, function)()
    except Exception:  # the step that needs it will say so with its own datum's name
        traceback.print_exc()


def _run_step(
    connection: "Connection[Any, Any]", known: set[str], name: str, pfs: Path, env: dict[str, str]
) -> str:
    """Run one datum and say what went wrong, or ""; say so when a step is imported for the first time."""
    import importlib
    import traceback

    from features.errors import ForewarnError

    before = {key: os.environ.get(key) for key in env}
    os.environ.update(env)
    os.chdir(pfs)
    try:
        module = importlib.import_module(name)
        if name not in known:
            known.add(name)
            connection.send(_STARTED)
        module.main(pfs)
    except SystemExit as error:
        return "" if error.code in (None, 0) else f"exit code {error.code}"
    except ForewarnError as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return str(error)
    except BaseException as error:  # whatever a step raises is its datum's failure
        traceback.print_exc()
        return f"{type(error).__name__}: {error}"
    finally:
        os.chdir("/")
        for key, value in before.items():
            if value is None:
                os.environ.pop(key, None)
            else:
                os.environ[key] = value
        sys.stdout.flush()
        sys.stderr.flush()
    return ""
