"""What is published: wheel and sdist hold every file, and the tests pass with them outside the repository."""

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("features", "models", "pipelines", "reports")
ELSEWHERE = ("tests/features", "tests/pipelines/logs", "examples")
THEIR_HELPERS = ("tests/conftest.py", "tests/abuse/watch.py")
UV = [sys.executable, "-m", "uv"]


def run(*command, cwd):
    done = subprocess.run(list(map(str, command)), cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def interpreter_of(version):
    """A Python of this version: one of pyenv's (whose shims on the path may refuse), or on the path."""
    installed = sorted((Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python"))
    return installed[-1] if installed else shutil.which(f"python{version}")


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    """A folder with the wheel and the sdist of the files git tracks."""
    folder = tmp_path_factory.mktemp("built")
    source = folder / "source"
    tracked = run("git", "ls-files", "-z", cwd=ROOT).split("\0")
    for name in filter(None, tracked):
        if (ROOT / name).exists():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, source / name)
    run(*UV, "build", "-q", "-o", folder, source, cwd=folder)
    return folder


def test_wheel_and_sdist_hold_every_file_of_the_packages(built):
    tracked = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (built / "source" / package).rglob("*")
        for path in [ROOT / path.relative_to(built / "source")]
        if path.is_file() and path.suffix != ".md"
    }
    (wheel,) = built.glob("*.whl")
    (sdist,) = built.glob("*.tar.gz")
    assert tracked <= set(zipfile.ZipFile(wheel).namelist())
    with tarfile.open(sdist) as archive:
        assert tracked <= {name.partition("/")[2] for name in archive.getnames()}


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_the_wheel_passes_tests_outside_the_repository(built, tmp_path, version):
    interpreter = interpreter_of(version)
    if interpreter is None:
        pytest.skip(f"no Python {version} on this machine")
    run(*UV, "venv", "-q", "-p", interpreter, "env", cwd=tmp_path)
    python = tmp_path / "env" / "bin" / "python"
    (wheel,) = built.glob("*.whl")
    tools = ("pytest", "pytest-timeout", "pytest-asyncio", "hypothesis")
    run(*UV, "pip", "install", "-q", "-p", python, f"{wheel}[ros,px4]", *tools, cwd=tmp_path)
    assert run(tmp_path / "env" / "bin" / "forewarn", "--version", cwd=tmp_path).startswith("forewarn ")
    outside = tmp_path / "outside"
    for name in ELSEWHERE:
        shutil.copytree(ROOT / name, outside / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in THEIR_HELPERS:
        (outside / name).parent.mkdir(exist_ok=True)
        shutil.copy2(ROOT / name, outside / name)
    run(
        python,
        "-m",
        "pytest",
        "-q",
        "-m",
        "not long",  # pyproject.toml, which says so within the repository, is not here
        "-o",
        "markers=long",
        "--import-mode=importlib",
        "-p",
        "no:cacheprovider",
        outside,
        cwd=outside,
    )
