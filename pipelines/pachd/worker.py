"""Runs datums: lay out the inputs, run the command, store the outputs, and never leave anything behind.

A worker needs the object store and a scratch folder, nothing else: no metadata, no server. It can run in
any process on any machine that reaches the store, and can run the same datum twice without harm, because
outputs are named by their content and count only once the engine commits them.
"""

import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from features.errors import ForewarnError
from pipelines.pachd.capture import Capture, LogLine
from pipelines.pachd.commands import Command, Ended, moved
from pipelines.pachd.datums import Datum
from pipelines.pachd.mounts import MountedFile, collect, lay_out
from pipelines.pachd.objects import FileRef, Objects, ObjectWriter
from pipelines.pachd.sandbox import PFS
from pipelines.pachd.spec import DEFAULT_TRIES, Transform
from pipelines.pachd.warm import StepPool

State = Literal["success", "failed", "recovered"]
steps = StepPool()


@dataclass(frozen=True)
class DatumTask:
    """Everything a worker needs for one datum.

    env: what `datum_env` says, with paths under /pfs. timeout_s: per try. scratch: folder for the datum's
    files, "" for the system's; whoever owns it may empty it at start-up, a killed worker cannot. stop_file:
    when this file appears the datum is killed (the job was stopped or ran out of time).
    """

    pipeline: str
    job_id: str
    datum_id: str
    inputs: tuple[MountedFile, ...]
    transform: Transform
    env: dict[str, str]
    objects: Objects
    tries: int = DEFAULT_TRIES
    timeout_s: float | None = None
    scratch: str = ""
    stop_file: str = ""

    @property
    def size(self) -> int:
        """Bytes of all inputs."""
        return sum(file.ref.size for file in self.inputs)


@dataclass(frozen=True)
class DatumResult:
    """What became of a datum. files: {path in the output repo: content}, empty unless it succeeded."""

    datum_id: str
    state: State
    files: dict[str, FileRef] = field(default_factory=dict)
    log: tuple[LogLine, ...] = ()
    error: str = ""
    tries: int = 0
    download_s: float = 0.0
    process_s: float = 0.0
    upload_s: float = 0.0
    bytes_in: int = 0
    bytes_out: int = 0
    stopped: bool = False


def datum_env(
    datum: Datum, *, pipeline: str, job_id: str, output_commit: str, project: str
) -> dict[str, str]:
    """The environment Pachyderm gives a datum's command (`UserCodeEnv`), paths under /pfs."""
    env = {
        "PACH_JOB_ID": job_id,
        "PACH_DATUM_ID": datum.id,
        "PACH_OUTPUT_COMMIT_ID": output_commit,
        "PPS_PIPELINE_NAME": pipeline,
        "PPS_PROJECT_NAME": project,
    }
    for i in datum.inputs:
        env[i.name] = f"{PFS}/{i.name}{i.path.rstrip('/')}"
        env[f"{i.name}_COMMIT"] = i.commit
        if i.join_on:
            env[f"PACH_DATUM_{i.name}_JOIN_ON"] = i.join_on
        if i.group_by:
            env[f"PACH_DATUM_{i.name}_GROUP_BY"] = i.group_by
    return env


def run_datum(task: DatumTask) -> DatumResult:
    """Run one datum with an object writer of its own. Never raises for anything the datum does."""
    return run_datum_set((task,))[0]


def run_datum_set(tasks: Sequence[DatumTask]) -> tuple[DatumResult, ...]:
    """Run datums one after the other, their outputs packed together; results in the order of `tasks`."""
    results: list[DatumResult] = []
    try:
        with tasks[0].objects.writer() as writer:
            results += [_run(task, writer) for task in tasks]
    except (OSError, ForewarnError) as error:
        message = f"cannot store outputs: {error}"
        results = [
            replace(r, state="failed", files={}, error=message) if r.state == "success" else r
            for r in results
        ]
    return tuple(results)


