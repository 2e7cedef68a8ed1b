"""`forewarn cluster` and `deploy kubernetes` against a Kubernetes API over HTTP, also one that refuses."""

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp.web
import pytest
import yaml

from features.errors import ConflictError, ForewarnError, NotFoundError, UsageError
from pipelines.commands import cluster as verbs
from pipelines.commands.deploy import kubernetes
from pipelines.deploy.kube import Kube
from pipelines.deploy.ready import wait_ready
from pipelines.deploy.release import apply, remove
from tests.e2e import tiny
from tests.infra import kubeapi

WHERE = {"release": "pool", "namespace": None, "context": None}


def manifest(name: str = "pool-worker", kind: str = "Deployment", replicas: int = 2) -> dict[str, Any]:
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "labels": {"app.kubernetes.io/instance": "pool"}},
        "spec": {"replicas": replicas},
    }


@pytest.fixture
def api() -> Iterator[tuple[kubeapi.Cluster, str]]:
    with kubeapi.serve() as served:
        yield served


@pytest.fixture
def server(api) -> kubeapi.Cluster:
    return api[0]


@pytest.fixture
def kube(api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kube:
    """Connected as a person is, by a kubeconfig."""
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "test",
                "contexts": [
                    {"name": "test", "context": {"cluster": "test", "user": "me", "namespace": "robots"}}
                ],
                "clusters": [{"name": "test", "cluster": {"server": api[1]}}],
                "users": [{"name": "me", "user": {"token": "sesame"}}],
            }
        )
    )
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    return Kube.connect()


