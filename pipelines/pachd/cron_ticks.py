"""Cron inputs: a repo that gets an empty file, named by its time, at every tick."""

import threading
import uuid
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipelines.pachd.cron import parse_cron
from pipelines.pachd.edits import Edit
from pipelines.pachd.inputs import CronInput, leaves
from pipelines.pachd.objects import file_of
from pipelines.pachd.pipelines import Pipeline

if TYPE_CHECKING:
    from pipelines.pachd.engine import Engine


def tick(engine: "Engine", pipeline: Pipeline, at: datetime, only: str = "") -> None:
    """Commit a tick to every cron input of a pipeline (or to the one named `only`), as one commit set."""
    empty = file_of(())
    set_id = uuid.uuid4().hex
    with engine.metadata.transaction():
        engine.trees.contents.register([empty])
        branches = []
        for leaf in leaves(pipeline.spec.input):
            if isinstance(leaf, CronInput) and only in ("", leaf.name):
                edit = Edit()
                if leaf.overwrite:
                    edit.delete("/")
                edit.put(f"/{at.astimezone(UTC).strftime('%Y-%m-%dT%H:%M:%SZ')}", empty.hash)
                branch = engine.repos.branch(engine.repos.get(leaf.repo), "master")
                engine.commits.write(branch, set_id, edit)
                branches.append(engine.repos.branch(branch.repo, "master"))
        engine.commits.propagate(set_id, branches)


class CronThread:
    """Ticks the cron inputs of all pipelines that are not stopped, until it is closed."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="cron", daemon=True)

    def start(self) -> None:
        """Begin; ticks that were missed while the engine was down are not made up for."""
        self._thread.start()

    def close(self) -> None:
        """End."""
        self._end.set()
        self._thread.join()

    def _loop(self) -> None:
        began = datetime.now(UTC)
        last: dict[tuple[str, str], datetime] = {}
        while not self._end.wait(timeout=0.5):
            now = datetime.now(UTC)
            for pipeline in self._engine.pipelines.all():
                if pipeline.stopped:
                    continue
                for leaf in leaves(pipeline.spec.input):
                    if not isinstance(leaf, CronInput):
                        continue
                    key = (pipeline.name, leaf.name)
                    created = datetime.fromtimestamp(pipeline.updated / 1e6, UTC)
                    since = last.get(key) or max(began, created, leaf.start or created)
                    due = parse_cron(leaf.spec).after(since)
                    if due is not None and due <= now:
                        last[key] = now
                        tick(self._engine, pipeline, due, leaf.name)