@dataclass
class _Run:
    """The state of one datum while it runs."""

    task: DatumTask
    capture: Capture = field(default_factory=Capture)
    download_s: float = 0.0
    process_s: float = 0.0
    upload_s: float = 0.0
    bytes_in: int = 0

    def result(self, state: State, tries: int, **more: object) -> DatumResult:
        self.capture.end()
        result = DatumResult(
            datum_id=self.task.datum_id,
            state=state,
            log=self.capture.lines(),
            tries=tries,
            download_s=self.download_s,
            process_s=self.process_s,
            upload_s=self.upload_s,
            bytes_in=self.bytes_in,
        )
        return replace(result, **more)  # type: ignore[arg-type]


def _run(task: DatumTask, writer: ObjectWriter) -> DatumResult:
    run = _Run(task)
    ended = Ended()
    number = 0
    for number in range(1, task.tries + 1):
        files, ended = _attempt(run, writer, task.transform.cmd, task.transform.stdin)
        if not ended.error:
            size = sum(ref.size for ref in files.values())
            return run.result("success", number, files=files, bytes_out=size)
        run.capture.note(f"try {number} of {task.tries}: {ended.error}")
        if ended.stopped:
            return run.result("failed", number, error=ended.error, stopped=True)
    if task.transform.err_cmd:
        _, recovery = _attempt(run, None, task.transform.err_cmd, task.transform.err_stdin)
        if not recovery.error:
            return run.result("recovered", number, error=ended.error)
        run.capture.note(f"err_cmd: {recovery.error}")
    return run.result("failed", number, error=ended.error)


def _attempt(
    run: _Run, writer: ObjectWriter | None, cmd: tuple[str, ...], stdin: tuple[str, ...]
) -> tuple[dict[str, FileRef], Ended]:
    """One try in a fresh folder; outputs are stored when there is a writer (there is none for err_cmd)."""
    task = run.task
    if task.stop_file and Path(task.stop_file).exists():
        return {}, Ended("the job was stopped", stopped=True)
    folder: Path | None = None
    try:
        started = time.perf_counter()
        if task.scratch:
            Path(task.scratch).mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="datum-", dir=task.scratch or None))
        pfs = folder / "pfs"
        run.bytes_in = lay_out(task.inputs, task.objects, pfs)
        laid_out = time.perf_counter()
        run.download_s += laid_out - started
        ended = _step(run, pfs) if task.transform.step and writer else _command(run, pfs, cmd, stdin)
        processed = time.perf_counter()
        run.process_s += processed - laid_out
        if ended.error or writer is None:
            return {}, ended
        files = collect(pfs, task.inputs, writer)
        run.upload_s += time.perf_counter() - processed
    except (OSError, ForewarnError, MemoryError) as error:
        text = str(error) if isinstance(error, ForewarnError) else f"{type(error).__name__}: {error}"
        return {}, Ended(text)
    else:
        return files, ended
    finally:
        if folder is not None:
            _remove(folder)


def _step(run: _Run, pfs: Path) -> Ended:
    task = run.task
    env = {**task.transform.env, **task.env}
    process = steps.take()
    try:
        return process.run(
            task.transform.step,
            pfs,
            {key: moved(value, str(pfs)) for key, value in env.items()} | {"PFS_ROOT": str(pfs)},
            run.capture,
            timeout_s=task.timeout_s,
            stop_file=task.stop_file,
        )
    finally:
        steps.give_back(process)


def _command(run: _Run, pfs: Path, cmd: tuple[str, ...], stdin: tuple[str, ...]) -> Ended:
    task, transform = run.task, run.task.transform
    command = Command(
        cmd, stdin, {**transform.env, **task.env}, transform.working_dir, transform.accept_return_code
    )
    return command.run(pfs, run.capture, timeout_s=task.timeout_s, stop_file=task.stop_file)


def _remove(folder: Path) -> None:
    """Remove a datum's folder, even one whose command took away its own permissions."""
    try:
        shutil.rmtree(folder)
    except OSError:
        _unlock(folder)
        shutil.rmtree(folder, ignore_errors=True)


def _unlock(folder: Path) -> None:
    folder.chmod(0o700)
    for child in folder.iterdir():
        if child.is_dir() and not child.is_symlink():
            _unlock(child)
