"""Runs datums: lay out the inputs, run the command, store the outputs, and never leave anything behind.

A worker needs the object store and a scratch folder, nothing else: no metadata, no server. It can run in
any process on any machine that reaches the store, and can run the same datum twice without harm, because
outputs are named by their content and count only once the engine commits them.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pipelines.pachd.batching import Batch
from pipelines.pachd.commands import Command, Ended, moved
from pipelines.pachd.mounts import SpareFolder, collect, lay_out
from pipelines.pachd.objects import FileRef, ObjectWriter
from pipelines.pachd.tasks import DatumResult, DatumTask, Progress, datum_env
from pipelines.pachd.warm import StepPool

__all__ = ["DatumResult", "DatumTask", "datum_env", "run_datum", "run_datum_set", "steps"]

steps = StepPool()


def run_datum(task: DatumTask) -> DatumResult:
    """Run one datum with an object writer of its own. Never raises for anything the datum does."""
    return run_datum_set((task,))[0]


def run_datum_set(tasks: Sequence[DatumTask]) -> tuple[DatumResult, ...]:
    """Run datums one after the other, their outputs packed together; results in the order of `tasks`."""
    results: list[DatumResult] = []
    try:
        with tasks[0].objects.writer() as writer, Batch() as batch, SpareFolder() as spare:
            results += [_run(task, writer, batch, spare) for task in tasks]
    except Exception as error:
        message = f"cannot store outputs: {error}"
        results = [
            replace(r, state="failed", files={}, error=message) if r.state == "success" else r
            for r in results
        ]
    return tuple(results)


def _run(task: DatumTask, writer: ObjectWriter, batch: Batch, spare: SpareFolder) -> DatumResult:
    run = Progress(task)
    ended = Ended()
    number = 0
    for number in range(1, task.tries + 1):
        if task.transform.datum_batching:
            files, ended = batch.attempt(run, writer)
        else:
            files, ended = _attempt(run, spare, writer, task.transform.cmd, task.transform.stdin)
        if not ended.error:
            size = sum(ref.size for ref in files.values())
            return run.result("success", number, files=files, bytes_out=size)
        run.capture.note(f"try {number} of {task.tries}: {ended.error}")
        if ended.stopped:
            return run.result("failed", number, error=ended.error, stopped=True)
    if task.transform.err_cmd:
        _, recovery = _attempt(run, spare, None, task.transform.err_cmd, task.transform.err_stdin)
        if not recovery.error:
            return run.result("recovered", number, error=ended.error)
        run.capture.note(f"err_cmd: {recovery.error}")
    return run.result("failed", number, error=ended.error)


def _attempt(
    run: Progress,
    spare: SpareFolder,
    writer: ObjectWriter | None,
    cmd: tuple[str, ...],
    stdin: tuple[str, ...],
) -> tuple[dict[str, FileRef], Ended]:
    """One try; outputs are stored when there is a writer (there is none for err_cmd)."""
    task = run.task
    if task.stop_file and Path(task.stop_file).exists():
        return {}, Ended("the job was stopped", stopped=True)
    warm = bool(task.transform.step) and writer is not None
    folder, ended, files = None, Ended(), {}
    try:
        started = time.perf_counter()
        folder = spare.take(task.scratch)
        run.bytes_in = lay_out(task.inputs, task.objects, folder.pfs)
        laid_out = time.perf_counter()
        run.download_s += laid_out - started
        ended = _step(run, folder.pfs) if warm else _command(run, folder.pfs, cmd, stdin)
        processed = time.perf_counter()
        run.process_s += processed - laid_out
        run.peak_bytes = max(run.peak_bytes, ended.peak_bytes)
        if writer is not None and not ended.error:
            files = collect(folder.pfs, task.inputs, writer)
            run.upload_s += time.perf_counter() - processed
    except Exception as error:
        ended = Ended.because(error)
    if folder is not None:
        spare.give_back(folder, clean=warm and not ended.error)
    return files, ended


def _step(run: Progress, pfs: Path) -> Ended:
    task = run.task
    env = {**task.transform.env, **task.env}
    process = steps.take(task.memory)
    try:
        return process.run(
            task.transform.step,
            pfs,
            {key: moved(value, str(pfs)) for key, value in env.items()} | {"PFS_ROOT": str(pfs)},
            run.capture,
            timeout_s=task.timeout_s,
            stop_file=task.stop_file,
            memory=task.memory,
        )
    finally:
        steps.give_back(process)


def _command(run: Progress, pfs: Path, cmd: tuple[str, ...], stdin: tuple[str, ...]) -> Ended:
    task, transform = run.task, run.task.transform
    command = Command(
        cmd, stdin, {**transform.env, **task.env}, transform.working_dir, transform.accept_return_code
    )
    return command.run(
        pfs, run.capture, timeout_s=task.timeout_s, stop_file=task.stop_file, memory=task.memory
    )
