"""plan, rerun, stop, start, wait, fsck and gc as the command line calls them; here every step copies."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from features.errors import ForewarnError, NotFoundError, UsageError
from pipelines.client import Pachd
from pipelines.commands.diff import diff
from pipelines.commands.pipelines import rerun, start, stop, wait
from pipelines.commands.plan import plan
from pipelines.commands.push import push
from pipelines.commands.trace import trace
from pipelines.commands.upkeep import fsck, gc
from pipelines.pachd.engine import Engine
from pipelines.pachd.executor import Executor
from pipelines.pachd.worker import DatumResult, DatumTask
from tests.e2e import tiny


class Copy(Executor):
    """Every datum writes its log's content below a folder that the next pipelines read."""

    def submit_set(self, tasks: tuple[DatumTask, ...]) -> Future[Any]:
        future: Future[Any] = Future()
        results = []
        for task in tasks:
            logs = [file for file in task.inputs if file.path.startswith("logs/")]
            files = {f"/day/{Path(file.path).stem}/all/{task.pipeline}": file.ref for file in logs}
            results.append(DatumResult(task.datum_id, "success", files))
        future.set_result(tuple(results))
        return future

    def close(self) -> None:
        pass


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    with Engine(tmp_path / "state", executor=Copy(1)) as engine:
        monkeypatch.setenv("PACHD_ADDRESS", f"127.0.0.1:{engine.serve()}")
        yield engine


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return tiny.write(tmp_path / "project", hours=1)


