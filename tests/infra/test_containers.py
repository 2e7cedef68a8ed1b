"""The chart's containers as processes here: their arguments work, their probes answer, nobody enters without
the token."""

import re
import ssl
import subprocess
import urllib.error
import urllib.request
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.e2e import tiny
from tests.infra.ports import answers, free_port, process
from tests.tls import write_certificate

ROOT = Path(__file__).parents[2]
TOKEN = "0123456789abcdef0123456789abcdef"

Container = dict[str, Any]


@pytest.fixture(scope="module")
def containers(helm: str) -> dict[str, Container]:
    """Name → container of the chart with its defaults."""
    project = ROOT / "pipelines" / "demo" / "forewarn.toml"
    values = ["--set", "objects.url=memory://x", "--set-file", f"project={project}"]
    rendered = subprocess.run(
        [helm, "template", "fleet", ROOT / "infra" / "helm" / "forewarn", *values],
        capture_output=True,
        check=True,
    ).stdout
    return {
        container["name"]: container
        for manifest in yaml.safe_load_all(rendered)
        if manifest and manifest["kind"] in ("Deployment", "StatefulSet")
        for container in manifest["spec"]["template"]["spec"]["containers"]
    }


class Pod:
    """A container's arguments and probes with free ports of this machine for its own."""

    def __init__(self, container: Container, paths: dict[str, str]) -> None:
        self.ports = {port["name"]: free_port() for port in container["ports"]}
        self._probes = [container[f"{kind}Probe"]["httpGet"] for kind in ("readiness", "liveness")]
        moved = paths | {
            str(port["containerPort"]): str(self.ports[port["name"]]) for port in container["ports"]
        }
        pattern = re.compile("|".join(re.escape(old) for old in sorted(moved, key=len, reverse=True)))
        self.command = [
            pattern.sub(lambda found: moved[found[0]], argument) for argument in container["args"]
        ]

    def probed(self) -> list[int]:
        """Status of each probe."""
        return [
            asked(f"http://127.0.0.1:{self.ports[probe['port']]}{probe['path']}") for probe in self._probes
        ]


def asked(url: str, token: str = "", trusted: ssl.SSLContext | None = None) -> int:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        request = urllib.request.Request(url, headers=headers)
        with urllib.request.urlopen(request, context=trusted, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def run(pod: Pod) -> AbstractContextManager[Any]:
    program, *arguments = pod.command
    return process({"forewarn": "pipelines"}.get(program, program), *arguments, variables={})


def test_scheduler_and_worker_start_and_answer_their_probes(containers):
    scheduler = Pod(containers["scheduler"], {})
    moved = {"fleet-scheduler:8786": f"127.0.0.1:{scheduler.ports['tcp-comm']}"}
    worker = Pod(containers["worker"], moved)
    with ExitStack() as stack:
        for pod in (scheduler, worker):
            stack.enter_context(run(pod))
        for pod, port in ((scheduler, "http-dashboard"), (worker, "health")):
            answers(pod.ports[port])
            assert pod.probed() == [200, 200]


def test_the_engine_starts_is_ready_and_shows_its_dashboard_to_who_bears_the_token(containers, tmp_path):
    project = tiny.write(tmp_path / "project")
    certificate, key = write_certificate(tmp_path)
    (tmp_path / "token").write_text(TOKEN)
    paths = {
        "/project": str(project),
        "/secrets/token/token": str(tmp_path / "token"),
        "/secrets/tls/tls.crt": str(certificate),
        "/secrets/tls/tls.key": str(key),
    }
    engine = Pod(containers["engine"], paths)
    trusted = ssl.create_default_context(cafile=certificate)
    with run(engine):
        answers(engine.ports["metrics"])
        assert engine.probed() == [200, 200]
        page = f"https://localhost:{engine.ports['dashboard']}/api/jobs"
        assert asked(page, TOKEN, trusted) == 200
        assert asked(page, "", trusted) == 401
        assert asked(page, TOKEN[:-1] + "0", trusted) == 401
