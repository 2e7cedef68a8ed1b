"""Pipelines: stopped, started, created, updated, deleted, refused; and how their jobs are listed."""

import json
from typing import Any

import pytest
from pachyderm_sdk import Client
from pachyderm_sdk.api import pfs, pps

World = Any
Refused = Any
STATE = pps.JobState


def test_a_stopped_pipeline_makes_no_jobs_until_it_is_started(
    world: World, client: Client, reads: Any
) -> None:
    repo = world.repo()
    pipeline = world.pipeline("p", reads(repo, "/*"))
    name = pps.Pipeline(name=pipeline)
    world.push(repo, {"/a": b"1"})
    client.pps.stop_pipeline(pipeline=name)
    info = client.pps.inspect_pipeline(pipeline=name)
    assert (info.stopped, info.state) == (True, pps.PipelineState.PIPELINE_PAUSED)
    world.push(repo, {"/b": b"2"})
    assert world.files(pipeline) == {"/a": b"1"}
    client.pps.start_pipeline(pipeline=name)
    world.last(pipeline)
    assert world.files(pipeline) == {"/a": b"1", "/b": b"2"}
    assert client.pps.inspect_pipeline(pipeline=name).state == pps.PipelineState.PIPELINE_RUNNING


def test_list_job_by_pipeline_input_and_history(world: World, client: Client, reads: Any) -> None:
    repo = world.repo()
    pipeline = world.pipeline("p", reads(repo, "/*"))
    commit = world.push(repo, {"/a": b"1"}).commit
    world.pipeline(pipeline, reads(repo, "/*"), "true", update=True)
    name = pps.Pipeline(name=pipeline)

    def ids(**request: Any) -> list[str]:
        return [info.job.id for info in client.pps.list_job(pipeline=name, **request)]

    everything = ids(history=-1)
    assert len(everything) == 3
    assert everything[1] == commit.id
    assert ids() == everything[:1]
    assert ids(history=1) == everything
    assert commit.id in ids(history=-1, input_commit=[commit])
    assert ids(history=-1, number=2) == everything[:2]
    assert ids(history=-1, reverse=True) == everything[::-1]


def test_inspect_job_set_waits_for_all(world: World, client: Client, reads: Any) -> None:
    repo = world.repo()
    first = world.pipeline("first", reads(repo, "/*"))
    second = world.pipeline("second", reads(first, "/*"))
    with client.pfs.commit(branch=pfs.Branch.from_uri(f"{repo}@master")) as commit:
        commit.put_file_from_bytes("/a", b"1")
    infos = list(client.pps.inspect_job_set(job_set=pps.JobSet(id=commit.id), wait=True))
    assert [(i.job.pipeline.name, i.state) for i in infos] == [
        (first, STATE.JOB_SUCCESS),
        (second, STATE.JOB_SUCCESS),
    ]


def test_creating_a_pipeline_runs_it_on_what_is_there(world: World, reads: Any) -> None:
    repo = world.repo()
    world.push(repo, {"/a": b"1"})
    pipeline = world.pipeline("p", reads(repo, "/*"))
    assert world.files(pipeline) == {"/a": b"1"}
    assert world.last(pipeline).data_processed == 1


def test_create_pipeline_as_a_message(world: World, client: Client) -> None:
    repo = world.repo()
    name = f"p-{world.tag}"
    client.pps.create_pipeline(
        pipeline=pps.Pipeline(name=name),
        input=pps.Input(pfs=pps.PfsInput(repo=repo, glob="/*", name="in")),
        transform=pps.Transform(cmd=["sh"], stdin=["cp $in /pfs/out/"]),
        parallelism_spec=pps.ParallelismSpec(constant=2),
    )
    world.pipelines.append(name)
    world.push(repo, {"/a": b"1"})
    assert world.files(name) == {"/a": b"1"}
    info = client.pps.inspect_pipeline(pipeline=pps.Pipeline(name=name), details=True)
    assert info.details.transform.cmd == ["sh"]
    assert info.details.input.pfs.glob == "/*"
    assert info.parallelism == 2


def test_pipeline_versions_are_kept(world: World, client: Client, reads: Any, refused: Refused) -> None:
    repo = world.repo()
    pipeline = world.pipeline("p", reads(repo, "/*"), description="first")
    with refused("ALREADY_EXISTS"):
        world.pipeline(pipeline, reads(repo, "/*"))
    world.pipeline(pipeline, reads(repo, "/*"), update=True, description="second")
    name = pps.Pipeline(name=pipeline)
    infos = list(client.pps.list_pipeline(pipeline=name, history=-1))
    assert [(i.version, i.details.description) for i in infos] == [(2, "second"), (1, "first")]
    assert client.pps.inspect_pipeline(pipeline=name).version == 2


def test_delete_pipeline_removes_its_repos(
    world: World, client: Client, reads: Any, refused: Refused
) -> None:
    repo = world.repo()
    first = world.pipeline("first", reads(repo, "/*"))
    second = world.pipeline("second", reads(first, "/*"))
    with refused("FAILED_PRECONDITION"):
        client.pps.delete_pipeline(pipeline=pps.Pipeline(name=first))
    client.pps.delete_pipeline(pipeline=pps.Pipeline(name=second))
    client.pps.delete_pipeline(pipeline=pps.Pipeline(name=first), keep_repo=True)
    world.pipelines.clear()
    assert client.pfs.repo_exists(pfs.Repo.from_uri(first))
    assert not client.pfs.repo_exists(pfs.Repo.from_uri(second))
    assert not client.pps.pipeline_exists(pps.Pipeline(name=first))


@pytest.mark.parametrize(
    ("change", "code", "text"),
    [
        ({"input": None}, "INVALID_ARGUMENT", "input"),
        ({"transform": {"cmd": []}}, "INVALID_ARGUMENT", "cmd"),
        ({"input": {"pfs": {"repo": "nowhere-at-all", "glob": "/*"}}}, "NOT_FOUND", "nowhere-at-all"),
        ({"reprocess_spec": "sometimes"}, "INVALID_ARGUMENT", "reprocess_spec"),
        ({"spout": {"service": {}}, "input": None}, "UNIMPLEMENTED", "spout"),
    ],
)
def test_bad_specs_are_refused(
    world: World, client: Client, reads: Any, refused: Refused, change: Any, code: str, text: str
) -> None:
    spec = {
        "pipeline": {"name": f"p-{world.tag}"},
        "input": reads(world.repo(), "/*"),
        "transform": {"cmd": ["true"]},
        **change,
    }
    with refused(code, text):
        client.pps.create_pipeline_v2(create_pipeline_request_json=json.dumps(spec))
    assert not client.pps.pipeline_exists(pps.Pipeline(name=f"p-{world.tag}"))
