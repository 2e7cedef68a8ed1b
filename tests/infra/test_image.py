"""The image's recipe: what it may not contain, and that its build stage's commands work on this machine."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.infra import dockerfile

ROOT = Path(__file__).parents[2]
IMAGE = ROOT / "infra" / "image" / "Dockerfile"
INSTRUCTIONS = {"ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "RUN", "USER", "WORKDIR"}


@pytest.fixture
def stages() -> list[dockerfile.Stage]:
    return dockerfile.read(IMAGE)


def test_hadolint_finds_nothing(hadolint, tmp_path):
    def lint(path: Path) -> tuple[int, str]:
        done = subprocess.run([hadolint, "--no-color", path], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    assert lint(IMAGE) == (0, "")
    careless = tmp_path / "Dockerfile"
    careless.write_text("FROM python\nADD . .\nUSER root\n")
    code, told = lint(careless)
    assert code != 0
    assert {"DL3006", "DL3020", "DL3002"} <= set(told.split())


def test_the_final_stage_runs_as_a_numbered_user_that_is_not_root(stages):
    assert stages[-1].all("USER") == ["10001:10001"]


def test_nothing_is_compiled_or_fetched_by_python_in_the_final_stage(stages):
    commands = " ".join(stages[-1].all("RUN"))
    for word in ("gcc", "g++", "build-essential", "cmake", "pip ", "uv ", "curl", "wget"):
        assert word not in commands
    assert all("--from=build" in copied for copied in stages[-1].all("COPY"))


def test_the_lock_file_decides_and_nothing_is_editable(stages):
    syncs = [command for command in stages[0].all("RUN") if command.startswith("uv sync")]
    assert all("--frozen" in sync and "--no-default-groups" in sync for sync in syncs)
    assert "--no-editable" in syncs[-1]


def test_bases_are_tagged_and_only_known_instructions_are_used(stages):
    assert len(stages) == 2
    assert all(":" in stage.base and not stage.base.endswith(":latest") for stage in stages)
    assert {kind for stage in stages for kind, _ in stage.steps} <= INSTRUCTIONS


def test_no_secret_has_a_place_in_it(stages):
    named = [name for stage in stages for name in stage.variables()]
    assert not [name for name in named if "TOKEN" in name or "SECRET" in name or "PASSWORD" in name]


def test_both_stages_compile_for_the_same_processor_and_find_the_code(stages):
    build, final = (stage.variables() for stage in stages)
    assert build["NUMBA_CPU_NAME"] == final["NUMBA_CPU_NAME"] == "$NUMBA_CPU"
    assert [stage.all("ARG") for stage in stages] == [["NUMBA_CPU=x86-64-v3"]] * 2
    assert build["NUMBA_CACHE_DIR"] == final["FOREWARN_MACHINE_CODE"]


def test_the_build_context_is_sources_and_lock_file_only(stages):
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    kept = {line[1:] for line in lines if line.startswith("!")}
    copied = {name for line in stages[0].all("COPY") for name in line.split()[:-1]}
    assert lines[1] == "*"
    assert kept == copied
    assert all((ROOT / name).exists() for name in kept)


SEEDED = """
import time
from numba import njit
@njit(cache=True)
def twice(x):
    return 2 * x
assert twice(21) == 42
print(sum(twice.stats.cache_hits.values()), sum(twice.stats.cache_misses.values()))
"""


@pytest.mark.long
def test_compiled_code_is_found_below_the_temporary_folder_and_the_image_is_not_written(tmp_path):
    source = tmp_path / "kernel.py"
    source.write_text(SEEDED)
    baked, temporary = tmp_path / "baked", tmp_path / "tmp"
    temporary.mkdir()

    def run(**variables: str) -> str:
        plain = {name: value for name, value in os.environ.items() if not name.startswith("NUMBA")}
        return subprocess.run(
            [sys.executable, source], env=plain | variables, check=True, capture_output=True, text=True
        ).stdout.strip()

    assert run(NUMBA_CACHE_DIR=str(baked)) == "0 1"
    before = sorted(baked.rglob("*"))
    seeded = {
        "NUMBA_CACHE_LOCATOR_CLASSES": "pipelines.machinecode.Seeded",
        "FOREWARN_MACHINE_CODE": str(baked),
        "TMPDIR": str(temporary),
    }
    for path in baked.rglob("*"):
        path.chmod(0o555)
    assert run(**seeded) == "1 0"
    assert run(**seeded | {"FOREWARN_MACHINE_CODE": str(tmp_path / "nothing")}) == "1 0"
    assert sorted(baked.rglob("*")) == before


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_the_build_stage_works_in_a_plain_environment(stages, tmp_path):
    """Every RUN and COPY of the build stage, with its paths moved below a folder of ours."""
    moved = {"/opt/": f"{tmp_path}/opt/"}
    ours = ("VIRTUAL_ENV", "PYTHONPATH")
    variables = {name: value for name, value in os.environ.items() if name not in ours}
    uv = Path(sys.executable).parent
    variables["PATH"] = f"{uv}{os.pathsep}{variables['PATH']}"
    source = tmp_path / "src"
    folder = source
    source.mkdir()

    def here(text: str) -> str:
        for old, new in moved.items():
            text = text.replace(old, new)
        return text.replace("$NUMBA_CPU", "x86-64-v3")

    for kind, arguments in stages[0].steps:
        if kind == "ENV":
            variables |= dockerfile.Stage("", "", (("ENV", here(arguments)),)).variables()
        elif kind == "WORKDIR":
            folder = source if arguments == "/src" else tmp_path
        elif kind == "COPY":
            *names, _ = arguments.split()
            for name in names:
                origin = ROOT / name
                copy = shutil.copytree if origin.is_dir() else shutil.copy
                copy(origin, source / name)
        elif kind == "RUN" and not arguments.startswith("pip install"):
            subprocess.run(shlex.split(here(arguments)), cwd=folder, env=variables, check=True)
    python = tmp_path / "opt" / "forewarn" / "bin" / "python"
    told = subprocess.run(
        [python, "-c", "import pipelines; print(pipelines.__file__)"],
        cwd=tmp_path, env=variables, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert told.startswith(str(tmp_path / "opt" / "forewarn"))
    assert list((tmp_path / "opt" / "machine-code").rglob("*.nbc"))
