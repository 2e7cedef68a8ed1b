"""Waits until what was applied runs, and says why it does not: most failures show only here."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from features.errors import ForewarnError
from pipelines.deploy.kube import Kube, Manifest, WatchExpiredError

WATCH_S: Final = 15
WORKLOADS: Final = ("Deployment", "StatefulSet")
DASK: Final = ("DaskCluster", "kubernetes.dask.org/v1")
LOOK_S: Final = 2.0

Tell = Callable[[str], None]


def wait_ready(
    kube: Kube,
    workloads: list[Manifest],
    *,
    timeout_s: float,
    tell: Tell,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Wait for every Deployment, StatefulSet and DaskCluster of `workloads` in turn, telling what changes.

    Raises ForewarnError at once when a quota stops one, and after `timeout_s` with what its pods wait for.
    """
    ends = clock() + timeout_s
    for one in workloads:
        if one["kind"] in WORKLOADS:
            _wait(kube, one["kind"], one["metadata"]["name"], ends, tell, clock)
        elif one["kind"] == DASK[0]:
            _wait_dask(kube, one["metadata"]["name"], one["spec"]["worker"]["replicas"], ends, tell, clock)


def wait_gone(kube: Kube, removed: Sequence[tuple[str, str, str]], *, timeout_s: float) -> None:
    """Wait until objects (kind, version, name) are gone; their pods go first.

    Raises ForewarnError naming what is left after `timeout_s`.
    """
    ends = time.monotonic() + timeout_s
    left = list(removed)
    while left := [one for one in left if kube.get(*one) is not None]:
        if time.monotonic() >= ends:
            raise ForewarnError(
                "still being deleted",
                got=", ".join(f"{kind.lower()} {name}" for kind, _, name in left),
                hint="finalizers of another controller hold it: kubectl describe",
            )
        kube.pause(LOOK_S)


def _wait(kube: Kube, kind: str, name: str, ends: float, tell: Tell, clock: Callable[[], float]) -> None:
    said = ""
    for found in _states(kube, kind, name, ends, clock):
        if found is None:
            raise ForewarnError(f"{kind.lower()} {name} was deleted while it was waited for")
        blocked = blocking(found)
        if blocked:
            raise ForewarnError(f"{name} cannot start its pods", got=blocked, hint=_hint(blocked))
        ready, wanted, current = progress(found)
        line = f"{name}: {ready} of {wanted} ready"
        if line != said:
            tell(line)
            said = line
        if current and ready >= wanted:
            return
    raise ForewarnError(
        f"{name} is not ready",
        got="; ".join(waiting(kube, name)) or said,
        hint=f"kubectl -n {kube.namespace} describe {kind.lower()} {name}",
    )


def _wait_dask(
    kube: Kube, name: str, workers: int, ends: float, tell: Tell, clock: Callable[[], float]
) -> None:
    """Of a DaskCluster its operator makes a deployment for the scheduler and for each worker."""
    said = ""
    while True:
        made = kube.list("Deployment", "apps/v1", {"dask.org/cluster-name": name})
        for one in made:
            if stopped := blocking(one):
                raise ForewarnError(f"{name} cannot start its pods", got=stopped, hint=_hint(stopped))
        ready = sum(progress(one)[0] for one in made)
        line = f"{name}: {ready} of {workers + 1} ready"
        if line != said:
            tell(line)
            said = line
        if ready == len(made) == workers + 1:
            return
        if clock() >= ends:
            raise ForewarnError(
                f"{name} is not ready",
                got="; ".join(waiting(kube, name)) or said,
                hint="does the operator run? kubectl get pods --all-namespaces | grep dask-kubernetes",
            )
        kube.pause(LOOK_S)


def _states(
    kube: Kube, kind: str, name: str, ends: float, clock: Callable[[], float]
) -> Iterator[Manifest | None]:
    """The object now and at each change, until `ends`; read anew where a watch ends or has expired."""
    while True:
        found = kube.get(kind, "apps/v1", name)
        yield found
        left = ends - clock()
        if found is None or left <= 0:
            return
        since = str(found["metadata"].get("resourceVersion", ""))
        try:
            for changed in kube.watch(kind, "apps/v1", name, since, int(min(left, WATCH_S))):
                yield changed
                if clock() >= ends:
                    return
        except WatchExpiredError:
            continue


def progress(found: Manifest) -> tuple[int, int, bool]:
    """Pods that are ready, pods wanted, and whether the controller has seen the newest spec."""
    status: dict[str, Any] = found.get("status") or {}
    wanted = found["spec"].get("replicas", 1)
    seen = status.get("observedGeneration", 0) >= found["metadata"].get("generation", 0)
    updated = status.get("updatedReplicas", 0)
    return min(status.get("readyReplicas", 0), updated), wanted, seen


def blocking(found: Manifest) -> str:
    """Why no pod can be made, "" when nothing is known to stop it."""
    for condition in (found.get("status") or {}).get("conditions") or ():
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
            return str(condition.get("message") or condition.get("reason"))
        if condition["type"] == "Progressing" and condition.get("reason") == "ProgressDeadlineExceeded":
            return str(condition.get("message"))
    return ""


def waiting(kube: Kube, name: str) -> list[str]:
    """What the pods of a workload wait for: no node, no image, no secret."""
    pods = kube.list("Pod", "v1", {"app.kubernetes.io/name": "forewarn"})
    return [
        f"{pod['metadata']['name']}: {reason}"
        for pod in pods
        if pod["metadata"]["name"].startswith(f"{name}-")
        for reason in _reasons(pod.get("status") or {})
    ]


def _reasons(status: dict[str, Any]) -> Iterator[str]:
    for condition in status.get("conditions") or ():
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            yield str(condition.get("message"))
    for container in status.get("containerStatuses") or ():
        held = (container.get("state") or {}).get("waiting")
        if held:
            yield f"{held.get('reason')} {held.get('message', '')}".rstrip()


def _hint(blocked: str) -> str:
    if "exceeded quota" in blocked:
        return "kubectl describe resourcequota; ask for more, or lower workers and their resources"
    return "kubectl get events --sort-by .lastTimestamp"
