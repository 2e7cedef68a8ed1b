"""Specs: what is read, what is kept, and that every mistake is named."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pachyderm_sdk.api import pps

from features.errors import DataError
from pipelines.pachd.errors import UnsupportedError
from pipelines.pachd.inputs import Combined, CronInput, PfsInput, input_json, leaves, parse_input
from pipelines.pachd.spec import DatumSetSpec, PipelineSpec, Transform, parse_spec

EDGES: dict[str, Any] = {
    "pipeline": {"name": "edges"},
    "description": "Edge detection",
    "transform": {"image": "pachyderm/opencv:1.0", "cmd": ["python3", "/edges.py"]},
    "input": {"pfs": {"repo": "images", "glob": "/*"}},
}


def edges(**more: Any) -> dict[str, Any]:
    return {**EDGES, **more}


def test_the_tutorials_spec_with_its_defaults() -> None:
    assert parse_spec(EDGES) == PipelineSpec(
        name="edges",
        project="default",
        description="Edge detection",
        transform=Transform(cmd=("python3", "/edges.py"), image="pachyderm/opencv:1.0"),
        input=PfsInput(name="images", repo="images", glob="/*", branch="master", project="default"),
        raw=EDGES,
        parallelism=1,
        datum_tries=3,
        output_branch="master",
        reprocess_spec="until_success",
    )


FULL_SNAKE: dict[str, Any] = {
    "pipeline": {"name": "p", "project": {"name": "fleet"}},
    "transform": {
        "cmd": ["sh"],
        "stdin": ["ls /pfs"],
        "err_cmd": ["sh"],
        "err_stdin": ["exit 0"],
        "env": {"A": "b"},
        "accept_return_code": ["3", 4],
        "working_dir": "/app",
        "image": "i",
        "user": "nobody",
        "secrets": [{"name": "s", "env_var": "TOKEN", "key": "k"}],
    },
    "input": {"pfs": {"repo": "r", "glob": "/(*)", "join_on": "$1", "outer_join": True, "empty_files": True}},
    "parallelism_spec": {"constant": "4"},
    "datum_set_spec": {"number": 2, "size_bytes": "100"},
    "datum_tries": "5",
    "datum_timeout": "90s",
    "job_timeout": "1h30m",
    "output_branch": "dev",
    "salt": "pepper",
    "reprocess_spec": "every_job",
    "resource_requests": {"memory": "1G", "cpu": 1},
    "resource_limits": {"memory": "2Gi", "cpu": 2},
    "scheduling_spec": {"node_selector": {"a": "b"}},
    "pod_patch": "[]",
    "autoscaling": True,
    "metadata": {"labels": {"team": "x"}},
    "update": True,
}


def camel(value: Any) -> Any:
    if isinstance(value, dict):
        head = {"A", "a"}
        return {
            k if k in head else k.split("_")[0] + "".join(w.title() for w in k.split("_")[1:]): camel(v)
            for k, v in value.items()
        }
    return [camel(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("raw", [FULL_SNAKE, camel(FULL_SNAKE)], ids=["snake_case", "camelCase"])
def test_every_key_in_both_spellings(raw: dict[str, Any]) -> None:
    assert parse_spec(raw) == PipelineSpec(
        name="p",
        project="fleet",
        transform=Transform(
            cmd=("sh",),
            stdin=("ls /pfs",),
            err_cmd=("sh",),
            err_stdin=("exit 0",),
            env={"A": "b"},
            accept_return_code=(3, 4),
            working_dir="/app",
            image="i",
        ),
        input=PfsInput(
            name="r", repo="r", glob="/(*)", project="fleet", join_on="$1", outer_join=True, empty_files=True
        ),
        raw=raw,
        parallelism=4,
        datum_set=DatumSetSpec(number=2, size_bytes=100),
        datum_tries=5,
        datum_timeout_s=90.0,
        memory=2 << 30,
        job_timeout_s=5400.0,
        output_branch="dev",
        salt="pepper",
        reprocess_spec="every_job",
        update=True,
    )


def test_the_sdks_message_and_back() -> None:
    spec = parse_spec(FULL_SNAKE)
    assert spec.request.datum_timeout == timedelta(seconds=90)
    assert spec.request.job_timeout == timedelta(hours=1, minutes=30)
    assert spec.request.transform.secrets == [pps.SecretMount(name="s", env_var="TOKEN", key="k")]
    assert spec.request.input.pfs.branch == "master"
    again = parse_spec(spec.request.to_dict())
    assert {**vars(again), "raw": None, "request": None} == {**vars(spec), "raw": None, "request": None}


def test_a_message_of_the_sdk_is_a_spec() -> None:
    request = pps.CreatePipelineRequest(
        pipeline=pps.Pipeline(name="edges"),
        description="Edge detection",
        transform=pps.Transform(image="pachyderm/opencv:1.0", cmd=["python3", "/edges.py"]),
        input=pps.Input(pfs=pps.PfsInput(repo="images", glob="/*")),
    )
    read = parse_spec(request.to_dict())
    assert {**vars(read), "raw": None} == {**vars(parse_spec(EDGES)), "raw": None}


PFS = {"pfs": {"repo": "r", "glob": "/*"}}


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ([], "the spec must be a JSON object; got: []"),
        ({}, "pipeline.name is missing"),
        (edges(pipeline={"name": "a b"}), "pipeline.name is not valid; got: a b"),
        (edges(pipeline={"name": "a", "nam": "b"}), "pipeline.nam is not a key of a pipeline spec"),
        ({k: v for k, v in EDGES.items() if k != "input"}, "input is missing"),
        ({k: v for k, v in EDGES.items() if k != "transform"}, "transform.cmd is missing"),
        (edges(transform={"cmd": "python3"}), "transform.cmd must be a list; got: 'python3'"),
        (edges(transform={"cmd": ["a", 1]}), "transform.cmd[1] must be a string; got: 1"),
        (edges(transform={"cmd": ["a"], "env": {"A": 1}}), "transform.env.A must be a string; got: 1"),
        (
            edges(transform={"cmd": ["a"], "accept_return_code": ["x"]}),
            "transform.accept_return_code must be",
        ),
        (
            edges(datum_tires=3),
            "datum_tires is not a key of a pipeline spec; hint: did you mean 'datum_tries'",
        ),
        (edges(datum_tries=-1), "datum_tries must be a whole number from 0; got: -1"),
        (edges(datum_tries=True), "datum_tries must be a whole number from 0; got: True"),
        (edges(datum_tries=1, datumTries=2), "datum_tries is given twice"),
        (edges(datum_timeout="soon"), "datum_timeout must be a duration; got: 'soon'"),
        (edges(datum_timeout=5), "datum_timeout must be a duration; got: 5"),
        (edges(reprocess_spec="always"), "reprocess_spec is not valid; got: always"),
        (edges(update="yes"), "update must be true or false; got: 'yes'"),
        (
            edges(datum_set_spec={"per_worker": 2, "number": 1}),
            "datum_set_spec.per_worker cannot be set with",
        ),
        (edges(input={}), "input must have one kind of input; got: []"),
        (edges(input={**PFS, "cross": [PFS]}), "input must have one kind of input; got: ['pfs', 'cross']"),
        (edges(input={"cross": []}), "input.cross is empty"),
        (edges(input={"cross": [PFS, PFS]}), "name is used more than once; got: r"),
        (edges(input={"union": [PFS, {"cross": [PFS, PFS]}]}), "name is used more than once; got: r"),
        (edges(input={"cross": [{"union": [PFS, PFS]}, PFS]}), "name is used more than once; got: r"),
        (edges(input={"pfs": {"glob": "/*"}}), "input.pfs.repo is missing"),
        (edges(input={"pfs": {"repo": "r"}}), "input.pfs.glob is missing"),
        (edges(input={"pfs": {"repo": "r", "glb": "/"}}), "hint: is 'glb' a misspelling?"),
        (edges(input={"pfs": {"repo": "r", "glob": "/["}}), "bad glob pattern"),
        (edges(input={"pfs": {"repo": "out", "glob": "/"}}), "cannot have this name; got: out"),
        (
            edges(input={"pfs": {"repo": "r", "glob": "/", "commit": "c"}}),
            "input.pfs.commit: an input cannot",
        ),
        (edges(input={"pfs": {"repo": "r", "glob": "/*", "join_on": "$1"}}), "refers to a capture group"),
        (edges(input={"cron": {"name": "t", "spec": "often"}}), "bad cron expression; got: 'often'"),
        (edges(input={"cron": {"spec": "@daily"}}), "input.cron.name is missing"),
        (edges(input={"cron": {"name": "t", "spec": "@daily", "start": "now"}}), "input.cron.start must be"),
        (
            edges(input={"cross": [PFS, {"pfs": {"repo": "s", "glob": 1}}]}),
            "input.cross[1].pfs.glob must be a",
        ),
    ],
)
def test_a_mistake_is_named(raw: object, said: str) -> None:
    with pytest.raises(DataError) as caught:
        parse_spec(raw)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (edges(spout={"service": {}}), "spout: "),
        (edges(service={"internal_port": 80}), "service: "),
        (edges(egress={"URL": "s3://b"}), "egress: "),
        (edges(s3_out=True), "s3_out: "),
        (edges(s3Out=True), "s3_out: "),
        (edges(tf_job={"tf_job": "x"}), "tf_job: "),
        (edges(input={"pfs": {"repo": "r", "glob": "/", "s3": True}}), "input.pfs.s3: "),
        (edges(input={"pfs": {"repo": "r", "glob": "/", "trigger": {"size": "1K"}}}), "input.pfs.trigger: "),
    ],
)
def test_what_only_a_cluster_does_is_refused_with_a_sentence(raw: object, said: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        parse_spec(raw)
    assert str(caught.value).startswith(said)


def test_false_and_null_are_as_good_as_absent() -> None:
    spec = parse_spec(edges(s3_out=False, service=None, spout={}, parallelism_spec=None, salt=None))
    assert (spec.parallelism, spec.salt) == (1, "")


def test_parallelism_zero_means_every_worker() -> None:
    assert parse_spec(edges(parallelism_spec={"constant": 0})).parallelism == 0


def test_union_parts_may_share_a_name() -> None:
    assert [leaf.name for leaf in leaves(parse_input({"union": [PFS, PFS]}))] == ["r", "r"]


def test_cron_and_nesting_survive_the_round_trip() -> None:
    raw = {"cross": [{"cron": {"name": "tick", "spec": "@every 30s", "start": "2026-01-01T00:00:00Z"}}, PFS]}
    parsed = parse_input(raw, pipeline="p")
    assert parsed == Combined(
        "cross",
        (
            CronInput("tick", "p_tick", "@every 30s", start=datetime(2026, 1, 1, tzinfo=UTC)),
            PfsInput("r", "r", "/*"),
        ),
    )
    assert parse_input(input_json(parsed)) == parsed
    assert parse_input(pps.Input().from_dict(input_json(parsed)).to_dict()) == parsed


def test_a_requests_input_may_name_commits() -> None:
    raw = {"pfs": {"repo": "r", "glob": "/*", "commit": "c1"}}
    assert parse_input(raw, pinned=True) == PfsInput("r", "r", "/*", commit="c1")


@pytest.mark.parametrize(
    ("text", "size"),
    [("", 0), ("500M", 500_000_000), ("1.5Gi", 3 << 29), ("1e9", 10**9), (1024, 1024), ("64k", 64_000)],
)
def test_memory_limits_are_read_as_kubernetes_writes_them(text: str, size: int) -> None:
    assert parse_spec(edges(resource_limits={"memory": text})).memory == size


@pytest.mark.parametrize("text", ["much", "-1Gi", "1Gb", True, 1.5])
def test_a_limit_that_is_no_size_is_refused(text: object) -> None:
    with pytest.raises(DataError, match=r"resource_limits\.memory must be a size"):
        parse_spec(edges(resource_limits={"memory": text}))
