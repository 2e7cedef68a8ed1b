"""A daemon's log lines: one a fact, as key=value, with the ids of job and datum."""

import json
import logging
import shlex
from collections.abc import Iterator

import pytest
import structlog

from pipelines.client import Pachd
from pipelines.commands.output import log_to_stderr
from pipelines.pachd.engine import Engine


@pytest.fixture
def restored() -> Iterator[None]:
    yield
    structlog.reset_defaults()


def lines(text: str) -> list[dict[str, str]]:
    return [dict(pair.split("=", 1) for pair in shlex.split(line)) for line in text.splitlines()]


def test_jobs_and_failed_datums_are_told_with_their_ids(tmp_path, capsys, restored):
    log_to_stderr(logging.INFO)
    spec = {
        "pipeline": {"name": "picky"},
        "transform": {"cmd": ["sh", "-c", "test -e /pfs/in/a"]},
        "input": {"pfs": {"name": "in", "repo": "in", "glob": "/*"}},
        "datum_tries": 1,
    }
    unfinished = "SELECT count(*) FROM jobs WHERE finished IS NULL"
    with Engine(tmp_path, workers=1) as engine:
        pachd = Pachd.at(f"127.0.0.1:{engine.serve()}")
        pachd.create_repo("in")
        pachd.put("in", {"/a": b"1", "/b": b"2"})
        pachd.create_pipeline(json.dumps(spec))
        engine.metadata.wait(lambda: None if engine.metadata.value(unfinished) else True)
        (job,) = pachd.jobs(pipeline="picky")
        (bad,) = [one.id for one in pachd.datums("picky", job.commit) if one.state == "FAILED"]
    told = capsys.readouterr()
    assert told.out == ""
    began, failed, ended = lines(told.err)
    assert (began["event"], began["level"], began["datums"]) == ("job began", "info", "2")
    assert (failed["event"], failed["datum"]) == ("datum failed", bad)
    assert (ended["event"], ended["state"], ended["failed"]) == ("job ended", "FAILURE", "1")
    assert {line["job"] for line in (began, failed, ended)} == {job.commit}
    assert {line["pipeline"] for line in (began, failed, ended)} == {"picky"}
    assert all(line["timestamp"].endswith("Z") for line in (began, failed, ended))


def test_other_commands_tell_warnings_only(capsys, restored):
    log_to_stderr()
    structlog.get_logger().info("quiet")
    structlog.get_logger().warning("loud", job="j1")
    (line,) = lines(capsys.readouterr().err)
    assert (line["event"], line["job"]) == ("loud", "j1")
