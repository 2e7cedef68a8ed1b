"""Datum batching with the SDK's own decorator: one process, many datums, each with its own fate."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.pachd import batching
from pipelines.pachd.objects import Objects
from pipelines.pachd.sandbox import private_mounts
from pipelines.pachd.spec import Transform
from pipelines.pachd.worker import DatumTask, run_datum_set

Make = Callable[..., DatumTask]

PROGRAM = """
import os, pathlib, sys, time
from pachyderm_sdk import batch_all_datums

@batch_all_datums
def main():
    text = pathlib.Path("/pfs/in/a").read_text()
    print("got", text, flush=True)
    if text == "fail":
        raise ValueError("no good")
    if text == "die":
        os._exit(7)
    if text == "hang":
        time.sleep(600)
    pathlib.Path("/pfs/out", text).write_text(os.environ["NOTE"])
    pathlib.Path("/pfs/out/pid").write_text(str(os.getpid()))

main()
"""

needs_mounts = pytest.mark.skipif(not private_mounts(), reason="this machine allows no private mounts")


@pytest.fixture
def batch(command_task: Make, tmp_path: Path) -> Callable[..., list[DatumTask]]:
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    transform = Transform(cmd=("python3", str(program)), datum_batching=True)

    def make(*texts: str, **more: object) -> list[DatumTask]:
        return [
            command_task(
                "",
                {"in/a": text},
                datum_id=text,
                transform=transform,
                env={"NOTE": f"it's {text}"},
                **more,
            )
            for text in texts
        ]

    return make


@needs_mounts
def test_one_process_takes_all_datums_and_sees_each_alone(
    batch: Callable[..., list[DatumTask]], objects: Objects
) -> None:
    results = run_datum_set(batch("a", "b", "c"))
    assert [r.state for r in results] == ["success"] * 3
    assert [sorted(r.files) for r in results] == [["/a", "/pid"], ["/b", "/pid"], ["/c", "/pid"]]
    assert objects.read(results[1].files["/b"]) == b"it's b"
    assert len({r.files["/pid"].hash for r in results}) == 1
    assert [line.message for line in results[1].log] == ["got b"]


@needs_mounts
def test_a_reported_error_is_a_failed_try_in_the_same_process(batch: Callable[..., list[DatumTask]]) -> None:
    good, bad, after = run_datum_set(batch("good", "fail", "after", tries=2))
    assert (bad.state, bad.error, bad.tries) == ("failed", "ValueError('no good')", 2)
    assert good.files["/pid"] == after.files["/pid"]


@needs_mounts
@pytest.mark.parametrize(
    ("mood", "error"),
    [
        ("die", "ended before asking for the next datum: exit code 7"),
        ("hang", "timed out after 2 s"),
    ],
)
def test_a_lost_process_is_a_failed_try_and_is_started_again(
    batch: Callable[..., list[DatumTask]], mood: str, error: str
) -> None:
    lost, after = run_datum_set(batch(mood, "after", timeout_s=2.0))
    assert (lost.state, lost.error) == ("failed", error)
    assert after.state == "success"


@needs_mounts
def test_a_program_that_never_asks_fails_its_datum(command_task: Make) -> None:
    transform = Transform(cmd=("sh", "-c", "echo hm >&2"), datum_batching=True)
    (result,) = run_datum_set([command_task("", transform=transform)])
    assert result.error == "ended before asking for the next datum: exit code 0: hm"


def test_without_a_private_pfs_it_says_so(
    batch: Callable[..., list[DatumTask]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "private_mounts", lambda: False)
    (result,) = run_datum_set(batch("a"))
    assert result.error.startswith("datum_batching needs a private /pfs")
