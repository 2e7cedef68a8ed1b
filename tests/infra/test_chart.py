"""The rendered chart: valid for every supported Kubernetes, and safe by what it does not say or allow."""

import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml
from kubernetes_validate import utils

ROOT = Path(__file__).parents[2]
CHART = ROOT / "infra" / "helm" / "forewarn"
PROJECT = ROOT / "pipelines" / "demo" / "forewarn.toml"
VERSIONS = [f"1.{minor}" for minor in range(29, 38)]
BUCKET = ("objects.url=s3://bucket/prefix", "objects.credentialsSecret=s3")
EVERYTHING = (
    *BUCKET,
    "autoscaling.enabled=true",
    "spot.enabled=true",
    "deployer.create=true",
    "deployer.subjects[0].kind=Group",
    "deployer.subjects[0].name=operators",
    "deployer.subjects[0].apiGroup=rbac.authorization.k8s.io",
    "alerts.rules=true",
    "alerts.environmentSecret=webhook",
    "monitoring.serviceMonitor=true",
    "dashboard.ingress.enabled=true",
    "dashboard.ingress.host=fleet.example",
    "dashboard.ingress.tlsSecret=fleet-tls",
)
VARIANTS = {
    "object store": BUCKET,
    "everything": EVERYTHING,
    "shared volume": ("objects.existingClaim=shared",),
    "operator": (*BUCKET, "dask.operator=true", "autoscaling.enabled=true", "deployer.create=true"),
    "engine alone": ("dask.enabled=false",),
    "workers alone": (*BUCKET, "engine.enabled=false"),
}
OPERATOR = {"DaskCluster", "DaskAutoscaler"}
CUSTOM = {"ScaledObject", "PrometheusRule", "ServiceMonitor", *OPERATOR}

Manifest = dict[str, Any]
Render = Callable[..., list[Manifest]]


@pytest.fixture(scope="session")
def render(helm: str) -> Render:
    @cache
    def run(*values: str) -> list[Manifest]:
        sets = [part for value in values for part in ("--set", value)]
        command = [helm, "template", "fleet", str(CHART), "--namespace", "robots", *sets]
        done = subprocess.run(
            [*command, "--set-file", f"project={PROJECT}"], capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise ValueError(done.stderr)
        return [document for document in yaml.safe_load_all(done.stdout) if document]

    return run


@pytest.fixture(scope="session", params=list(VARIANTS))
def manifests(request: pytest.FixtureRequest, render: Render) -> list[Manifest]:
    return render(*VARIANTS[request.param])


def pods(manifests: list[Manifest]) -> Iterator[Manifest]:
    """The pod specs in whatever holds one."""
    for manifest in manifests:
        if manifest["kind"] in ("Deployment", "StatefulSet"):
            yield manifest["spec"]["template"]["spec"]
        elif manifest["kind"] == "DaskCluster":
            yield manifest["spec"]["worker"]["spec"]
            yield manifest["spec"]["scheduler"]["spec"]


def named(manifests: list[Manifest], kind: str, end: str = "") -> Manifest:
    (found,) = [m for m in manifests if m["kind"] == kind and m["metadata"]["name"].endswith(end)]
    return found


def test_helm_lint_finds_nothing(helm):
    values = ["--set", BUCKET[0], "--set-file", f"project={PROJECT}"]
    done = subprocess.run([helm, "lint", "--strict", CHART, *values], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def distinct(render: Render) -> list[Manifest]:
    """Every object of Kubernetes's own of every variant, equal ones once."""
    found = {yaml.safe_dump(m): m for values in VARIANTS.values() for m in render(*values)}
    return [manifest for manifest in found.values() if manifest["kind"] not in CUSTOM]


@pytest.mark.parametrize("version", VERSIONS)
def test_every_supported_kubernetes_takes_every_variant(distinct, version, monkeypatch):
    """Unknown fields are errors; the version told is the one whose schema was used."""
    monkeypatch.setattr(utils, "schema_contents", cache(utils.schema_contents))  # 2 MB for each object
    for manifest in distinct:
        assert kubernetes_validate.validate(manifest, version, strict=True) == version


def test_pods_are_restricted(manifests):
    """The pod security standard "restricted", and a read-only root besides."""
    for pod in pods(manifests):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] >= 10000
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
        allowed = {"configMap", "secret", "emptyDir", "persistentVolumeClaim"}
        assert all(set(volume) - {"name"} <= allowed for volume in pod["volumes"])
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "runAsNonRoot": True,
                "capabilities": {"drop": ["ALL"]},
            }


