"""kmock's Kubernetes over HTTP, with server-side apply and a controller that gets pods ready.

`serve()` runs it in a thread of its own, so that tests and the client they test stay ordinary functions.
"""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import aiohttp.web
import kmock

KINDS = {
    "v1/services": "Service",
    "v1/configmaps": "ConfigMap",
    "v1/serviceaccounts": "ServiceAccount",
    "v1/pods": "Pod",
    "apps/v1/deployments": "Deployment",
    "apps/v1/statefulsets": "StatefulSet",
    "policy/v1/poddisruptionbudgets": "PodDisruptionBudget",
    "networking.k8s.io/v1/networkpolicies": "NetworkPolicy",
    "networking.k8s.io/v1/ingresses": "Ingress",
    "kubernetes.dask.org/v1/daskclusters": "DaskCluster",
    "kubernetes.dask.org/v1/daskautoscalers": "DaskAutoscaler",
}
WORKLOADS = ("deployments", "statefulsets")


class Cluster(kmock.KubernetesEmulator):
    """Creates what is applied and new; its controller gets all pods ready at once.

    stuck: the status of every workload instead. instead: an answer in place of the right one, or None.
    slow_s: how long each answer takes.
    """

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self.stuck: dict[str, Any] | None = None
        self.instead: Callable[[kmock.Request], aiohttp.web.Response | None] = lambda _request: None
        self.slow_s = 0.0
        self.tokens: set[str] = set()
        for name, kind in KINDS.items():
            self.resources[name] = kmock.ResourceInfo(kind=kind, namespaced=True)

    async def _handle(self, request: kmock.Request) -> Any:
        self.tokens.add(request.headers.get("Authorization", ""))
        await asyncio.sleep(self.slow_s)
        if (injected := self.instead(request)) is not None:
            return injected
        changing = request.method is kmock.method.PATCH and request.name is not None
        key = (request.resource, request.namespace, request.name)
        if (
            changing
            and request.subresource is None
            and (key not in self.objects or self.objects[key].deleted)
        ):
            self.objects[key] = {}
        answer = await super()._handle(request)
        if request.subresource == "scale" and request.resource.plural == "daskclusters":
            spec = self.objects[key].raw["spec"]
            self.objects[key].patch({"spec": {"worker": {"replicas": spec["replicas"]}}})
        if changing and request.resource.plural in WORKLOADS and key in self.objects:
            self.objects[key].patch({"status": self._status(self.objects[key].raw["spec"])})
        return answer

    def _status(self, spec: dict[str, Any]) -> dict[str, Any]:
        wanted = spec.get("replicas", 1)
        return self.stuck or {"readyReplicas": wanted, "updatedReplicas": wanted, "observedGeneration": 1}

    def names(self) -> list[str]:
        """`Kind name` of all that is there, sorted."""
        there = [one.raw for one in self.objects.values() if not one.deleted]
        return sorted(f"{one['kind']} {one['metadata']['name']}" for one in there)


@contextmanager
def serve() -> Iterator[tuple[Cluster, str]]:
    """A cluster and its URL."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def run(coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(30)

    async def make() -> tuple[Cluster, kmock.Server]:
        cluster = Cluster()
        await cluster.__aenter__()
        server = kmock.Server(cluster)
        await server.__aenter__()
        return cluster, server

    cluster, server = run(make())
    try:
        yield cluster, str(cluster.url)
    finally:
        run(server.__aexit__(None, None, None))
        run(cluster.__aexit__(None, None, None))
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
