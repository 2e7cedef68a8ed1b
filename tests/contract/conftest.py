"""One suite of Pachyderm's behaviour, written against `pachyderm_sdk.Client` alone.

It runs on the embedded pachd, or, when PACHD_ADDRESS is set, on whatever answers there. Every test makes
repos and pipelines of its own, so that it can run on a cluster that others use.
"""

import json
import os
import tempfile
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from pachyderm_sdk import Client
from pachyderm_sdk.api import pfs, pps

from pipelines.pachd.engine import Engine
from pipelines.pachd.sandbox import private_mounts

FAST = "/dev/shm" if Path("/dev/shm").is_dir() else None  # no disk to wait for
COPY = 'for f in /pfs/in/*; do if [ -f "$f" ]; then cp "$f" /pfs/out/; fi; done'


@pytest.fixture(scope="session")
def client() -> Iterator[Client]:
    if address := os.environ.get("PACHD_ADDRESS"):
        yield Client.from_pachd_address(address)
        return
    with tempfile.TemporaryDirectory(dir=FAST) as folder, Engine(folder, workers=2) as engine:
        yield Client(port=engine.serve())


@pytest.fixture
def batching() -> None:
    """Skips where the embedded pachd cannot offer it."""
    if "PACHD_ADDRESS" not in os.environ and not private_mounts():
        pytest.skip("this machine allows no private mounts")


@dataclass
class World:
    """Repos and pipelines of one test, and the shortest way to use them."""

    client: Client
    tag: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    pipelines: list[str] = field(default_factory=list)
    repos: list[str] = field(default_factory=list)

    def repo(self, name: str = "in") -> str:
        full = f"{name}-{self.tag}"
        self.client.pfs.create_repo(repo=pfs.Repo.from_uri(full))
        self.repos.append(full)
        return full

    def push(self, repo: str, files: Mapping[str, bytes | None], branch: str = "master") -> pfs.CommitInfo:
        """Write (or, with None, delete) files in one commit and wait for everything downstream."""
        with self.client.pfs.commit(branch=pfs.Branch.from_uri(f"{repo}@{branch}")) as commit:
            for path, data in files.items():
                if data is None:
                    commit.delete_file(path=path)
                else:
                    commit.put_file_from_bytes(path, data)
        commit.wait_all()
        return self.client.pfs.inspect_commit(commit=commit)

    def pipeline(self, name: str, inputs: Mapping[str, Any], script: str = COPY, **spec: Any) -> str:
        """Create (or, with update=True, update) a pipeline that runs a shell script; wait for its first job.

        The input named "in" is at /pfs/in; `spec` holds more keys of the spec, transform keys under
        `transform`.
        """
        full = name if name.endswith(self.tag) else f"{name}-{self.tag}"
        transform = {"image": "alpine:3.20", "cmd": ["sh"], "stdin": [script], **spec.pop("transform", {})}
        raw = {"pipeline": {"name": full}, "input": inputs, "transform": transform, **spec}
        self.client.pps.create_pipeline_v2(create_pipeline_request_json=json.dumps(raw))
        if full not in self.pipelines:
            self.pipelines.append(full)
        self.wait(self.jobs(full)[0])
        return full

    def files(self, repo: str, reference: str = "master") -> dict[str, bytes]:
        """Every file of a commit."""
        commit = pfs.Commit.from_uri(f"{repo}@{reference}")
        found = {}
        for info in self.client.pfs.walk_file(file=pfs.File(commit=commit, path="/")):
            if info.file_type == pfs.FileType.FILE:
                with self.client.pfs.pfs_file(info.file) as file:
                    found[info.file.path] = file.read()
        return found

    def jobs(self, pipeline: str) -> list[pps.JobInfo]:
        """All jobs of a pipeline, newest first."""
        return list(self.client.pps.list_job(pipeline=pps.Pipeline(name=pipeline), history=-1, details=True))

    def wait(self, job: pps.JobInfo) -> pps.JobInfo:
        """The job once it has ended."""
        return self.client.pps.inspect_job(job=job.job, wait=True, details=True)

    def last(self, pipeline: str) -> pps.JobInfo:
        """The newest job, once it has ended."""
        return self.wait(self.jobs(pipeline)[0])

    def datums(self, job: pps.JobInfo) -> dict[str, str]:
        """{paths of a datum's inputs joined by "+": its state}."""
        return {
            "+".join(info.file.path for info in datum.data): pps.DatumState(datum.state).name
            for datum in self.client.pps.list_datum(job=job.job)
        }

    def logs(self, **request: Any) -> list[str]:
        """Lines of user code."""
        return [line.message for line in self.client.pps.get_logs(**request) if line.user]

    def clean(self) -> None:
        for name in reversed(self.pipelines):
            self.client.pps.delete_pipeline(pipeline=pps.Pipeline(name=name), force=True)
        for name in self.repos:
            self.client.pfs.delete_repo(repo=pfs.Repo.from_uri(name), force=True)


@pytest.fixture
def world(client: Client) -> Iterator[World]:
    world = World(client)
    yield world
    world.clean()


@contextmanager
def _refused(code: str, text: str = "") -> Iterator[None]:
    with pytest.raises(grpc.RpcError) as raised:
        yield
    assert (raised.value.code().name, text in raised.value.details()) == (code, True), raised.value.details()


@pytest.fixture
def refused() -> Any:
    """`with refused("NOT_FOUND", "part of the text"):` expects a call to be answered with that code."""
    return _refused


def pfs_input(repo: str, glob: str, **more: Any) -> dict[str, Any]:
    return {"pfs": {"name": "in", "repo": repo, "glob": glob, **more}}


@pytest.fixture
def reads() -> Any:
    """`reads(repo, glob, **more)`: a PFS input named "in"."""
    return pfs_input