def test_every_container_has_limits_probes_and_a_place_to_write(manifests):
    for pod in pods(manifests):
        for container in pod["containers"]:
            assert {"cpu", "memory"} == set(container["resources"]["limits"])
            assert {"cpu", "memory"} == set(container["resources"]["requests"])
            assert {"readinessProbe", "livenessProbe"} <= set(container)
            assert "/tmp" in [mount["mountPath"] for mount in container["volumeMounts"]]


def test_no_pod_holds_a_token_of_the_cluster(manifests):
    assert all(pod["automountServiceAccountToken"] is False for pod in pods(manifests))
    for account in (m for m in manifests if m["kind"] == "ServiceAccount"):
        assert account["automountServiceAccountToken"] is False


def test_roles_name_what_they_allow(manifests):
    kinds = {manifest["kind"] for manifest in manifests}
    assert not kinds & {"ClusterRole", "ClusterRoleBinding"}
    for role in (m for m in manifests if m["kind"] == "Role"):
        for rule in role["rules"]:
            assert "*" not in [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
            assert "secrets" not in rule["resources"]


def test_secrets_are_referred_to_never_made(manifests):
    assert "Secret" not in {manifest["kind"] for manifest in manifests}


def test_nothing_is_reached_that_no_policy_allows(manifests):
    deny = named(manifests, "NetworkPolicy", "default-deny")
    assert deny["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in deny["spec"]
    assert "egress" not in deny["spec"]
    for policy in (m for m in manifests if m["kind"] == "NetworkPolicy"):
        for rule in policy["spec"].get("ingress", []):
            assert rule["from"], "a rule without `from` lets everyone in"
            assert rule["ports"]


def test_selectors_find_the_pods_they_mean(manifests):
    labels = [
        m["spec"]["template"]["metadata"]["labels"] for m in manifests if "template" in m.get("spec", {})
    ]
    for service in (m for m in manifests if m["kind"] == "Service"):
        wanted = service["spec"]["selector"].items()
        assert [found for found in labels if wanted <= found.items()], service["metadata"]["name"]


def test_autoscaling_goes_down_to_no_worker_by_the_datums_that_wait(render):
    manifests = render(*EVERYTHING)
    scaled = named(manifests, "ScaledObject")["spec"]
    assert scaled["minReplicaCount"] == 0
    assert scaled["scaleTargetRef"]["name"] == "fleet-worker"
    trigger = scaled["triggers"][0]["metadata"]
    assert trigger["valueLocation"] == "forewarn_datums_pending"
    assert trigger["url"] == "http://fleet-engine.robots.svc:9090/metrics"
    assert "replicas" not in named(manifests, "Deployment", "worker")["spec"]


def test_spot_nodes_are_for_workers_only(render):
    manifests = render(*EVERYTHING)
    worker = named(manifests, "Deployment", "worker")["spec"]["template"]["spec"]
    assert worker["nodeSelector"] == {"node.kubernetes.io/lifecycle": "spot"}
    assert worker["tolerations"][0]["value"] == "spot"
    assert "tolerations" not in named(manifests, "StatefulSet")["spec"]["template"]["spec"]


def test_workers_without_a_common_place_for_contents_are_refused(render):
    with pytest.raises(ValueError, match="object store"):
        render()


def test_the_project_reaches_the_engine_unchanged(render):
    given = named(render(*BUCKET), "ConfigMap")["data"]["forewarn.toml"]
    assert given == PROJECT.read_text("utf-8")


def test_the_engine_is_told_where_workers_and_contents_are(render):
    (engine,) = named(render(*BUCKET), "StatefulSet")["spec"]["template"]["spec"]["containers"]
    variables = {variable["name"]: variable["value"] for variable in engine["env"]}
    assert variables == {
        "FOREWARN_OBJECTS": "s3://bucket/prefix",
        "FOREWARN_SCHEDULER": "tcp://fleet-scheduler:8786",
    }
    assert engine["envFrom"] == [{"secretRef": {"name": "s3"}}]


def closed(schema: Any) -> Any:
    """The same schema, in which an object has no other fields than the named ones."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    more = {"additionalProperties": False} if isinstance(schema.get("properties"), dict) else {}
    return more | {name: closed(part) for name, part in schema.items()}


def test_the_operators_resources_fit_their_definitions(render, dask_schemas):
    found = [m for m in render(*VARIANTS["operator"]) if m["kind"] in OPERATOR]
    assert {manifest["kind"] for manifest in found} == OPERATOR
    for manifest in found:
        validator = jsonschema.Draft202012Validator(closed(dask_schemas[manifest["kind"]]))
        assert manifest["apiVersion"] == "kubernetes.dask.org/v1"
        validator.validate({"spec": manifest["spec"]})
        with pytest.raises(jsonschema.ValidationError, match="unexpected"):
            validator.validate({"spec": manifest["spec"] | {"replica": 1}})


def test_what_the_operator_makes_of_it_is_found_by_policies_and_scaled_by_name(render):
    """It labels pods as `metadata` says, and deletes the workers that Dask retires by their names."""
    manifests = render(*VARIANTS["operator"])
    cluster = named(manifests, "DaskCluster")["spec"]
    assert cluster["worker"]["metadata"]["labels"] == {"app.kubernetes.io/component": "worker"}
    assert cluster["scheduler"]["metadata"]["labels"] == {"app.kubernetes.io/component": "scheduler"}
    assert "--name=$(DASK_WORKER_NAME)" in cluster["worker"]["spec"]["containers"][0]["args"]
    scaled = named(manifests, "DaskAutoscaler")["spec"]
    assert scaled == {"cluster": "fleet", "minimum": 0, "maximum": 20}
    asks = named(manifests, "NetworkPolicy", "operator")["spec"]["ingress"][0]["from"]
    assert asks[0]["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "dask-operator"}


def test_the_service_leads_to_dashboard_and_metrics_and_probes_ask_health(render):
    manifests = render(*EVERYTHING)
    ports = {port["name"]: port for port in named(manifests, "Service", "engine")["spec"]["ports"]}
    (engine,) = named(manifests, "StatefulSet")["spec"]["template"]["spec"]["containers"]
    listening = {port["name"]: port["containerPort"] for port in engine["ports"]}
    assert listening == {"grpc": 30650, "dashboard": 8650, "metrics": 9090}
    assert {name: (port["port"], port["targetPort"]) for name, port in ports.items()} == {
        name: (number, name) for name, number in listening.items()
    }
    probes = {kind: engine[f"{kind}Probe"]["httpGet"] for kind in ("startup", "readiness", "liveness")}
    assert {kind: (probe["path"], probe["port"]) for kind, probe in probes.items()} == {
        "startup": ("/healthz", "metrics"),
        "readiness": ("/readyz", "metrics"),
        "liveness": ("/healthz", "metrics"),
    }
    (rule,) = named(manifests, "Ingress")["spec"]["rules"]
    backend = rule["http"]["paths"][0]["backend"]["service"]
    assert backend == {"name": "fleet-engine", "port": {"name": "dashboard"}}
    assert named(manifests, "ServiceMonitor")["spec"]["endpoints"][0]["port"] == "metrics"


def test_a_dashboard_switched_off_is_reached_by_nobody(render):
    manifests = render(*BUCKET, "dashboard.enabled=false")
    (engine,) = named(manifests, "StatefulSet")["spec"]["template"]["spec"]["containers"]
    assert not [argument for argument in engine["args"] if argument.startswith("--http")]
    assert "dashboard" not in [
        port["name"] for port in named(manifests, "Service", "engine")["spec"]["ports"]
    ]


def test_secrets_of_alerts_are_variables_of_the_engine_by_reference(render):
    (engine,) = named(render(*EVERYTHING), "StatefulSet")["spec"]["template"]["spec"]["containers"]
    assert engine["envFrom"] == [{"secretRef": {"name": "s3"}}, {"secretRef": {"name": "webhook"}}]
