"""Predicted beside measured: by hand from jobs, and as the command tells it after two pushes."""

import json
from dataclasses import replace

import pytest

from features.errors import DataError, UsageError
from pipelines.client import Job, Pachd
from pipelines.commands.estimate import estimate, measured_run
from pipelines.pachd.engine import Engine
from pipelines.taken import Taken, beside, in_words
from tests.e2e import tiny

DONE = Job("join", "new", "SUCCESS", 4, 4, 0, 0, "", None, True, work_s=9.0)


def test_many_datums_count_each_and_a_single_one_by_robot_days():
    jobs = {
        "join": [DONE, replace(DONE, commit="old", total=2, processed=2, work_s=4.0)],
        "train": [
            replace(DONE, pipeline="train", total=1, processed=1, work_s=7.0),
            replace(DONE, pipeline="train", commit="old", total=1, processed=1, work_s=3.0),
        ],
        "report": [replace(DONE, pipeline="report", total=1, processed=1, work_s=1.0)],
    }
    told = beside(jobs, "new")
    assert told == [
        Taken("join", 4, 8.0, 9.0),
        Taken("train", 1, 6.0, 7.0),
        Taken("report", 1, None, 1.0),
    ]
    assert in_words(told) == (
        "took 17.0 core-seconds; predicted from the runs before: 14.0 where 16.0 were measured (+14%)"
    )


def test_later_runs_failed_ones_and_skipped_datums_say_nothing():
    later = replace(DONE, commit="later", work_s=1000.0)
    failed = replace(DONE, commit="bad", failed=1, work_s=500.0)
    skipped = replace(DONE, commit="same", processed=0, work_s=0.0)
    assert beside({"join": [later, DONE, failed, skipped]}, "new") == [Taken("join", 4, None, 9.0)]
    assert beside({"join": [skipped, DONE]}, "same") == []
    assert "nothing to predict" in in_words(beside({"join": [DONE]}, "new"))


def test_the_commands_tell_two_pushes_and_a_plan(tmp_path, capsys, monkeypatch):
    project = tiny.write(tmp_path / "project")
    copy = "mkdir -p /pfs/out/observations/r; cp -r /pfs/logs/* /pfs/out/observations/r/"
    spec = {
        "pipeline": {"name": "join"},
        "transform": {"cmd": ["sh", "-c", copy]},
        "input": {"pfs": {"name": "logs", "repo": "logs", "glob": "/*"}},
    }
    unfinished = "SELECT count(*) FROM jobs WHERE finished IS NULL"
    with Engine(tmp_path / "engine", workers=1) as engine:
        address = f"127.0.0.1:{engine.serve()}"
        monkeypatch.setenv("PACHD_ADDRESS", address)
        pachd = Pachd.at(address)
        pachd.create_repo("logs")
        pachd.create_pipeline(json.dumps(spec))
        with pytest.raises(DataError, match="nothing ran yet"):
            measured_run(project=project, json=True)
        for files in ({"/a": b"1", "/b": b"2"}, {"/c": b"3"}):
            commit = pachd.put("logs", files)
            engine.metadata.wait(lambda: None if engine.metadata.value(unfinished) else True)
        measured_run(project=project, json=True)
        told = json.loads(capsys.readouterr().out)
        (first, second) = reversed([job for job in pachd.jobs(pipeline="join") if job.processed])
        assert told["commit"] == commit == second.commit
        assert told["pipelines"] == [
            {
                "pipeline": "join",
                "datums": 1,
                "predicted_s": pytest.approx(first.work_s / 2),
                "measured_s": pytest.approx(second.work_s),
            }
        ]
        measured_run(project=project, json=False)
        shown = capsys.readouterr()
        assert "predicted s" in shown.out.splitlines()[0]
        assert "predicted from the runs before" in " ".join(shown.err.split())
        fixed = {"cores": 2, "price": 1.0, "gib_per_core": 2.0, "robot_day_hours": 24.0}
        with pytest.raises(UsageError, match="robots and hours"):
            estimate(project=project, robots=None, hours=None, **fixed, json=True)
        estimate(project=project, robots=10, hours=24.0, **fixed, json=True)
        planned = json.loads(capsys.readouterr().out)
        assert planned["robot_hours"] == 240
        assert planned["stages"][0]["core_hours"] == pytest.approx(second.work_s * 3 / 72 * 240 / 3600)
