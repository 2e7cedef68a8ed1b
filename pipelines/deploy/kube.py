"""Talks to a Kubernetes API server: any kind of object, found by asking the server what it knows.

The `kubernetes` package reads the kubeconfig and brings TLS and tokens; requests are made here, because
waiting on 429, and a sentence for each way a cluster refuses, are what a person deploying needs.
"""

import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from features.errors import ConflictError, ForewarnError, NotFoundError, UsageError

IN_CLUSTER: Final = "KUBERNETES_SERVICE_HOST"
MANAGER: Final = "forewarn"
APPLY: Final = "application/apply-patch+yaml"
MERGE: Final = "application/merge-patch+json"
CONNECT_S: Final = 10.0
ANSWER_S: Final = 60.0
BUSY: Final = (429, 503)
MOST_TRIES: Final = 5
LONGEST_PAUSE_S: Final = 30.0

Manifest = dict[str, Any]


class WatchExpiredError(ForewarnError):
    """The server no longer has the history a watch began at (410): list again."""


class NoAnswerError(ForewarnError):
    """Nobody answers where the API should be."""


@dataclass
class Kube:
    """A cluster, one namespace of it. Raises the errors of `refusal` and NoAnswerError.

    pool: a `urllib3.PoolManager`. headers: what authorises a request, asked for each time. answer_s: longest
    time to wait for an answer. pause: waits so many seconds when the server is busy.
    """

    host: str
    namespace: str
    pool: Any
    headers: Callable[[], Mapping[str, str]] = dict
    answer_s: float = ANSWER_S
    pause: Callable[[float], None] = time.sleep
    _kinds: dict[str, dict[str, str]] = field(default_factory=dict)

    @classmethod
    def connect(
        cls, *, context: str | None = None, namespace: str | None = None, timeout_s: float = ANSWER_S
    ) -> "Kube":
        """The cluster of the kubeconfig's current (or named) context, or, in a pod, its own.

        timeout_s: how long the caller means to wait for anything; a single answer takes no longer.
        Raises UsageError where no cluster is configured.
        """
        from kubernetes import client, config

        configuration = client.Configuration()
        chosen = None
        try:
            if context is None and "KUBECONFIG" not in os.environ and IN_CLUSTER in os.environ:
                config.load_incluster_config(client_configuration=configuration)
            else:
                file = os.environ.get("KUBECONFIG")  # read now: the package does so when it is imported
                config.load_kube_config(file, context=context, client_configuration=configuration)
                contexts, active = config.list_kube_config_contexts(file)
                used = next((one for one in contexts if one["name"] == context), active)
                chosen = used["context"].get("namespace")
        except config.ConfigException as error:
            raise UsageError(
                "no Kubernetes cluster is configured",
                got=error,
                expected="a kubeconfig ($KUBECONFIG or ~/.kube/config)",
                hint="kubectl config get-contexts",
            ) from error

        def headers() -> dict[str, str]:
            asked = configuration.auth_settings().values()
            return {one["key"]: one["value"] for one in asked if one["in"] == "header" and one["value"]}

        pool = client.ApiClient(configuration).rest_client.pool_manager
        where = namespace or chosen or "default"
        return cls(configuration.host, where, pool, headers, min(timeout_s, ANSWER_S))

    def get(self, kind: str, version: str, name: str) -> Manifest | None:
        """One object, None when there is none."""
        try:
            found: Manifest = self.call("GET", self.path(kind, version, name))
        except NotFoundError:
            return None
        return found

    def list(self, kind: str, version: str, labels: Mapping[str, str]) -> tuple[Manifest, ...]:
        """The objects that bear `labels`."""
        selector = ",".join(f"{name}={value}" for name, value in labels.items())
        found = self.call("GET", self.path(kind, version), {"labelSelector": selector})
        wanted = labels.items()
        items = tuple(found.get("items") or ())
        return tuple(one for one in items if wanted <= (one["metadata"].get("labels") or {}).items())

    def apply(self, manifest: Manifest, *, force: bool = False) -> Manifest:
        """Create or update by server-side apply. ConflictError when another manager owns a field of it."""
        path = self.path(manifest["kind"], manifest["apiVersion"], manifest["metadata"]["name"])
        query = {"fieldManager": MANAGER, "force": str(force).lower()}
        applied: Manifest = self.call("PATCH", path, query, manifest, APPLY)
        return applied

    def scale(self, kind: str, version: str, name: str, replicas: int) -> None:
        """Set the replicas of what has a `scale` subresource, such as a deployment."""
        path = self.path(kind, version, name) + "/scale"
        self.call("PATCH", path, {"fieldManager": MANAGER}, {"spec": {"replicas": replicas}}, MERGE)

    def delete(self, kind: str, version: str, name: str) -> bool:
        """Delete an object and what it owns; whether there was one."""
        try:
            self.call("DELETE", self.path(kind, version, name), {"propagationPolicy": "Foreground"})
        except NotFoundError:
            return False
        return True

    def watch(self, kind: str, version: str, name: str, since: str, seconds: int) -> Iterator[Manifest]:
        """An object each time it changes after the version `since`, for so long.

        Raises WatchExpiredError when the server no longer knows that version.
        """
        query = {
            "watch": "1",
            "fieldSelector": f"metadata.name={name}",
            "resourceVersion": since,
            "timeoutSeconds": str(max(1, seconds)),
        }
        answer = self._send("GET", self.path(kind, version), query, None, "", max(1, seconds) + CONNECT_S)
        try:
            for event in _lines(answer):
                if event["type"] == "ERROR":
                    raise refusal(event["object"].get("code", 500), event["object"], "watch", kind)
                if event["object"]["metadata"].get("name") == name:
                    yield event["object"]
        finally:
            answer.close()

    def path(self, kind: str, version: str, name: str = "") -> str:
        """Where objects of a kind are. Raises NotFoundError naming the custom resource that is missing."""
        base = f"/api/{version}" if "/" not in version else f"/apis/{version}"
        if version not in self._kinds:
            try:
                known = self.call("GET", base)["resources"]
            except NotFoundError:
                known = []
            self._kinds[version] = {one["kind"]: one["name"] for one in known if "/" not in one["name"]}
        if kind not in self._kinds[version]:
            raise NotFoundError(
                f"the cluster does not know {kind} of {version}",
                hint="install its custom resource definition (for ScaledObject KEDA, for DaskCluster the "
                "dask-kubernetes operator, for PrometheusRule the Prometheus operator) or switch it off",
            )
        place = f"{base}/namespaces/{self.namespace}/{self._kinds[version][kind]}"
        return f"{place}/{name}" if name else place

    def call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: object = None,
        content: str = "application/json",
    ) -> Any:
        """Send a request and read the JSON of its answer."""
        answer = self._send(method, path, query or {}, body, content, self.answer_s)
        return json.loads(answer.read() or b"null")

    def _send(
        self, method: str, path: str, query: Mapping[str, str], body: object, content: str, answer_s: float
    ) -> Any:
        import urllib3

        url = f"{self.host.rstrip('/')}{path}" + (f"?{urlencode(query)}" if query else "")
        headers = {**self.headers(), "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = content
        for attempt in range(1, MOST_TRIES + 1):
            try:
                answer = self.pool.request(
                    method,
                    url,
                    body=None if body is None else json.dumps(body),
                    headers=headers,
                    timeout=urllib3.Timeout(connect=CONNECT_S, read=answer_s),
                    retries=False,
                    preload_content=False,
                )
            except urllib3.exceptions.HTTPError as error:
                raise NoAnswerError(
                    f"the Kubernetes API at {self.host} does not answer",
                    got=error,
                    hint="kubectl cluster-info; a VPN or an expired login is the usual cause",
                ) from error
            if answer.status < 300:
                return answer
            told = _json(answer.read())
            if answer.status not in BUSY or attempt == MOST_TRIES:
                raise refusal(answer.status, told, method, path)
            asked = answer.headers.get("Retry-After", "1")
            self.pause(min(float(asked) if asked.isdigit() else 1.0, LONGEST_PAUSE_S))
        raise AssertionError("the last attempt returned or raised")


def refusal(status: int, told: Mapping[str, Any], doing: str, where: str) -> ForewarnError:
    """The error for an answer of the server that is not a success."""
    message = str(told.get("message") or told.get("reason") or f"status {status}")
    if status == 403 and "exceeded quota" in message:
        return ForewarnError(
            "a quota of the namespace is used up",
            got=message,
            hint="kubectl describe resourcequota; ask for more, or lower workers and their resources",
        )
    if status in (401, 403):
        return ForewarnError(
            "the cluster does not allow this",
            got=message,
            hint="the chart's deployer role lists what is needed (deployer.create=true, by an administrator)",
        )
    if status == 404:
        return NotFoundError(f"the cluster has no {where}", got=message)
    if status == 409:
        return ConflictError(
            "somebody else changed or manages this", got=message, hint="look at it, then add --force"
        )
    if status == 410:
        return WatchExpiredError("the watch is too old", got=message)
    if status == 422:
        return UsageError("the cluster finds the manifest wrong", got=message)
    if status in BUSY:
        return ForewarnError("the cluster is too busy", got=message, hint="try again in a minute")
    return ForewarnError(f"the cluster failed at {doing} {where}", got=message)


def _lines(answer: Any) -> Iterator[dict[str, Any]]:
    """Events of a watch; it simply ends when the connection does, as watches may at any time."""
    import urllib3

    held = b""
    with suppress(urllib3.exceptions.HTTPError):
        for chunk in answer.stream(65536):
            *whole, held = (held + chunk).split(b"\n")
            yield from (json.loads(line) for line in whole if line.strip())


def _json(data: bytes) -> dict[str, Any]:
    try:
        told = json.loads(data)
    except ValueError:
        return {"message": data[:200].decode("utf-8", "replace")}
    return told if isinstance(told, dict) else {}
