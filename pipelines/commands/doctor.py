"""`forewarn doctor`: is this machine fit to run forewarn, and if not, what to do about it."""

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, Literal

from features.errors import ForewarnError
from pipelines.commands.jobs import failed_datums
from pipelines.commands.output import print_json, print_table, say, say_next
from pipelines.project import Project

PACKAGES: Final = ("pachyderm-sdk", "pandas", "pyarrow", "lightgbm", "dask", "numba", "kubernetes")
EXTRAS: Final = {"ros": "rosbags", "px4": "pyulog", "s3": "s3fs", "tune": "optuna", "mlflow": "mlflow-skinny"}
LITTLE_DISK: Final = 5 << 30
LITTLE_MEMORY: Final = 4 << 30


@dataclass(frozen=True)
class Finding:
    """One thing looked at. `hint` says what to do when it is not ok."""

    what: str
    state: Literal["ok", "warning", "failed"]
    found: str
    hint: str = ""


def doctor(*, project: Path | None, json: bool) -> None:
    """Look at Python, packages, kernels, disk, memory and the project; ForewarnError when one is broken."""
    findings = [*machine(Path.cwd() if project is None else project), *_project(project)]
    if json:
        print_json(findings)
    else:
        rows = ([one.state, one.what, one.found] for one in findings)
        print_table(["state", "what", "found"], rows)
    for one in findings:
        if one.hint:
            say(f"{one.state}: {one.what}: {one.hint}")
    if any(one.state == "failed" for one in findings):
        raise ForewarnError("this machine cannot run forewarn yet", hint="do what the lines above say")
    say_next("forewarn demo" if findings[-1].what != "project" else "forewarn status")


def machine(folder: Path) -> Iterator[Finding]:
    """What does not depend on a project, looked at from `folder`."""
    python = platform.python_version()
    fits = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield Finding("python", "ok" if fits else "failed", python, "" if fits else "use Python 3.11 to 3.13")
    for package in PACKAGES:
        found = _version(package)
        hint = "" if found else "install forewarn again: make install"
        yield Finding(package, "ok" if found else "failed", found or "missing", hint)
    for extra, package in EXTRAS.items():
        found = _version(package)
        hint = "" if found else f"only needed for its formats or functions: pip install 'forewarn[{extra}]'"
        yield Finding(f"extra {extra}", "ok" if found else "warning", found or f"{package} missing", hint)
    compiled = any((Path(__file__).parents[2] / "features" / "__pycache__").glob("*.nbi"))
    hint = "" if compiled else "the first push compiles for a minute; or now: python -m pipelines.precompile"
    yield Finding(
        "kernels", "ok" if compiled else "warning", "compiled" if compiled else "not compiled", hint
    )
    free = shutil.disk_usage(folder).free
    hint = "" if free >= LITTLE_DISK else "data pushed here may fill the disk"
    yield Finding("disk", "ok" if free >= LITTLE_DISK else "warning", f"{free / 2**30:.0f} GiB free", hint)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    hint = "" if memory >= LITTLE_MEMORY else "set [pipelines] workers = 1"
    found = f"{memory / 2**30:.0f} GiB, {os.cpu_count()} cores"
    yield Finding("memory", "ok" if memory >= LITTLE_MEMORY else "warning", found, hint)
    writable = os.access(folder, os.W_OK)
    hint = "" if writable else "the engine keeps its data beside forewarn.toml: choose a folder you may write"
    yield Finding("folder", "ok" if writable else "failed", str(folder.resolve()), hint)


def _project(start: Path | None) -> Iterator[Finding]:
    try:
        project = Project.find(start)
    except ForewarnError:
        return
    address = project.daemon_address()
    try:
        streams = ", ".join(sorted(project.config.streams))
    except ForewarnError as error:
        yield Finding("config", "failed", str(error), "forewarn config check")
    else:
        yield Finding("config", "ok", f"streams {streams}")
        if address is not None:
            yield from _results(project)
    yield Finding("project", "ok", f"{project.folder}, daemon {address or 'not running'}")


def _results(project: Project) -> Iterator[Finding]:
    """Whether the newest jobs left anything out; asked of a running daemon only."""
    with project.connect() as pachd:
        newest = [job for name in pachd.pipelines() for job in pachd.jobs(pipeline=name, number=1)]
    for job in newest:
        if job.recovered or job.state == "FAILURE":
            left = f"left out {job.recovered} of {job.total} datums" if job.recovered else job.reason
            yield Finding(f"job of {job.pipeline}", "warning", left, failed_datums(job))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
