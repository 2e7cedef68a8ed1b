"""Datums that fail in every way, and clocks that jump: the job ends in the right state and says which."""

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipelines.answers import seconds_between
from pipelines.client import Job, Pachd
from pipelines.pachd import gc, records
from pipelines.pachd.engine import Engine
from pipelines.pachd.executor import ProcessExecutor
from pipelines.pachd.files import Append
from pipelines.pachd.gc import Activities
from tests.faults.day import contents
from tests.faults.inline import Copying, push, run_jobs
from tests.faults.victim import PIPELINE

SCRIPT = """
case $(cat $in) in
good) cp $in /pfs/out/ ;;
poison) echo broken; exit 3 ;;
hang) sleep 600 ;;
killed) kill -9 $$ ;;
greedy) ulimit -v 300000; python3 -S -c 'bytearray(10**9)' ;;
endless) while :; do echo y; done ;;
esac
"""
BAD = ("poison", "killed", "greedy")
LATE = ("hang", "endless")


def spec(name: str, source: str, script: str, timeout: str = "") -> str:
    return json.dumps({
        "pipeline": {"name": name},
        "input": {"pfs": {"name": "in", "repo": source, "glob": "/*"}},
        "transform": {"cmd": ["sh"], "stdin": script.strip().splitlines()},
        "parallelism_spec": {"constant": 2},
        "datum_tries": 1,
        **({"datum_timeout": timeout} if timeout else {}),
    })  # fmt: skip


def ended(pachd: Pachd, commit: str) -> dict[str, Job]:
    while not all(job.done for job in pachd.jobs(commit=commit)):
        time.sleep(0.02)
    return {job.pipeline: job for job in pachd.jobs(commit=commit)}


def test_a_job_with_every_kind_of_bad_datum_ends_and_says_which(tmp_path: Path) -> None:
    with Engine(tmp_path / "engine", executor=ProcessExecutor(workers=2)) as engine:
        pachd = Pachd.at(f"127.0.0.1:{engine.serve()}")
        pachd.create_repo("moods")
        pachd.create_repo("late")
        pachd.create_pipeline(spec("first", "moods", SCRIPT))
        pachd.create_pipeline(spec("second", "first", "cp $in /pfs/out/"))
        pachd.create_pipeline(spec("third", "late", SCRIPT, timeout="1s"))
        files = {f"/{mood}": mood.encode() for mood in (*BAD, "good")} | {"/good2": b"good"}
        jobs = ended(pachd, pachd.put("moods", files))
        first = jobs["first"]
        assert (first.state, first.total, first.processed, first.failed) == ("FAILURE", 5, 2, 3)
        assert first.reason.startswith("3 datum(s) failed")
        assert jobs["second"].state == "UNRUNNABLE"
        states = {datum.inputs[0]: datum.state for datum in pachd.datums("first", first.commit)}
        assert states == {
            f"moods:{path}": "SUCCESS" if data == b"good" else "FAILED" for path, data in files.items()
        }
        healed = ended(pachd, pachd.put("moods", {f"/{mood}": b"good" for mood in BAD}))
        assert {name: job.state for name, job in healed.items()} == {"first": "SUCCESS", "second": "SUCCESS"}
        assert (healed["first"].processed, healed["first"].skipped) == (3, 2)
        assert set(pachd.read_all("second")) == set(files)
        third = ended(pachd, pachd.put("late", {f"/{mood}": mood.encode() for mood in LATE}))["third"]
        assert (third.state, third.failed) == ("FAILURE", 2)
        assert third.reason.endswith("timed out after 1 s")


@pytest.mark.parametrize("jump", [-86_400.0, 0.0, 86_400.0])
def test_what_a_push_wrote_is_not_collected_though_the_clock_jumps(
    monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    activities, steady, offset = Activities(), 1_000.0, 0.0
    monkeypatch.setattr(gc.time, "monotonic", lambda: steady)
    monkeypatch.setattr(gc.time, "time", lambda: 1e9 + steady + offset)
    with activities.one():
        steady += 5
        before = gc.time.time()
        offset += jump
        steady += 5
        after = gc.time.time()
        steady += 5
        assert activities.oldest() <= min(before, after)
    assert activities.oldest() == gc.time.time()


class Jumping(Copying):
    """The clock is set while each datum runs."""

    def __init__(self, clock: list[float]) -> None:
        super().__init__()
        self.clock = clock

    def made_of(self, content: bytes) -> bytes:
        self.clock[0] += self.clock[1]
        return content


@pytest.mark.parametrize("jump", [-86_400.0, 86_400.0])
def test_a_job_ends_well_though_the_clock_jumps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jump: float
) -> None:
    clock = [0.0, jump]
    monkeypatch.setattr(records.time, "time_ns", lambda: int((1.8e9 + clock[0]) * 1e9))
    engine = Engine(tmp_path / "engine", executor=Jumping(clock))
    engine.repos.create("in")
    engine.pipelines.create(PIPELINE)
    for number in range(3):
        uuid = push(engine, Append("/a", b"%d" % number), Append(f"/{number}", b"one"))
        run_jobs(engine)
        (job,) = engine.jobs.in_set(uuid)
        assert (job.state, job.processed, job.failed) == ("SUCCESS", 2, 0)
        clock[1] = -clock[1]
    made = contents(engine, engine.commits.readable(engine.repos.get("copy"), "master"))
    assert made == contents(engine, engine.commits.find(engine.repos.get("in"), "master"))
    engine.collect_garbage()
    assert list(engine.fsck()) == []
    assert next(commit.uuid for commit in engine.commits.log(engine.repos.get("in"))) == uuid
    engine.metadata.close()


def test_a_job_never_took_less_than_no_time() -> None:
    ended = datetime(2026, 3, 1, tzinfo=UTC)
    assert seconds_between(ended + timedelta(days=1), ended) == 0.0
    assert seconds_between(ended - timedelta(seconds=1.5), ended) == 1.5
    assert seconds_between(ended, None) is None
