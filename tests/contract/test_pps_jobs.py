"""Jobs: states, retries, failures, the worker's world, parallelism, logs."""

import threading
from itertools import pairwise
from typing import Any

import pytest
from pachyderm_sdk import Client
from pachyderm_sdk.api import pfs, pps

World = Any
Refused = Any
STATE = pps.JobState


def test_a_job_goes_through_its_states_to_success(world: World, client: Client, reads: Any) -> None:
    repo = world.repo()
    pipeline = world.pipeline("p", reads(repo, "/*"))
    states: list[str] = []
    begun = threading.Event()

    def watch() -> None:
        stream = client.pps.subscribe_job(pipeline=pps.Pipeline(name=pipeline))
        begun.set()
        for info in stream:
            states.append(STATE(info.state).name)
            if info.state == STATE.JOB_SUCCESS:
                return

    thread = threading.Thread(target=watch)
    thread.start()
    begun.wait()
    world.push(repo, {"/a": b"1"})
    thread.join()
    order = ["JOB_CREATED", "JOB_STARTING", "JOB_RUNNING", "JOB_EGRESSING", "JOB_FINISHING", "JOB_SUCCESS"]
    assert states == [state for state in order if state in states]
    assert states[-1] == "JOB_SUCCESS"
    info = world.last(pipeline)
    assert info.created <= info.started <= info.finished


def test_a_failed_datum_fails_the_job_and_good_outputs_are_kept(
    world: World, client: Client, reads: Any
) -> None:
    repo = world.repo()
    script = 'echo working on $(basename $in); [ "$(cat $in)" != bad ] && cp $in /pfs/out/'
    pipeline = world.pipeline("p", reads(repo, "/*"), script, datum_tries=1)
    commit = world.push(repo, {"/a": b"1", "/b": b"bad"}).commit
    job = world.last(pipeline)
    assert job.state == STATE.JOB_FAILURE
    assert (job.data_processed, job.data_failed, job.data_total) == (1, 1, 2)
    assert world.datums(job) == {"/a": "SUCCESS", "/b": "FAILED"}
    assert world.files(pipeline, commit.id) == {"/a": b"1"}
    output = client.pfs.inspect_commit(commit=pfs.Commit.from_uri(f"{pipeline}@{commit.id}"))
    assert output.error
    assert output.finished.year > 1970


def test_a_failed_commit_is_not_the_base_of_later_jobs(world: World, reads: Any) -> None:
    repo = world.repo()
    script = '[ "$(cat $in)" != bad ] && cp $in /pfs/out/'
    pipeline = world.pipeline("p", reads(repo, "/*"), script, datum_tries=1)
    world.push(repo, {"/a": b"1", "/b": b"2"})
    world.push(repo, {"/b": b"bad"})
    world.push(repo, {"/c": b"3"})
    assert world.last(pipeline).state == STATE.JOB_FAILURE
    assert world.datums(world.last(pipeline))["/b"] == "FAILED"
    world.push(repo, {"/b": b"2"})
    job = world.last(pipeline)
    assert job.state == STATE.JOB_SUCCESS
    assert world.datums(job)["/b"] == "SKIPPED"
    assert world.files(pipeline) == {"/a": b"1", "/b": b"2", "/c": b"3"}


def test_jobs_downstream_of_a_failure_are_unrunnable(world: World, client: Client, reads: Any) -> None:
    repo = world.repo()
    first = world.pipeline("first", reads(repo, "/*"), '[ "$(cat $in)" != bad ]', datum_tries=1)
    second = world.pipeline("second", reads(first, "/*"))
    third = world.pipeline("third", reads(second, "/*"))
    world.push(repo, {"/a": b"bad"})
    assert [world.last(p).state for p in (first, second, third)] == [
        STATE.JOB_FAILURE, STATE.JOB_UNRUNNABLE, STATE.JOB_UNRUNNABLE,
    ]  # fmt: skip
    infos = client.pfs.inspect_commit_set(commit_set=pfs.CommitSet(id=world.last(third).job.id), wait=True)
    assert all(info.error for info in infos if info.commit.repo.name != repo)
    world.push(repo, {"/a": b"good"})
    assert [world.last(p).state for p in (first, second, third)] == [STATE.JOB_SUCCESS] * 3


def test_datum_tries_is_three_by_default(world: World, reads: Any, tmp_path: Any) -> None:
    repo = world.repo()
    pipeline = world.pipeline("p", reads(repo, "/*"), "echo a try; exit 1")
    world.push(repo, {"/a": b"1"})
    assert world.logs(job=world.last(pipeline).job).count("a try") == 3


