"""Our own steps in their warm process: reuse, isolation between datums, and every bad end."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.pachd.objects import Objects
from pipelines.pachd.spec import Transform
from pipelines.pachd.worker import DatumResult, DatumTask, run_datum, run_datum_set, steps

Make = Callable[..., DatumTask]


def said(result: DatumResult) -> list[str]:
    return sorted(line.message for line in result.log if line.user)


def test_writes_and_logs_are_the_datums_own(step_task: Make, objects: Objects) -> None:
    first = run_datum(step_task("write a/b one", "say hello"))
    second = run_datum(step_task("say again"))
    assert {path: objects.read(ref) for path, ref in first.files.items()} == {"/a/b": b"one"}
    assert said(first) == ["careful: hello", "hello"]
    assert (second.files, said(second)) == ({}, ["again", "careful: again"])


def test_one_process_serves_many_datums(step_task: Make) -> None:
    pids = [run_datum(step_task("pid")).files["/pid"].hash for _ in range(3)]
    assert len(set(pids)) == 1


def test_environment_ends_with_its_datum(step_task: Make, objects: Objects) -> None:
    first = run_datum(step_task("env COLOUR", env={"COLOUR": "red"}))
    second = run_datum(step_task("env COLOUR"))
    assert [objects.read(r.files["/env"]) for r in (first, second)] == [b"red", b"unset"]


def test_paths_in_the_environment_lead_to_the_datum(step_task: Make, objects: Objects) -> None:
    result = run_datum(step_task("env in", env={"in": "/pfs/in/0"}))
    assert objects.read(result.files["/env"]).decode().endswith("/pfs/in/0")


@pytest.mark.parametrize(
    ("mood", "error"),
    [
        ("raise no good", "ValueError: no good"),
        ("complain about it", "about it; got: a; expected: b"),
        ("exit 4", "exit code 4"),
        ("crash SIGSEGV", "killed by SIGSEGV while running the step"),
        ("crash SIGKILL", "killed by SIGKILL (out of memory?) while running the step"),
        ("write bad* name", "the path '/bad*' holds '*'"),
    ],
)
def test_a_bad_end_is_named_and_the_next_datum_runs(step_task: Make, mood: str, error: str) -> None:
    result = run_datum(step_task("say before", mood))
    assert (result.state, result.files) == ("failed", {})
    assert result.error.startswith(error)
    assert "before" in said(result)
    assert run_datum(step_task("say after")).state == "success"


def test_exit_zero_is_success(step_task: Make) -> None:
    assert run_datum(step_task("exit 0")).state == "success"


def test_missing_step_is_a_failed_datum(command_task: Make) -> None:
    result = run_datum(
        command_task("", transform=Transform(cmd=("python3", "-m", "pipelines.steps.no_such")))
    )
    assert (result.state, result.error) == (
        "failed",
        "ModuleNotFoundError: No module named 'pipelines.steps.no_such'",
    )


def test_timeout_kills_the_process_and_counts_as_a_try(step_task: Make) -> None:
    before = run_datum(step_task("pid")).files["/pid"].hash
    result = run_datum(step_task("hang", timeout_s=1.0, tries=2))
    assert (result.state, result.error, result.tries) == ("failed", "timed out after 1 s", 2)
    assert said(result) == ["hanging", "hanging"]
    assert run_datum(step_task("pid")).files["/pid"].hash != before


def test_a_lost_process_is_one_failed_try(step_task: Make, tmp_path: Path) -> None:
    result = run_datum(step_task(f"once {tmp_path / 'marker'}", tries=2))
    assert (result.state, result.tries, list(result.files)) == ("success", 2, ["/second"])


def test_stop_file_ends_a_running_step(step_task: Make, tmp_path: Path) -> None:
    (tmp_path / "stop").touch()
    result = run_datum(step_task("hang", stop_file=str(tmp_path / "stop"), tries=3))
    assert (result.state, result.stopped, result.tries) == ("failed", True, 1)


def test_err_cmd_of_a_step_is_a_command(step_task: Make) -> None:
    result = run_datum(step_task("raise x", transform={"err_cmd": ("sh", "-c", "test -e /pfs/in/0")}))
    assert result.state == "recovered"


def test_preload_runs_before_the_first_datum(
    step_task: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(steps, "preload", ("readied:warm_up", "no.such.module"))
    (tmp_path / "site" / "readied.py").write_text("def warm_up():\n    print('warmed up')\n")
    result = run_datum(step_task("say hi"))
    assert result.state == "success"
    assert "warmed up" in said(result)


@pytest.mark.parametrize(
    ("transform", "step"),
    [
        (Transform(cmd=("python3", "-m", "pipelines.steps.join")), "pipelines.steps.join"),
        (Transform(cmd=("/usr/bin/python", "-m", "pipelines.steps.join")), "pipelines.steps.join"),
        (Transform(cmd=("python3", "-m", "other.join")), ""),
        (Transform(cmd=("python3", "-m", "pipelines.steps.join", "--fast")), ""),
        (Transform(cmd=("python3", "-m", "pipelines.steps.join"), stdin=("x",)), ""),
        (Transform(cmd=("python3", "/app/join.py")), ""),
    ],
)
def test_only_our_own_plain_steps_are_run_warm(transform: Transform, step: str) -> None:
    assert transform.step == step


def test_a_datum_sees_nothing_of_the_one_before(step_task: Make) -> None:
    litter = ("write ../in/stale raise stale", "write ../other/stale x", "write ../in/deep/stale raise stale")
    first, second = run_datum_set([step_task(*litter, "write a x"), step_task("say clean", "write b y")])
    assert (first.state, list(first.files)) == ("success", ["/a"])
    assert (second.state, list(second.files), second.error) == ("success", ["/b"], "")


def test_a_folder_is_not_kept_after_a_failure(step_task: Make, scratch: Path) -> None:
    tasks = [step_task("write ../in/stale raise stale", "raise x"), step_task("say clean")]
    assert [r.state for r in run_datum_set(tasks)] == ["failed", "success"]
