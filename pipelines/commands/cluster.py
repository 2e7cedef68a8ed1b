"""`forewarn cluster up|scale|status|down`: Dask workers on Kubernetes for an engine that runs elsewhere."""

from pathlib import Path

from features.errors import NotFoundError
from pipelines.commands.output import print_json, print_table, say, say_next
from pipelines.commands.values import parse_sets
from pipelines.deploy.chart import render
from pipelines.deploy.kube import Kube
from pipelines.deploy.ready import wait_ready
from pipelines.deploy.release import Workload, apply, remove, workloads
from pipelines.deploy.release import scale as set_workers


def up(
    *,
    release: str,
    namespace: str | None,
    context: str | None,
    workers: int,
    image: str,
    objects: str,
    chart: Path | None,
    sets: list[str],
    force: bool,
    timeout: float,
    json: bool,
) -> None:
    """Create or change scheduler and workers and wait until they are ready."""
    kube = Kube.connect(context=context, namespace=namespace, timeout_s=timeout)
    repository, _, tag = image.rpartition(":")
    values = {
        "engine.enabled": "false",
        "dask.worker.replicas": str(workers),
        "objects.url": objects,
        "image.repository": repository if "/" not in tag and repository else image,
        "image.tag": tag if "/" not in tag and repository else "latest",
    }
    manifests = render(release, kube.namespace, chart=chart, sets=values | parse_sets(sets))
    apply(kube, manifests, force=force, tell=say)
    wait_ready(kube, manifests, timeout_s=timeout, tell=say)
    _show(workloads(kube, release), json=json)
    say(f"from inside the cluster: FOREWARN_SCHEDULER=tcp://{release}-scheduler.{kube.namespace}.svc:8786")
    say_next(f"kubectl -n {kube.namespace} port-forward svc/{release}-scheduler 8786")


def scale(
    *, release: str, namespace: str | None, context: str | None, workers: int, timeout: float, json: bool
) -> None:
    """Set the number of workers and wait for it. Raises NotFoundError when the cluster is not up."""
    kube = Kube.connect(context=context, namespace=namespace, timeout_s=timeout)
    wait_ready(kube, [set_workers(kube, release, workers)], timeout_s=timeout, tell=say)
    _show(workloads(kube, release), json=json)


def status(*, release: str, namespace: str | None, context: str | None, json: bool) -> None:
    """Show what runs. Raises NotFoundError when there is nothing."""
    kube = Kube.connect(context=context, namespace=namespace)
    found = workloads(kube, release)
    if not found:
        raise NotFoundError(
            f"nothing of {release} in namespace {kube.namespace}", hint="forewarn cluster up --objects URL"
        )
    _show(found, json=json)


def down(*, release: str, namespace: str | None, context: str | None, timeout: float, json: bool) -> None:
    """Delete everything of the release and wait until it is gone; nothing to delete is no error."""
    kube = Kube.connect(context=context, namespace=namespace, timeout_s=timeout)
    count = remove(kube, release, timeout_s=timeout, tell=say)
    if json:
        print_json({"deleted": count})
    say(f"deleted {count} objects of {release}")


def _show(found: list[Workload], *, json: bool) -> None:
    if json:
        print_json(found)
        return
    print_table(
        ["workload", "ready#", "wanted#", "waits for"],
        ([one.name, one.ready, one.wanted, "; ".join(one.waiting)] for one in found),
    )