def test_a_later_try_may_succeed(world: World, reads: Any) -> None:
    repo = world.repo()
    mark = f"/tmp/tried-{world.tag}"
    pipeline = world.pipeline(
        "p",
        reads(repo, "/*"),
        f"echo a try; if [ -f {mark} ]; then rm {mark}; cp $in /pfs/out/; else touch {mark}; exit 1; fi",
    )
    world.push(repo, {"/a": b"1"})
    assert world.last(pipeline).state == STATE.JOB_SUCCESS
    assert world.logs(job=world.last(pipeline).job).count("a try") == 2


def test_datum_timeout_kills_the_whole_process_group(world: World, reads: Any) -> None:
    repo = world.repo()
    pipeline = world.pipeline(
        "p", reads(repo, "/*"), "sleep 1000 & sleep 1000", datum_timeout="0.3s", datum_tries=1
    )
    world.push(repo, {"/a": b"1"})
    job = world.last(pipeline)
    assert job.state == STATE.JOB_FAILURE
    assert "timed out" in job.reason


def test_job_timeout_kills_the_job(world: World, reads: Any) -> None:
    repo = world.repo()
    pipeline = world.pipeline("p", reads(repo, "/*"), "sleep 1000", job_timeout="0.5s")
    world.push(repo, {"/a": b"1"})
    job = world.last(pipeline)
    assert job.state == STATE.JOB_KILLED
    assert "job_timeout" in job.reason


def test_err_cmd_recovers_a_datum(world: World, reads: Any) -> None:
    repo = world.repo()
    script = '[ "$(cat $in)" != bad ] && cp $in /pfs/out/'
    recover = {"err_cmd": ["sh"], "err_stdin": ["echo giving up"]}
    pipeline = world.pipeline("p", reads(repo, "/*"), script, transform=recover, datum_tries=1)
    world.push(repo, {"/a": b"1", "/b": b"bad"})
    job = world.last(pipeline)
    assert job.state == STATE.JOB_SUCCESS
    assert world.datums(job) == {"/a": "SUCCESS", "/b": "RECOVERED"}
    assert (job.data_processed, job.data_recovered, job.data_failed) == (1, 1, 0)
    assert world.files(pipeline) == {"/a": b"1"}
    world.push(repo, {"/c": b"3"})
    assert world.datums(world.last(pipeline)) == {"/a": "SKIPPED", "/b": "RECOVERED", "/c": "SUCCESS"}


def test_accept_return_code_is_success(world: World, reads: Any) -> None:
    repo = world.repo()
    pipeline = world.pipeline("p", reads(repo, "/*"), "exit 7", transform={"accept_return_code": [7]})
    world.push(repo, {"/a": b"1"})
    assert world.last(pipeline).state == STATE.JOB_SUCCESS


def test_stop_job_kills_it(world: World, client: Client, reads: Any) -> None:
    repo = world.repo()
    pipeline = world.pipeline(
        "p", reads(repo, "/*"), '[ "$(cat $in)" = slow ] && sleep 1000; cp $in /pfs/out/'
    )
    with client.pfs.commit(branch=pfs.Branch.from_uri(f"{repo}@master")) as commit:
        commit.put_file_from_bytes("/a", b"slow")
    job = world.jobs(pipeline)[0].job
    client.pps.stop_job(job=job, reason="enough")
    info = client.pps.inspect_job(job=job, wait=True)
    assert (info.state, info.reason) == (STATE.JOB_KILLED, "enough")
    world.push(repo, {"/a": b"fast"})
    assert world.files(pipeline) == {"/a": b"fast"}


def test_the_workers_world(world: World, reads: Any) -> None:
    repo = world.repo()
    script = "\n".join(
        [
            "cd /pfs/out",
            "echo $in > in; echo $in_COMMIT > commit; echo $PACH_JOB_ID > job; echo $PACH_DATUM_ID > datum",
            "echo $PACH_OUTPUT_COMMIT_ID > output; echo $GREETING > env; ls /pfs > ls",
            "cat /pfs/in/d/a > content",
        ]
    )
    pipeline = world.pipeline("p", reads(repo, "/*"), script, transform={"env": {"GREETING": "hello"}})
    commit = world.push(repo, {"/d/a": b"1"}).commit.id
    files = {path: data.decode().split() for path, data in world.files(pipeline).items()}
    assert files.pop("/datum") == [
        info.datum.id for info in world.client.pps.list_datum(job=world.last(pipeline).job)
    ]
    assert set(files.pop("/ls")) >= {"in", "out"}
    assert files == {
        "/in": ["/pfs/in/d"],
        "/commit": [commit],
        "/job": [commit],
        "/output": [commit],
        "/env": ["hello"],
        "/content": ["1"],
    }


