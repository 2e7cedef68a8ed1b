"""What is installed is what was locked: from an index, each file named by its hash; the bill lists it all."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def locked() -> list[dict[str, Any]]:
    """Every dependency of the lock file."""
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    return [package for package in packages if package["name"] != "forewarn"]


def test_every_file_is_named_by_its_hash(locked: list[dict[str, Any]]) -> None:
    assert len(locked) > 100
    for package in locked:
        assert set(package["source"]) == {"registry"}, package["name"]
        files = [*package.get("wheels", ()), *([package["sdist"]] if "sdist" in package else ())]
        assert files, package["name"]
        assert all(file["hash"].startswith("sha256:") for file in files), package["name"]


def test_the_bill_of_materials_lists_what_is_installed(locked: list[dict[str, Any]]) -> None:
    uv = Path(sys.executable).with_name("uv")
    if not uv.exists():
        pytest.skip("uv is not installed beside this Python")
    command = [uv, "export", "--quiet", "--frozen", "--offline", "--no-default-groups", "--all-extras"]
    told = subprocess.run(
        [*command, "--format", "cyclonedx1.5"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout
    bill = json.loads(told)
    parts = {(part["name"], part["version"]) for part in bill["components"]}
    assert bill["metadata"]["component"]["name"] == "forewarn"
    assert {"grpcio", "lightgbm", "pachyderm-sdk"} <= {name for name, _ in parts}
    assert parts <= {(package["name"], package["version"]) for package in locked}