@pytest.fixture
def told(engine: Engine, project: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> Callable[..., Any]:
    """The JSON a verb prints."""

    def call(verb: Callable[..., None], **arguments: Any) -> Any:
        capfdbinary.readouterr()
        verb(project=project, json=True, **arguments)
        return json.loads(capfdbinary.readouterr().out)

    return call


def plans(told: Callable[..., Any], project: Path, *paths: Path) -> dict[str, Any]:
    found = told(plan, paths=[project / path for path in paths], to="/", number=5)["pipelines"]
    return {one["pipeline"]: one for one in found}


def test_plan_tells_of_a_push_of_an_edit_and_of_nothing(told: Callable[..., Any], project: Path) -> None:
    logs = project / "logs"
    first = plans(told, project, logs)
    assert first["extract"]["whys"] == {"new": 2}
    assert (first["join"]["run"], first["join"]["after"]) == ([], ["extract"])
    pushed = told(push, paths=[logs], to="/", wait=True)
    assert [job["processed"] for job in pushed["jobs"] if job["pipeline"] == "extract"] == [2]
    assert {name: (one["skipped"], one["run"]) for name, one in plans(told, project, logs).items()} == {
        "extract": (2, []),
        "join": (2, []),
        "features": (0, []),
        "train": (0, []),
        "score": (0, []),
        "report": (0, []),
    }
    (logs / "load.csv").write_text((logs / "load.csv").read_text().replace("m1", "m3"))
    changed = plans(told, project, logs)
    (row,) = changed["extract"]["run"]
    assert row["certain"]
    assert row["why"].startswith("logs:/load.csv changed from ")
    (row,) = changed["join"]["run"]
    assert not row["certain"]
    assert row["why"] == "day:/day/load/all will be made again by extract"
    config = project / "forewarn.toml"
    config.write_text(config.read_text().replace('time = "at"', 'time = "at"\ntolerance = "9s"', 1))
    edited = plans(told, project)
    assert edited["join"]["certain"] == edited["join"]["total"] == 2
    assert edited["join"]["run"][0]["why"].startswith("config:/join.json changed from ")


def test_plan_refuses_what_push_refuses(engine: Engine, project: Path) -> None:
    with pytest.raises(NotFoundError, match="nothing at"):
        plan(project=project, paths=[project / "absent"], to="/", number=5, json=True)


def test_a_cluster_is_told_apart(engine: Engine, project: Path) -> None:
    with pytest.raises(UsageError, match="does not know Divine"):
        Pachd.at(f"127.0.0.1:{engine.serve()}").ask("Divine")


def test_rerun_stop_start_and_wait(told: Callable[..., Any], project: Path, engine: Engine) -> None:
    def ran(answer: Any, pipeline: str) -> tuple[int, int]:
        return next((j["processed"], j["skipped"]) for j in answer["jobs"] if j["pipeline"] == pipeline)

    told(push, paths=[project / "logs"], to="/", wait=True)
    assert ran(
        told(rerun, pipeline="extract", datums=["/load.csv"], reprocess=False, wait=True), "extract"
    ) == (1, 1)
    assert ran(told(rerun, pipeline="extract", datums=[], reprocess=False, wait=True), "extract") == (0, 2)
    assert ran(told(rerun, pipeline="extract", datums=[], reprocess=True, wait=True), "extract") == (2, 0)
    with pytest.raises(NotFoundError, match="no pipeline exstract"):
        rerun(project=project, pipeline="exstract", datums=[], reprocess=False, wait=True, json=True)
    stop(project=project, pipeline="join")
    (project / "logs" / "load.csv").write_text("at,machine,amps\n")
    told(push, paths=[project / "logs"], to="/", wait=False)
    assert not engine.pipelines.get("extract").stopped
    assert engine.pipelines.get("join").stopped
    assert ran(told(start, pipeline="join", wait=True), "join") == (1, 1)
    assert {job["state"] for job in told(wait, commit=None)["jobs"]} == {"SUCCESS"}


def test_fsck_and_gc(told: Callable[..., Any], project: Path, engine: Engine) -> None:
    told(push, paths=[project / "logs"], to="/", wait=True)
    assert told(fsck, fix=False) == {"problems": []}
    assert told(gc)["contents"] == 0
    victim = max((engine.root / "objects").rglob("pack-*"), key=lambda path: path.stat().st_size)
    data = bytearray(victim.read_bytes())
    data[9] ^= 1
    victim.write_bytes(data)
    with pytest.raises(ForewarnError, match="found"):
        fsck(project=project, fix=False, json=True)
    with pytest.raises(ForewarnError, match="found"):
        fsck(project=project, fix=True, json=True)
    told(push, paths=[project / "logs"], to="/", wait=True)
    assert told(fsck, fix=False) == {"problems": []}
    engine.metadata.run("UPDATE sums SET sum = x'00' WHERE name = 'jobs'")
    with pytest.raises(ForewarnError, match="back from a backup"):
        fsck(project=project, fix=False, json=True)


def test_diff_speaks_of_files_where_there_is_no_report(told: Callable[..., Any], project: Path) -> None:
    logs = project / "logs"
    sizes = {path.name: path.stat().st_size for path in logs.iterdir()}
    told(push, paths=[logs], to="/", wait=True)
    (logs / "load.csv").write_text("at,machine,amps\n")
    (logs / "stops.csv").rename(logs / "halts.csv")
    told(push, paths=[logs], to="/", wait=True)
    found = told(diff, before=None, after=None, repo=None, number=5)
    assert (found["repo"], found["files"]) == (
        "logs",
        [
            {"path": "/halts.csv", "before": None, "after": sizes["stops.csv"]},
            {"path": "/load.csv", "before": sizes["load.csv"], "after": 16},
        ],
    )
    days = told(diff, before="master^", after="master", repo="extract", number=5)["files"]
    assert [file["path"] for file in days] == ["/day/halts/all/extract", "/day/load/all/extract"]
    with pytest.raises(NotFoundError):
        diff(project=project, before="0" * 32, after=None, repo=None, number=5, json=True)


def test_trace_follows_a_log_without_a_report(told: Callable[..., Any], project: Path) -> None:
    pushed = told(push, paths=[project / "logs"], to="/", wait=True)["commit"]
    found = told(trace, what="/load.csv", commit=None, number=5)
    assert [version["commit"] for version in found["versions"]] == [pushed]
    assert found["robots"] == ["load"]
    assert [row["pipeline"] for row in found["reached"]] == ["extract", "join"]
    for what in ("/absent.csv", "m1"):
        with pytest.raises(NotFoundError):
            trace(project=project, what=what, commit=None, number=5, json=True)