def test_joined_datums_know_their_key(world: World) -> None:
    left, right = world.repo("left"), world.repo("right")
    world.push(left, {"/1.x": b"1"})
    world.push(right, {"/1.y": b"1"})
    pipeline = world.pipeline(
        "p",
        {
            "join": [
                {"pfs": {"name": "a", "repo": left, "glob": "/(*).x", "join_on": "$1"}},
                {"pfs": {"name": "b", "repo": right, "glob": "/(*).y", "join_on": "$1"}},
            ]
        },
        "echo $PACH_DATUM_a_JOIN_ON $PACH_DATUM_b_JOIN_ON > /pfs/out/key",
    )
    assert world.files(pipeline) == {"/key": b"1 1\n"}


def test_a_command_without_a_shell(world: World, reads: Any) -> None:
    repo = world.repo()
    pipeline = world.pipeline("p", reads(repo, "/"), "", transform={"cmd": ["cp", "/pfs/in/a", "/pfs/out/b"]})
    world.push(repo, {"/a": b"1"})
    assert world.files(pipeline) == {"/b": b"1"}


@pytest.mark.parametrize(
    "more",
    [
        {"parallelism_spec": {"constant": 2}},
        {"datum_set_spec": {"number": 3}},
        {"datum_set_spec": {"size_bytes": 10}},
        {"parallelism_spec": {"constant": 2}, "datum_set_spec": {"per_worker": 1}},
    ],
)
def test_parallelism_and_datum_sets_change_no_result(world: World, reads: Any, more: dict[str, Any]) -> None:
    repo = world.repo()
    pipeline = world.pipeline("p", reads(repo, "/*"), **more)
    files = {f"/{i}": str(i).encode() * i for i in range(10)}
    world.push(repo, files)
    assert world.files(pipeline) == files
    assert world.last(pipeline).data_processed == 10


def test_one_worker_by_default(world: World, reads: Any) -> None:
    repo = world.repo()
    script = "date +%s%N > /pfs/out/$(basename $in); sleep 0.1; date +%s%N >> /pfs/out/$(basename $in)"
    pipeline = world.pipeline("p", reads(repo, "/*"), script)
    world.push(repo, {f"/{name}": b"1" for name in "abc"})
    spans = sorted(tuple(map(int, text.split())) for text in world.files(pipeline).values())
    assert all(ended <= begun for (_, ended), (begun, _) in pairwise(spans))


def test_datum_batching_keeps_one_process_for_many_datums(world: World, reads: Any, batching: None) -> None:
    repo = world.repo()
    program = """
import os, pathlib
from pachyderm_sdk import batch_all_datums

@batch_all_datums
def main():
    (file,) = pathlib.Path("/pfs/in").iterdir()
    pathlib.Path("/pfs/out", file.name).write_text(str(os.getpid()))

main()
"""
    transform = {"cmd": ["python3", "-c", program], "stdin": [], "datum_batching": True}
    pipeline = world.pipeline("p", reads(repo, "/*"), transform=transform, datum_set_spec={"number": 3})
    world.push(repo, {f"/{name}": b"1" for name in "abc"})
    files = world.files(pipeline)
    assert (sorted(files), len(set(files.values()))) == (["/a", "/b", "/c"], 1)


def test_datums_that_have_not_ended_are_starting(world: World, client: Client, reads: Any) -> None:
    repo = world.repo()
    pipeline = world.pipeline(
        "p", reads(repo, "/*"), '[ "$(cat $in)" = slow ] && sleep 1000; cp $in /pfs/out/'
    )
    with client.pfs.commit(branch=pfs.Branch.from_uri(f"{repo}@master")) as commit:
        commit.put_file_from_bytes("/a", b"slow")
    job = world.jobs(pipeline)[0]
    assert world.datums(job) == {"/a": "STARTING"}
    client.pps.stop_job(job=job.job)
    world.wait(job)


def test_logs_per_datum(world: World, client: Client, reads: Any) -> None:
    repo = world.repo()
    pipeline = world.pipeline("p", reads(repo, "/*"), "echo saw $(basename $in); echo oops >&2")
    world.push(repo, {"/a": b"1", "/b": b"2"})
    job = world.last(pipeline).job
    assert sorted(world.logs(job=job)) == ["oops", "oops", "saw a", "saw b"]
    assert sorted(world.logs(pipeline=pps.Pipeline(name=pipeline))) == ["oops", "oops", "saw a", "saw b"]
    datum = next(info.datum for info in client.pps.list_datum(job=job) if info.data[0].file.path == "/b")
    assert set(world.logs(job=job, datum=datum)) == {"saw b", "oops"}
    assert set(world.logs(job=job, data_filters=["/a"])) == {"saw a", "oops"}
    assert len(world.logs(job=job, tail=1)) == 1
    assert sorted(world.logs(job=job, follow=True)) == ["oops", "oops", "saw a", "saw b"]
