"""A verdict of a person, in a real project: an acknowledgement runs nothing, a verdict train and after."""

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
