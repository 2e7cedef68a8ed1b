"""An engine driven step by step in this process: no threads, no clock, no commands."""

from concurrent.futures import Future

from pipelines.pachd.capture import LogLine
from pipelines.pachd.engine import Engine
from pipelines.pachd.executor import Executor, Results
from pipelines.pachd.files import Append, Delete
from pipelines.pachd.worker import DatumResult, DatumTask


class Copying(Executor):
    """Every datum copies its inputs to its outputs; with the command `same`, to one name."""

    def __init__(self) -> None:
        super().__init__(1)

    def submit_set(self, tasks: tuple[DatumTask, ...]) -> Future[Results]:
        future: Future[Results] = Future()
        with tasks[0].objects.writer() as writer:
            results = [
                DatumResult(
                    task.datum_id,
                    "success",
                    {
                        _name(task, file.path): writer.add(self.made_of(task.objects.read(file.ref)))
                        for file in task.inputs
                    },
                    (LogLine(0.0, "copied"),),
                )
                for task in tasks
            ]
        future.set_result(tuple(results))
        return future

    def made_of(self, content: bytes) -> bytes:
        """What a datum writes for a file of this content."""
        return content

    def close(self) -> None:
        """Nothing runs."""


def _name(task: DatumTask, path: str) -> str:
    return "/same" if task.transform.cmd == ("same",) else "/" + path.split("/", 1)[1]


def push(engine: Engine, *changes: Append | Delete, description: str = "") -> str:
    """One commit to the repo `in`; its id."""
    commit = engine.commits.start(engine.repos.get("in"), "master", description=description)
    engine.files.modify(commit, changes)
    engine.commits.finish(commit)
    return commit.uuid


def run_jobs(engine: Engine) -> None:
    """Run every job that waits, here and now."""
    (engine.root / "scratch").mkdir(exist_ok=True)
    while jobs := engine.jobs.unfinished():
        engine._runner(jobs[0]).run()
