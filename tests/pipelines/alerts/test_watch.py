"""New reports and remarks are looked at once each, in order, whatever process looks and whenever it dies."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pipelines.alerts import watch as module
from pipelines.alerts.watch import Watch
from pipelines.client import Pachd
from pipelines.config import parse_config
from pipelines.pachd.engine import Engine
from pipelines.pachd.executor import InlineExecutor
from pipelines.project import Project
from pipelines.serving import PachdSource
from reports.dashboard.feedback import entry
from tests.pipelines.alerts.conftest import Receiver
from tests.pipelines.alerts.test_findings import SUMMARY, robot

CONFIG = """
[streams.pose]
path = "pose"
time = "ts"
fields.x = "float"
[join]
anchor = "pose"
[failure]
on = [{ stream = "pose", when = { x = 1.0 } }]
[alerts]
internal = ["127.0.0.0/8"]
[alerts.rules.risk]
when = { risk_above = 0.5 }
refractory = "0s"
to = ["ops"]
[alerts.receivers.ops]
kind = "webhook"
url = "URL"
"""


@pytest.fixture
def pachd(tmp_path: Path) -> Iterator[Pachd]:
    with Engine(tmp_path / "engine", executor=InlineExecutor()) as engine:
        found = Pachd.at(f"127.0.0.1:{engine.serve('127.0.0.1:0')}")
        found.create_repo("report")
        yield found


@pytest.fixture
def watch(tmp_path: Path, pachd: Pachd, receiver: Receiver) -> Watch:
    return Watch.of(Project(tmp_path), parse_config(CONFIG.replace("URL", receiver.url)), pachd)


def report(pachd: Pachd, **risks: float) -> str:
    robots = [
        robot(name, place, risk, peak_at=f"2026-03-01T10:00:0{place}Z")
        for place, (name, risk) in enumerate(risks.items())
    ]
    summary: dict[str, Any] = SUMMARY | {"robots": robots}
    return pachd.put("report", {"/summary.json": json.dumps(summary).encode()})


def told(watch: Watch) -> list[str]:
    return [f"{event.kind} {event.alert.subject if event.alert else ''}" for event in watch.look()]


def test_reports_are_looked_at_once_from_the_newest_on_and_a_damaged_one_is_left(
    watch: Watch, pachd: Pachd
) -> None:
    assert told(watch) == []
    report(pachd, old=0.9)
    report(pachd, a=0.9)
    assert told(watch) == ["raised old", "resolved old", "raised a"]
    assert told(watch) == []
    pachd.put("report", {"/summary.json": b"{}"})
    report(pachd, a=0.9, b=0.7)
    assert told(watch) == ["raised b"]


def test_the_first_look_is_at_the_newest_report_only(watch: Watch, pachd: Pachd) -> None:
    report(pachd, old=0.9)
    report(pachd, a=0.9)
    assert told(watch) == ["raised a"]


def test_a_look_that_dies_is_made_again_with_the_same_ids(
    watch: Watch, pachd: Pachd, monkeypatch: pytest.MonkeyPatch
) -> None:
    told(watch)
    report(pachd, a=0.9)
    report(pachd, b=0.9)
    left = [module.observe]

    def dies(*arguments: Any) -> Any:
        return left.pop()(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(module, "observe", dies)
        with pytest.raises(IndexError):
            watch.look()
    assert watch.book.alerts() == []
    again = replace(watch, book=type(watch.book)(watch.book._path))
    assert told(again) == ["raised a", "resolved a", "raised b"]
    assert told(watch) == []


def test_a_person_acknowledges_and_the_receiver_is_told(
    watch: Watch, pachd: Pachd, receiver: Receiver
) -> None:
    told(watch)
    report(pachd, a=0.9)
    told(watch)
    source = PachdSource(pachd, parse_config(CONFIG.replace("URL", receiver.url)), watch.book)
    for action in ("acknowledge", "repaired"):
        said = entry(
            robot_id="a",
            at="2026-03-01T10:00:00Z",
            action=action,
            by="ana",
            when="2026-03-02",
            to="",
            note="",
        )
        source.add_feedback(said)
    assert told(watch) == ["acknowledged a", "resolved a"]
    while watch.courier.deliver():
        pass
    assert [body["event"] for _, body in receiver.got] == ["raised", "acknowledged", "resolved"]
    assert receiver.got[-1][1]["alert"]["resolved_by"] == "ana"
    assert {headers["idempotency-key"] for headers, _ in receiver.got} == {b["id"] for _, b in receiver.got}


def test_a_running_watch_delivers_by_itself(watch: Watch, pachd: Pachd, receiver: Receiver) -> None:
    report(pachd, a=0.9)
    arrived = receiver.arrived
    with module.watching(watch, every=0.01):
        assert arrived.wait(30)
    assert receiver.got[0][1]["alert"]["robot"] == "a"