@pytest.fixture
def with_helm(helm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{Path(helm).parent}:/usr/bin:/bin")


def up(workers: int = 2, **more: Any) -> None:
    fixed = {
        "workers": workers,
        "image": "registry.example:5000/forewarn:1.2",
        "objects": "s3://bucket/prefix",
        "chart": None,
        "sets": [],
        "force": False,
        "timeout": 20.0,
        "json": True,
    }
    verbs.up(**WHERE | fixed | more)


def told(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_a_cluster_comes_up_is_scaled_shown_and_goes(server, kube, with_helm, capsys):
    up(workers=3)
    assert {one["name"]: (one["ready"], one["wanted"]) for one in told(capsys)} == {
        "pool-scheduler": (1, 1),
        "pool-worker": (3, 3),
    }
    before = server.names()
    worker = kube.get("Deployment", "apps/v1", "pool-worker")
    (container,) = worker["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "registry.example:5000/forewarn:1.2"
    up(workers=3)
    assert server.names() == before
    capsys.readouterr()
    verbs.scale(**WHERE, workers=0, timeout=20.0, json=True)
    assert {one["name"]: one["wanted"] for one in told(capsys)}["pool-worker"] == 0
    verbs.status(**WHERE, json=True)
    assert len(told(capsys)) == 2
    verbs.down(**WHERE, timeout=20.0, json=True)
    assert told(capsys) == {"deleted": len(before)}
    assert server.names() == []
    verbs.down(**WHERE, timeout=20.0, json=True)
    with pytest.raises(NotFoundError, match="nothing of pool"):
        verbs.status(**WHERE, json=True)


def test_a_project_is_deployed_with_its_engine(server, kube, with_helm, tmp_path, capsys):
    project = tiny.write(tmp_path / "project")
    fixed = {"chart": None, "values": None, "force": False, "timeout": 20.0}
    sets = ["objects.url=s3://bucket/prefix"]
    kubernetes(project=project, **WHERE, **fixed, sets=sets, dry_run=True, json=False)
    shown = [one for one in yaml.safe_load_all(capsys.readouterr().out) if one]
    assert server.names() == []
    kubernetes(project=project, **WHERE, **fixed, sets=sets, dry_run=False, json=True)
    assert told(capsys)["applied"] == len(shown)
    assert "StatefulSet pool-engine" in server.names()
    stored = kube.get("ConfigMap", "v1", "pool-project")
    assert stored["data"]["forewarn.toml"] == (project / "forewarn.toml").read_text()


def test_values_that_the_chart_refuses_are_told_in_its_words(kube, with_helm):
    with pytest.raises(UsageError, match=r"refuses these values; got: workers need objects\.url \("):
        up(objects="")


def test_requests_bear_the_token_of_the_kubeconfig(server, kube):
    kube.get("Deployment", "apps/v1", "nothing")
    assert server.tokens == {"Bearer sesame"}


def refuse(server: kubeapi.Cluster, status: int, message: str, times: int = 99, **headers: str) -> None:
    """Answer the next changes with an error."""
    left = [times]
    body = {"kind": "Status", "code": status, "message": message}

    def answer(request: Any) -> aiohttp.web.Response | None:
        if request.method.value not in ("PATCH", "DELETE") or not left[0]:
            return None
        left[0] -= 1
        return aiohttp.web.json_response(body, status=status, headers=headers)

    server.instead = answer


@pytest.fixture(params=["up", "scale", "down", "deploy"])
def verb(request: pytest.FixtureRequest, kube: Kube, with_helm: None, tmp_path: Path) -> Callable[..., None]:
    """A verb that changes the cluster, ready to be run."""
    waiting = {"timeout": 20.0, "json": True}
    if request.param in ("scale", "down"):
        up()
    if request.param == "scale":
        return lambda **more: verbs.scale(**WHERE | waiting | {"workers": 3} | more)
    if request.param == "down":
        return lambda **more: verbs.down(**WHERE | waiting | more)
    if request.param == "up":
        return up
    fixed = {"project": tiny.write(tmp_path / "project"), "sets": ["objects.url=s3://bucket/prefix"]}
    fixed |= {"chart": None, "values": None, "force": False, "dry_run": False}
    return lambda **more: kubernetes(**WHERE | waiting | fixed | more)


def test_every_verb_tells_a_refusal_waits_when_the_server_is_busy_and_gives_up_a_silent_one(server, verb):
    refuse(server, 403, 'forbidden: User "me" cannot')
    with pytest.raises(ForewarnError, match=r"does not allow.*cannot.*deployer\.create"):
        verb()
    refuse(server, 409, "the object has been modified")
    with pytest.raises(ConflictError, match=r"been modified.*--force"):
        verb()
    server.instead = lambda _: None
    server.slow_s = 3.0
    with pytest.raises(ForewarnError, match="does not answer"):
        verb(timeout=0.2)
    server.slow_s = 0.0
    refuse(server, 429, "too many requests", 2, **{"Retry-After": "0"})
    verb()


@pytest.mark.parametrize("verb", ["up", "scale", "deploy"], indirect=True)
def test_every_verb_that_waits_begins_an_expired_watch_again(server, verb):
    pending = {"readyReplicas": 0, "updatedReplicas": 9}
    server.stuck = pending
    watches: list[str] = []

    def expire(request: Any) -> aiohttp.web.Response | None:
        if "watch" not in request.params:
            return None
        watches.append("watch")
        for key, found in server.objects.items():
            if key[0].plural in kubeapi.WORKLOADS:
                found.patch({"status": {"readyReplicas": 9, "updatedReplicas": 9}})
        gone = {"kind": "Status", "code": 410, "message": "too old resource version"}
        return aiohttp.web.json_response({"type": "ERROR", "object": gone})

    server.instead = expire
    verb()
    assert watches == ["watch"]


def test_what_lingers_is_waited_for_and_named_when_it_stays(server, kube, with_helm):
    up()
    lingering = server.objects["apps/v1/deployments", "robots", "pool-worker"].raw
    left = [2]

    def linger(request: Any) -> aiohttp.web.Response | None:
        if request.method.value != "GET" or request.name != "pool-worker" or not left[0]:
            return None
        left[0] -= 1
        return aiohttp.web.json_response(lingering)

    pauses: list[float] = []
    kube.pause = pauses.append
    server.instead = linger
    remove(kube, "pool", timeout_s=60, tell=print)
    assert pauses == [2.0, 2.0]
    up()
    left[0] = 99
    with pytest.raises(ForewarnError, match="still being deleted; got: deployment pool-worker"):
        remove(kube, "pool", timeout_s=0, tell=print)


def test_a_cluster_of_the_operator_is_waited_for_and_scaled(server, kube, with_helm, capsys):
    """Its operator is played here: a deployment for the scheduler and one for each worker."""

    def operate(request: Any) -> None:
        cluster = next((c.raw for (r, _, _), c in server.objects.items() if r.plural == "daskclusters"), None)
        wanted = 0 if cluster is None else 1 + cluster["spec"]["worker"]["replicas"]
        for number in range(wanted):
            labels = {"dask.org/cluster-name": "pool", "app.kubernetes.io/instance": "pool"}
            made = manifest(f"pool-{number}", replicas=1)
            made["metadata"]["labels"] = labels
            made["status"] = {"readyReplicas": 1, "updatedReplicas": 1}
            server.objects["apps/v1/deployments", "robots", f"pool-{number}"] = made

    server.instead = operate
    up(workers=1, sets=["dask.operator=true"])
    assert [one["name"] for one in told(capsys)] == ["pool-0", "pool-1"]
    verbs.scale(**WHERE, workers=3, timeout=20.0, json=True)
    assert [one["name"] for one in told(capsys)] == ["pool-0", "pool-1", "pool-2", "pool-3"]
    server.instead = lambda _: None
    stopped = manifest("pool-1", replicas=1)
    stopped["metadata"]["labels"] = {"dask.org/cluster-name": "pool"}
    failure = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: compute"}
    stopped["status"] = {"conditions": [failure]}
    server.objects["apps/v1/deployments", "robots", "pool-1"] = stopped
    with pytest.raises(ForewarnError, match="exceeded quota"):
        verbs.scale(**WHERE, workers=4, timeout=20.0, json=True)


def applied(kube: Kube, **more: Any) -> list[str]:
    lines: list[str] = []
    apply(kube, [manifest()], force=False, tell=lines.append, **more)
    return lines


@pytest.mark.parametrize(
    ("status", "message", "error", "says"),
    [
        (403, 'deployments.apps is forbidden: User "me" cannot patch', ForewarnError, "does not allow"),
        (403, "pods is forbidden: exceeded quota: compute", ForewarnError, "quota of the namespace"),
        (409, "conflict with kubectl using apps/v1: .spec.replicas", ConflictError, "--force"),
        (422, "spec.replicas: Invalid value: -1", UsageError, "manifest wrong"),
        (500, "etcdserver: leader changed", ForewarnError, "leader changed"),
    ],
)
def test_a_refusal_says_what_was_refused_and_what_to_do(server, kube, status, message, error, says):
    refuse(server, status, message)
    with pytest.raises(error, match=says) as raised:
        applied(kube)
    assert message in str(raised.value)


def test_a_busy_server_is_asked_again_when_it_says(server, kube):
    pauses: list[float] = []
    kube.pause = pauses.append
    refuse(server, 429, "too many requests", 2, **{"Retry-After": "7"})
    assert applied(kube) == ["applied deployment pool-worker"]
    assert pauses == [7.0, 7.0]


def test_a_server_that_stays_busy_is_given_up(server, kube):
    pauses: list[float] = []
    kube.pause = pauses.append
    refuse(server, 429, "too many requests", **{"Retry-After": "3600"})
    with pytest.raises(ForewarnError, match="too busy"):
        applied(kube)
    assert pauses == [30.0] * 4


def test_a_custom_resource_the_cluster_lacks_is_named_before_anything_is_changed(server, kube):
    scaled = manifest() | {"apiVersion": "keda.sh/v1alpha1", "kind": "ScaledObject"}
    with pytest.raises(NotFoundError, match=r"does not know ScaledObject.*KEDA"):
        apply(kube, [manifest(), scaled], force=False, tell=print)
    assert server.names() == []


def test_a_server_that_accepts_and_never_answers_is_given_up(kube):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        kube.host = f"http://127.0.0.1:{silent.getsockname()[1]}"
        kube.answer_s = 0.2
        with pytest.raises(ForewarnError, match="does not answer"):
            kube.call("GET", "/api/v1")


def test_nobody_there(kube):
    kube.host = "http://127.0.0.1:1"
    with pytest.raises(ForewarnError, match="does not answer"):
        kube.call("GET", "/api/v1")


def test_no_kubeconfig(tmp_path, monkeypatch):
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    with pytest.raises(UsageError, match="no Kubernetes cluster is configured"):
        Kube.connect()


def ticking(step: float) -> Callable[[], float]:
    """A clock that goes on by `step` each time somebody looks."""
    now = [0.0]

    def clock() -> float:
        now[0] += step
        return now[0]

    return clock


def test_a_watch_that_expired_is_begun_again(server, kube):
    """410 as an event, 410 as a status, a line cut short; then the deployment is ready."""
    pending = {"readyReplicas": 0, "updatedReplicas": 2}
    server.stuck = pending
    applied(kube)
    gone = {"kind": "Status", "code": 410, "message": "too old resource version"}
    watches: list[str] = []

    def expire(request: Any) -> aiohttp.web.Response | None:
        if "watch" not in request.params:
            return None
        watches.append("watch")
        if len(watches) == 1:
            return aiohttp.web.json_response({"type": "ERROR", "object": gone})
        if len(watches) == 2:
            return aiohttp.web.json_response(gone, status=410)
        key = (request.resource, "robots", "pool-worker")
        server.objects[key].patch({"status": {"readyReplicas": 2, "updatedReplicas": 2}})
        return aiohttp.web.Response(body=b'{"type": "MODI')

    server.instead = expire
    lines: list[str] = []
    wait_ready(kube, [manifest()], timeout_s=60, tell=lines.append)
    assert lines == ["pool-worker: 0 of 2 ready", "pool-worker: 2 of 2 ready"]
    assert len(watches) == 3


def test_what_pods_wait_for_is_told_when_time_is_up(server, kube):
    server.stuck = {"readyReplicas": 0, "updatedReplicas": 2}
    applied(kube)
    waiting = {"reason": "ImagePullBackOff", "message": "no such image"}
    server.objects["v1/pods", "robots", "pool-worker-abc"] = {
        "kind": "Pod",
        "metadata": {"name": "pool-worker-abc", "labels": {"app.kubernetes.io/name": "forewarn"}},
        "status": {"containerStatuses": [{"state": {"waiting": waiting}}]},
    }
    with pytest.raises(ForewarnError, match="pool-worker-abc: ImagePullBackOff no such image"):
        wait_ready(kube, [manifest()], timeout_s=1, tell=print, clock=ticking(1))


def test_a_quota_that_stops_pods_ends_the_waiting_at_once(server, kube):
    message = "pods is forbidden: exceeded quota: compute-resources"
    failure = {"type": "ReplicaFailure", "status": "True", "message": message}
    server.stuck = {"readyReplicas": 0, "conditions": [failure]}
    applied(kube)
    with pytest.raises(ForewarnError, match=r"exceeded quota.*resourcequota"):
        wait_ready(kube, [manifest()], timeout_s=600, tell=print)
