"""Renders the Helm chart: one description of what runs, whether Helm installs it or forewarn does."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import yaml

from features.errors import NotFoundError, UsageError
from pipelines.deploy.kube import Manifest

CHART: Final = Path(__file__).parents[2] / "infra" / "helm" / "forewarn"
INSTANCE: Final = "app.kubernetes.io/instance"


def render(
    release: str,
    namespace: str,
    *,
    chart: Path | None = None,
    values: Path | None = None,
    sets: Mapping[str, str] | None = None,
    project: Path | None = None,
) -> list[Manifest]:
    """The chart's objects for a release.

    values: a file as for `helm --values`. sets: single values, as for `--set`. project: a forewarn.toml for
    the engine. Raises NotFoundError without helm or the chart, UsageError for values the chart refuses.
    """
    chart = chart or CHART
    if not (chart / "Chart.yaml").is_file():
        raise NotFoundError(f"no Helm chart in {chart}", hint="--chart infra/helm/forewarn of a source tree")
    command = ["helm", "template", release, str(chart), "--namespace", namespace]
    if values is not None:
        command += ["--values", str(values)]
    for key, value in (sets or {}).items():
        command += ["--set", f"{key}={value}"]
    if project is not None:
        command += ["--set-file", f"project={project}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    except FileNotFoundError as error:
        raise NotFoundError("helm is not installed", hint="https://helm.sh/docs/intro/install") from error
    if done.returncode:
        raise UsageError("the chart refuses these values", got=_reason(done.stderr))
    found = [document for document in yaml.safe_load_all(done.stdout) if document]
    for manifest in found:
        manifest["metadata"].setdefault("labels", {})[INSTANCE] = release
    return found


def _reason(told: str) -> str:
    """Helm's sentence without the template and function it came from."""
    lines = [line for line in told.splitlines() if line and not line.startswith("Use --debug")]
    return " ".join(lines).rpartition("error calling ")[2].rpartition("): ")[2]
