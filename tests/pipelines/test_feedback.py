"""Remarks become labels: a verdict writes them, an acknowledgement does not; a kill between is made good."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines import feedback
from pipelines.client import Pachd
from pipelines.config import parse_config
from pipelines.pachd.engine import Engine
from pipelines.pachd.executor import InlineExecutor
from pipelines.setup import compare
from pipelines.specs import load_specs
from reports.dashboard.feedback import entry
from tests.pipelines.test_config import GOOD

AT = "2026-03-01T10:00:00Z"


@pytest.fixture
def pachd(tmp_path: Path) -> Iterator[Pachd]:
    with Engine(tmp_path / "engine", executor=InlineExecutor()) as engine:
        found = Pachd.at(f"127.0.0.1:{engine.serve('127.0.0.1:0')}")
        found.create_repo(feedback.LABELS)
        yield found


def say(pachd: Pachd, robot: str, action: str, second: int) -> None:
    when = f"2026-03-02T00:00:{second:02d}Z"
    feedback.add(pachd, entry(robot_id=robot, at=AT, action=action, by="ana", when=when, to="bo", note="n"))


def labels(pachd: Pachd) -> list[tuple[str, str]]:
    return [(one["robot_id"], one["verdict"]) for one in json.loads(pachd.read("labels", feedback.PLACE))]


def test_verdicts_and_only_they_change_the_labels(pachd: Pachd) -> None:
    say(pachd, "b", "acknowledge", 1)
    first = pachd.head("labels")
    assert labels(pachd) == []
    say(pachd, "b", "assign", 2)
    assert pachd.head("labels") == first
    say(pachd, "b", "repaired", 3)
    say(pachd, "a", "false alarm", 4)
    assert labels(pachd) == [("a", "false alarm"), ("b", "repaired")]
    say(pachd, "b", "reopen", 5)
    assert labels(pachd) == [("a", "false alarm")]
    assert [said["action"] for said in feedback.entries(pachd)] == [
        "acknowledge",
        "assign",
        "repaired",
        "false alarm",
        "reopen",
    ]


def test_a_kill_between_a_verdict_and_its_label_is_made_good_by_the_next_set_up(
    pachd: Pachd, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(feedback, "labels", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            say(pachd, "a", "true", 1)
    assert pachd.head("labels") is None
    lacking = compare(pachd, parse_config(GOOD))
    assert json.loads(lacking.puts["labels"][feedback.PLACE])[0]["verdict"] == "true"


def test_labels_are_read_by_train_and_report_alone() -> None:
    specs = load_specs(parse_config(GOOD))
    reading = {step for step, spec in specs.items() if '"repo": "labels"' in json.dumps(spec)}
    assert reading == {"train", "report"}
    assert not [step for step, spec in specs.items() if '"repo": "feedback"' in json.dumps(spec)]
