"""`forewarn deploy pachyderm` against a server that speaks the protocol: a diff first, nothing done twice."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from features.errors import ForewarnError
from pipelines.client import Pachd
from pipelines.commands.deploy import pachyderm
from pipelines.config import parse_config
from pipelines.pachd.engine import Engine
from pipelines.specs import STEPS, load_specs
from tests.e2e import tiny

CLUSTER = """
[pipelines]
workers = 8
image = "registry.example/forewarn:1.2"
cpu = 0.5
memory = "2Gi"
memory_limit = "3Gi"
datum_timeout = "90m"
autoscaling = true
datums_per_set = 16
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return tiny.write(tmp_path / "project")


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with Engine(tmp_path / "cluster", workers=1) as engine:
        yield f"127.0.0.1:{engine.serve()}"


def deployed(project: Path, address: str, capsys: pytest.CaptureFixture[str], *, dry_run: bool = False):
    pachyderm(project=project, address=address, dry_run=dry_run, json=True)
    return json.loads(capsys.readouterr().out)


def test_a_dry_run_shows_everything_and_changes_nothing(project, address, capsys):
    told = deployed(project, address, capsys, dry_run=True)
    assert told["changes"] == []
    assert "+ repo logs" in told["diff"]
    assert "+++ project: pipeline train" in told["diff"]
    assert not Pachd.at(address).has_repo("logs")
    assert Pachd.at(address).pipelines() == {}


def test_deploying_twice_changes_nothing_the_second_time(project, address, capsys):
    first = deployed(project, address, capsys)
    assert [line for line in first["changes"] if "pipeline" in line] == [
        f"created pipeline {step}" for step in STEPS
    ]
    assert deployed(project, address, capsys) == {"address": address, "diff": [], "changes": []}


def test_a_changed_image_and_window_are_shown_and_only_they_are_updated(project, address, capsys):
    deployed(project, address, capsys)
    toml = project / "forewarn.toml"
    toml.write_text(toml.read_text().replace('"30m"]', '"40m"]') + 'image = "forewarn:2"\n')
    told = deployed(project, address, capsys)
    assert '-  "image": "forewarn:latest"' in told["diff"]
    assert '+  "image": "forewarn:2"' in told["diff"]
    assert "configuration of extract changed" not in told["changes"]
    assert "configuration of features changed" in told["changes"]
    spec = json.loads(Pachd.at(address).pipelines()["join"]["spec"])
    assert spec["transform"]["image"] == "forewarn:2"


def test_specs_ask_a_cluster_for_what_the_project_says():
    specs = load_specs(parse_config(tiny.CONFIG + CLUSTER))
    assert specs["features"]["parallelism_spec"] == {"constant": 8}
    assert specs["features"]["datum_set_spec"] == {"number": 16}
    assert specs["train"]["parallelism_spec"] == {"constant": 1}
    assert "datum_set_spec" not in specs["train"]
    for spec in specs.values():
        assert spec["transform"]["image"] == "registry.example/forewarn:1.2"
        assert spec["resource_requests"] == {"cpu": 0.5, "memory": "2Gi"}
        assert spec["autoscaling"] is True
        assert spec["resource_limits"] == {"memory": "3Gi"}
        assert spec["datum_tries"] == 3
    assert [spec.get("datum_timeout") for spec in specs.values()] == ["5400s"] * 3 + [None, "5400s", None]


def test_a_cluster_that_does_not_answer_is_named(project):
    with pytest.raises(ForewarnError, match="no pachd answers at 127"):
        pachyderm(project=project, address="127.0.0.1:1", dry_run=False, json=False)
