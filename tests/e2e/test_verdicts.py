"""A verdict of a person, in a real project: an acknowledgement runs nothing, a verdict train and after."""

from datetime import timedelta
from pathlib import Path

import pytest

from tests.e2e import tiny
from tests.e2e.conftest import run_in


@pytest.mark.long
def test_only_what_depends_on_a_verdict_runs_again(tmp_path: Path) -> None:
    project = tiny.write(tmp_path / "project")
    assert run_in(project, "push", "logs").code == 0
    jobs = run_in(project, "jobs", "--json").json
    assert run_in(project, "feedback", "m1").code == 0
    assert run_in(project, "jobs", "--json").json == jobs
    closed = run_in(project, "feedback", "m1", "--action", "false alarm", "--json").json
    assert closed["precision"]["right"] == 0
    assert run_in(project, "wait").code == 0
    known = {(job["pipeline"], job["commit"]) for job in jobs}
    more = [
        job for job in run_in(project, "jobs", "--json").json if (job["pipeline"], job["commit"]) not in known
    ]
    assert {job["pipeline"]: job["state"] for job in more} == dict.fromkeys(
        ("train", "score", "report"), "SUCCESS"
    )
    summary = run_in(project, "report", "--json").json["summary"]
    assert summary["watch"]["verdicts"]["verdicts"] == {"false alarm": 1}


@pytest.mark.long
def test_sweep_and_tune_know_what_people_said_of_alerts(tmp_path: Path) -> None:
    project = tiny.write(tmp_path / "project", hours=48)
    assert run_in(project, "push", "logs").code == 0

    def learnt() -> tuple[int, float]:
        swept = run_in(project, "sweep", "--windows", "10m", "--leads", "0s", "--json")
        assert swept.code == 0, swept.err
        tuned = run_in(project, "tune", "--trials", "1", "--json")
        assert tuned.code == 0, tuned.err
        return swept.json["cells"][0]["episodes"], tuned.json["default"]

    episodes, default = learnt()
    for hour in (44, 46):  # between two recorded stops, in the newest fifth of the data
        at = (tiny.START + timedelta(hours=hour, minutes=30)).isoformat()
        assert run_in(project, "feedback", "m1", "--at", at, "--action", "true").code == 0
    assert run_in(project, "wait").code == 0
    after, told = learnt()
    assert after == episodes + 2
    early = (tiny.START + timedelta(hours=34, minutes=30)).isoformat()
    assert run_in(project, "feedback", "m1", "--at", early, "--action", "true").code == 0
    assert run_in(project, "wait").code == 0
    assert len({default, told, learnt()[1]}) == 3
