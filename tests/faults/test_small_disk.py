"""A disk that is really full, where a test may mount a small one: told, nothing lost, a retry works."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.pachd.engine import Engine
from pipelines.pachd.errors import StorageError
from tests.conftest import Tally
from tests.faults.inline import Copying
from tests.faults.test_full_disk import OLD, PIPELINE, STATE, content, push, run_jobs

ROOT = Path(__file__).parents[2]
BLOCK = 4096


def mounted(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Run a command with an empty disk of 8 MiB mounted at a folder, which nobody else sees."""
    mount = f"mount -t tmpfs -o size=8m none {shlex.quote(str(folder))}"
    return subprocess.run(
        ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", f"{mount} && {command}"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def fill(folder: Path, left: int) -> Path:
    """Leave so many bytes of the disk; the file that takes the others."""
    file = folder / "filler"
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    file.write_bytes(bytes(free - left))
    return file


def push_and_run(engine: Engine, path: str, data: bytes) -> None:
    push(engine, path, data)
    run_jobs(engine)


def live(folder: Path, step: int) -> tuple[int, int]:
    """Push with `step` more blocks left each time, until it works; pushes, and how many were refused."""
    engine, refused, left = Engine(folder / STATE, executor=Copying()), 0, 0
    engine.repos.create("in")
    engine.pipelines.create(PIPELINE)
    push_and_run(engine, "/old", OLD)
    while True:
        filler, told, data = fill(folder, left), "", b"%d left\n" % left * 3_000
        try:
            push_and_run(engine, f"/{left}", data)
        except StorageError as error:
            told = str(error)
        else:
            assert content(engine, "in", f"/{left}") == data
        told += "".join(job.reason for job in engine.jobs.all() if job.state == "FAILURE")
        assert content(engine, "in", "/old") == content(engine, "copy", "/old") == OLD
        filler.unlink()
        if not told:
            break
        assert "the disk is full" in told
        run_jobs(engine)
        push_and_run(engine, f"/{left} again", data)
        assert content(engine, "copy", f"/{left} again") == data
        assert list(engine.fsck()) == []
        for job in engine.jobs.all():
            if job.state == "FAILURE":
                engine.jobs.delete(job)
        refused, left = refused + 1, left + step * BLOCK
    engine.metadata.close()
    return left // (step * BLOCK) + 1, refused


@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.long), 8])
def test_a_disk_that_is_really_full(tmp_path: Path, step: int, tally: Tally) -> None:
    if sys.platform != "linux" or mounted(tmp_path, "true").returncode:
        pytest.skip("this system lets nobody mount a small disk")
    script = f"from tests.faults.test_small_disk import *; print(*live(Path({str(tmp_path)!r}), {step}))"
    ran = mounted(tmp_path, shlex.join([sys.executable, "-c", script]))
    assert ran.returncode == 0, ran.stderr
    pushes, refused = map(int, ran.stdout.split())
    assert refused >= 3
    tally("pushes on a full disk", pushes)
