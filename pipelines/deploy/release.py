"""A release: the objects of one rendering of the chart, applied, looked at, and removed together."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from features.errors import ForewarnError, NotFoundError
from pipelines.deploy.chart import INSTANCE
from pipelines.deploy.kube import Kube, Manifest, NoAnswerError
from pipelines.deploy.ready import DASK, WORKLOADS, progress, wait_gone, waiting

KINDS: Final = (
    ("ScaledObject", "keda.sh/v1alpha1"),
    ("DaskAutoscaler", "kubernetes.dask.org/v1"),
    DASK,
    ("PrometheusRule", "monitoring.coreos.com/v1"),
    ("ServiceMonitor", "monitoring.coreos.com/v1"),
    ("Ingress", "networking.k8s.io/v1"),
    ("Deployment", "apps/v1"),
    ("StatefulSet", "apps/v1"),
    ("PodDisruptionBudget", "policy/v1"),
    ("Service", "v1"),
    ("ConfigMap", "v1"),
    ("NetworkPolicy", "networking.k8s.io/v1"),
    ("RoleBinding", "rbac.authorization.k8s.io/v1"),
    ("Role", "rbac.authorization.k8s.io/v1"),
    ("ServiceAccount", "v1"),
)
_OPTIONAL: Final = ("keda.sh", "kubernetes.dask.org", "monitoring.coreos.com", "rbac.authorization.k8s.io")


@dataclass(frozen=True)
class Workload:
    """A deployment or stateful set: pods that are ready of those wanted, and what the others wait for."""

    name: str
    kind: str
    ready: int
    wanted: int
    waiting: tuple[str, ...]


def apply(kube: Kube, manifests: Sequence[Manifest], *, force: bool, tell: Callable[[str], None]) -> None:
    """Apply objects, what others need first; every kind is looked up before anything is changed."""
    order = [kind for kind, _ in reversed(KINDS)]
    for manifest in manifests:
        kube.path(manifest["kind"], manifest["apiVersion"])
    for manifest in sorted(manifests, key=lambda one: order.index(one["kind"])):
        applied = kube.apply(manifest, force=force)
        tell(f"applied {applied['kind'].lower()} {manifest['metadata']['name']}")


def workloads(kube: Kube, release: str) -> list[Workload]:
    """What of a release runs."""
    return [
        Workload(
            name=found["metadata"]["name"],
            kind=kind,
            ready=progress(found)[0],
            wanted=progress(found)[1],
            waiting=tuple(waiting(kube, found["metadata"]["name"])),
        )
        for kind, version in KINDS
        if kind in WORKLOADS
        for found in kube.list(kind, version, {INSTANCE: release})
    ]


def scale(kube: Kube, release: str, workers: int) -> Manifest:
    """Set the number of a release's workers; the object to wait for.

    Raises NotFoundError when the cluster is not up.
    """
    try:
        cluster = kube.get(*DASK, release)
    except NotFoundError:
        cluster = None  # without the operator its kind is not known
    if cluster is not None:
        kube.scale(*DASK, release, workers)
        return cluster | {"spec": {"worker": {"replicas": workers}}}
    name = f"{release}-worker"
    kube.scale("Deployment", "apps/v1", name, workers)
    return {"kind": "Deployment", "metadata": {"name": name}}


def remove(kube: Kube, release: str, *, timeout_s: float, tell: Callable[[str], None]) -> int:
    """Delete every object of a release, workers first, and wait until all are gone; how many there were.

    Volumes of the engine are kept: they hold what was pushed. What could not be deleted is told and the rest
    is still removed; then the first error is raised.
    """
    removed: list[tuple[str, str, str]] = []
    failed: list[ForewarnError] = []
    for kind, version in KINDS:
        try:
            for found in kube.list(kind, version, {INSTANCE: release}):
                name = found["metadata"]["name"]
                if kube.delete(kind, version, name):
                    tell(f"deleted {kind.lower()} {name}")
                    removed.append((kind, version, name))
        except NotFoundError:
            continue  # a custom resource this cluster does not have
        except NoAnswerError:
            raise
        except ForewarnError as error:
            if not version.startswith(_OPTIONAL):
                tell(f"cannot delete {kind.lower()}: {error}")
                failed.append(error)
    if failed:
        raise failed[0]
    wait_gone(kube, removed, timeout_s=timeout_s)
    return len(removed)
