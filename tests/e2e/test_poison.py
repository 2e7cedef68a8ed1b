"""Datums that fail for good: the report is made without them and says so, and they heal with their data."""

import json
import os
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from features.errors import ForewarnError
from pipelines.client import Pachd
from pipelines.commands.jobs import datums, logs
from pipelines.commands.push import push
from pipelines.commands.report import report
from pipelines.metrics import Metrics
from pipelines.pachd.engine import Engine
from pipelines.pachd.executor import InlineExecutor
from pipelines.pachd.worker import DatumTask
from tests.e2e import tiny

POISON = b"kills its worker"


class Poisoned(InlineExecutor):
    """Runs the steps as they are, but for files with POISON, and robot-days of the `sick`, that kill them."""

    sick: frozenset[str] = frozenset()

    def submit_set(self, tasks: tuple[DatumTask, ...]) -> Future[Any]:
        return super().submit_set(tuple(self._task(task) for task in tasks))

    def _task(self, task: DatumTask) -> DatumTask:
        if not self._kills(task):
            return task
        return replace(task, tries=1, transform=replace(task.transform, cmd=("sh", "-c", "kill -9 $$")))

    def _kills(self, task: DatumTask) -> bool:
        if task.pipeline == "extract":
            return any(POISON in task.objects.read(file.ref) for file in task.inputs)
        parts = {part for file in task.inputs for part in file.path.split("/")}
        return task.pipeline == "features" and not self.sick.isdisjoint(parts)


@pytest.fixture
def executor() -> Poisoned:
    return Poisoned()


@pytest.fixture
def engine(tmp_path: Path, executor: Poisoned, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    with Engine(tmp_path / "state", executor=executor) as engine:
        monkeypatch.setenv("PACHD_ADDRESS", f"127.0.0.1:{engine.serve()}")
        yield engine


def test_the_report_is_made_without_poison_says_so_and_heals(
    tmp_path: Path, engine: Engine, executor: Poisoned, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    def told(verb: Any, **arguments: Any) -> Any:
        capfdbinary.readouterr()
        verb(project=project, json=True, **arguments)
        return json.loads(capfdbinary.readouterr().out)

    def shown() -> Any:
        return told(report, commit=None, open_=False, folder=None, fail_above=None)["summary"]

    project = tiny.write(tmp_path / "project")
    more = project / "more.csv"
    more.write_bytes(POISON)
    executor.sick = frozenset({"m2"})
    with pytest.raises(ForewarnError) as lacking:
        push(project=project, paths=[project / "logs", more], to="/", wait=True, json=False)
    assert lacking.value.got == "1 of 3 of extract, 1 of 2 of features"

    summary = shown()
    assert (summary["fleet"]["robots"], summary["fleet"]["scored"]) == (2, 1)
    assert summary["missing"] == {
        "sentence": "Missing: 1 of 3 pushed files could not be extracted (/more.csv) and 1 of 2 robot-days "
        "could not be looked back on (m2 on 2026-03-01), because every try failed.",
        "pushed": 3,
        "robot_days": 2,
        "files_missing": 1,
        "robot_days_missing": 1,
        "files": ["/more.csv"],
        "lost": [{"step": "features", "robot_id": "m2", "day": "2026-03-01"}],
    }
    sick = next(robot for robot in summary["robots"] if robot["robot_id"] == "m2")
    assert (sick["status"], sick["why"]) == (
        "cannot score",
        "step features failed on its data of 2026-03-01",
    )
    assert "Scored 1 of 2 robots" in summary["headline"]["lede"]
    assert any("too much is missing to trust" in note for note in summary["model"]["notes"])
    (bad,) = told(datums, pipeline="features", commit=None, state="recovered")
    assert (bad["state"], bad["why"]) == ("RECOVERED", "killed by SIGKILL (out of memory?)")
    assert "try 1 of 1: killed by SIGKILL (out of memory?)" in told(
        logs, pipeline="features", commit=None, datum=bad["id"][:8]
    )
    pachd = Pachd.at(os.environ["PACHD_ADDRESS"])
    assert 'forewarn_datums_missing{pipeline="features"} 1.0' in Metrics(engine, pachd).exposition().decode()

    executor.sick = frozenset()
    more.write_text("at,machine\n")
    push(project=project, paths=[more], to="/", wait=True, json=False)
    healed = shown()
    assert (healed["fleet"]["robots"], healed["fleet"]["scored"]) == (2, 2)
    assert healed["missing"]["sentence"] == ""
    assert not any("missing" in note for note in healed["model"]["notes"])

    executor.sick = frozenset({"m1", "m2"})
    (project / "forewarn.toml").write_text(tiny.CONFIG.replace('["10m", "30m"]', '["10m", "20m"]'))
    with pytest.raises(ForewarnError, match="pipeline features ended FAILURE; got: every datum failed"):
        push(project=project, paths=[more], to="/", wait=True, json=False)
    assert shown()["fleet"] == healed["fleet"]
