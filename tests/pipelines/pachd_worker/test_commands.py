"""Any command run as a datum: its world, its end, and what it must not leave behind."""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines.pachd.commands import moved
from pipelines.pachd.objects import Objects, ObjectWriter
from pipelines.pachd.spec import Transform
from pipelines.pachd.worker import DatumResult, DatumTask, run_datum, run_datum_set

Make = Callable[..., DatumTask]


def contents(result: DatumResult, objects: Objects) -> dict[str, str]:
    return {path: objects.read(ref).decode() for path, ref in result.files.items()}


@contextmanager
def held_open(fifo: Path) -> Iterator[str]:
    """A command that never ends and holds `fifo` open; leaving the block waits until it is dead."""
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    try:
        yield f"sleep 600 > {fifo}"
        os.set_blocking(reader, True)
        assert os.read(reader, 1) == b""
    finally:
        os.close(reader)


@pytest.mark.usefixtures("any_mount")
class TestWorld:
    def test_inputs_are_under_pfs_and_outputs_under_pfs_out(
        self, command_task: Make, objects: Objects
    ) -> None:
        task = command_task(
            "tr a-z A-Z < /pfs/in/a > /pfs/out/b; mkdir -p /pfs/out/d; cp /pfs/in/a /pfs/out/d/c"
        )
        result = run_datum(task)
        assert (result.state, result.error) == ("success", "")
        assert contents(result, objects) == {"/b": "APPLE", "/d/c": "apple"}
        assert (result.tries, result.bytes_in, result.bytes_out) == (1, 5, 10)

    def test_pfs_root_holds_the_same_tree(self, command_task: Make, objects: Objects) -> None:
        result = run_datum(command_task('cp "$PFS_ROOT/in/a" "$PFS_ROOT/out/b"'))
        assert contents(result, objects) == {"/b": "apple"}

    def test_stdin_lines_are_fed_with_pfs_resolved(self, command_task: Make, objects: Objects) -> None:
        transform = Transform(cmd=("sh",), stdin=("cat /pfs/in/a > /pfs/out/b", "echo done >> /pfs/out/b"))
        assert contents(run_datum(command_task("", transform=transform)), objects) == {"/b": "appledone\n"}

    def test_environment_points_into_pfs(self, command_task: Make, objects: Objects) -> None:
        task = command_task('cat "$in" > /pfs/out/b; echo "$COLOUR $PACH_JOB_ID" >> /pfs/out/b')
        task = command_task(
            "",
            transform=Transform(cmd=task.transform.cmd, env={"COLOUR": "red"}),
            env={"in": "/pfs/in/a", "PACH_JOB_ID": "j1"},
        )
        assert contents(run_datum(task), objects) == {"/b": "applered j1\n"}

    def test_works_in_pfs_unless_told_otherwise(self, command_task: Make, objects: Objects) -> None:
        assert contents(run_datum(command_task("cp in/a out/b")), objects) == {"/b": "apple"}
        transform = Transform(cmd=("sh", "-c", "pwd > /pfs/out/b"), working_dir="/tmp")
        assert contents(run_datum(command_task("", transform=transform)), objects) == {"/b": "/tmp\n"}

    def test_python3_is_the_interpreter_forewarn_runs_in(self, command_task: Make, objects: Objects) -> None:
        result = run_datum(command_task("python3 -c 'import features' && touch /pfs/out/ok"))
        assert contents(result, objects) == {"/ok": ""}

    def test_links_to_inputs_stand_for_the_inputs(self, command_task: Make, objects: Objects) -> None:
        result = run_datum(
            command_task(
                "ln -s /pfs/in/a /pfs/out/b; ln -s /pfs/in /pfs/out/all", {"in/a": "apple", "in/c/d": "x"}
            )
        )
        assert contents(result, objects) == {"/b": "apple", "/all/a": "apple", "/all/c/d": "x"}

    def test_empty_files_can_be_rearranged_by_links(self, command_task: Make, objects: Objects) -> None:
        task = command_task("test ! -s /pfs/in/a && ln -s /pfs/in/a /pfs/out/b")
        file = task.inputs[0]
        shown = type(file)(file.path, file.ref, empty=True)
        result = run_datum(type(task)(**{**vars(task), "inputs": (shown,)}))
        assert contents(result, objects) == {"/b": "apple"}
        assert result.bytes_in == 0

    @pytest.mark.parametrize(
        ("script", "why"),
        [
            ("ln -s /etc/passwd /pfs/out/b", "leads out of /pfs"),
            ("ln -s ../.. /pfs/out/b", "leads out of /pfs"),
            ("ln -s nowhere /pfs/out/b", "leads nowhere"),
            ("ln -s ../out /pfs/out/b", "back to a folder above"),
            ("mkfifo /pfs/out/b", "neither a file nor a folder"),
            ("touch '/pfs/out/a*b'", "expected: printable ASCII"),
            ("touch '/pfs/out/a+b'", "expected: printable ASCII"),
            ("mkdir '/pfs/out/é' && touch '/pfs/out/é/x'", "expected: printable ASCII"),
        ],
    )
    def test_outputs_that_cannot_be_kept_fail_the_datum(
        self, command_task: Make, script: str, why: str
    ) -> None:
        result = run_datum(command_task(script))
        assert (result.state, result.files) == ("failed", {})
        assert why in result.error

    def test_scratch_is_removed_even_when_locked(self, command_task: Make) -> None:
        assert run_datum(command_task("mkdir -p d/e && touch d/e/f && chmod 000 d/e d")).state == "success"

    def test_unknown_command_says_so(self, command_task: Make) -> None:
        result = run_datum(command_task("", transform=Transform(cmd=("no-such-program",))))
        assert result.state == "failed"
        assert "cannot run no-such-program" in result.error


class TestEnd:
    def test_exit_code_and_the_end_of_stderr_are_the_error(self, command_task: Make) -> None:
        result = run_datum(command_task("echo out; echo first >&2; echo last >&2; exit 3", tries=2))
        assert result == DatumResult(
            datum_id="datum",
            state="failed",
            log=result.log,
            error="exit code 3: first\nlast",
            tries=2,
            download_s=result.download_s,
            process_s=result.process_s,
            bytes_in=5,
        )
        said = [line.message for line in result.log if line.user]
        assert sorted(said) == sorted(["out", "first", "last"] * 2)

    def test_success_on_a_later_try_starts_from_clean_outputs(
        self, command_task: Make, objects: Objects, tmp_path: Path
    ) -> None:
        marker = tmp_path / "tried"
        script = f"test -e {marker} && touch /pfs/out/good && exit 0; touch {marker} /pfs/out/bad; exit 1"
        result = run_datum(command_task(script, tries=3))
        assert (result.state, result.tries, list(result.files)) == ("success", 2, ["/good"])

    def test_accepted_exit_codes_are_success(self, command_task: Make) -> None:
        transform = Transform(cmd=("sh", "-c", "exit 5"), accept_return_code=(5,))
        assert run_datum(command_task("", transform=transform)).state == "success"

    def test_timeout_kills_the_whole_group_and_counts_as_a_try(
        self, command_task: Make, tmp_path: Path
    ) -> None:
        with held_open(tmp_path / "fifo") as script:
            result = run_datum(command_task(f"{script} & wait", timeout_s=0.5, tries=2))
        assert (result.state, result.error, result.tries) == ("failed", "timed out after 0.5 s", 2)

    def test_what_a_command_leaves_running_is_killed(self, command_task: Make, tmp_path: Path) -> None:
        with held_open(tmp_path / "fifo") as script:
            result = run_datum(command_task(f"{script} &"))
        assert result.state == "success"

    def test_err_cmd_success_recovers_without_output(self, command_task: Make) -> None:
        transform = Transform(
            cmd=("sh", "-c", "touch /pfs/out/x; exit 1"), err_cmd=("sh", "-c", "test -e /pfs/in/a")
        )
        result = run_datum(command_task("", transform=transform, tries=2))
        assert (result.state, result.files, result.tries) == ("recovered", {}, 2)

    def test_err_cmd_failure_leaves_the_first_error(self, command_task: Make) -> None:
        transform = Transform(cmd=("sh", "-c", "exit 1"), err_cmd=("sh",), err_stdin=("exit 2",))
        result = run_datum(command_task("", transform=transform))
        assert (result.state, result.error) == ("failed", "exit code 1")
        assert [line.message for line in result.log][-1] == "err_cmd: exit code 2"

    def test_stop_file_kills_and_does_not_retry(self, command_task: Make, tmp_path: Path) -> None:
        stop = tmp_path / "stop"
        result = run_datum(command_task(f"touch {stop}; sleep 600", stop_file=str(stop), tries=3))
        assert (result.state, result.stopped, result.tries) == ("failed", True, 1)

    @pytest.mark.parametrize("more", [{"timeout_s": 0.5}, {"stop_file": "stop"}])
    def test_a_command_that_never_stops_printing_is_stopped(
        self, command_task: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: dict[str, object]
    ) -> None:
        monkeypatch.chdir(tmp_path)
        result = run_datum(command_task(f"touch {tmp_path}/stop; yes", **more))
        assert (result.state, result.stopped) == ("failed", "stop_file" in more)

    def test_output_without_end_is_bounded(self, command_task: Make) -> None:
        result = run_datum(command_task("seq 1 100000; head -c 100000 /dev/zero | tr '\\0' x"))
        assert len(result.log) < 4_100
        assert max(len(line.message) for line in result.log) <= 8 << 10
        assert any("lines left out" in line.message for line in result.log)
        assert [line.message for line in result.log[:2]] == ["1", "2"]

    def test_damaged_input_fails_its_datum_with_a_clear_error(
        self, command_task: Make, objects: Objects
    ) -> None:
        task = command_task("true")
        for file in Path(objects.root).rglob("*"):
            if file.is_file():
                file.chmod(0o600)
                file.write_bytes(b"x" * file.stat().st_size)
        result = run_datum(task)
        assert result.state == "failed"
        assert "damaged" in result.error

    def test_a_set_packs_outputs_and_keeps_order(self, command_task: Make, objects: Objects) -> None:
        tasks = [command_task(f"echo {i} > /pfs/out/{i}; exit {i % 2}", datum_id=str(i)) for i in range(4)]
        results = run_datum_set(tasks)
        assert [(r.datum_id, r.state) for r in results] == [
            ("0", "success"), ("1", "failed"), ("2", "success"), ("3", "failed")
        ]  # fmt: skip
        assert contents(results[2], objects) == {"/2": "2\n"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/pfs/in/a", "/r/in/a"),
        ("--from=/pfs/in --to='/pfs/out'", "--from=/r/in --to='/r/out'"),
        ("cat /pfs; ls /pfs", "cat /r; ls /r"),
        ("/data/pfs/x /pfsx ./pfs", "/data/pfs/x /pfsx ./pfs"),
    ],
)
def test_only_mentions_of_pfs_itself_are_moved(text: str, expected: str) -> None:
    assert moved(text, "/r") == expected


def test_a_full_disk_fails_the_datum_with_the_systems_words(
    command_task: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    task = command_task("true", tries=2)
    monkeypatch.setattr(Objects, "copy_to", full)
    result = run_datum(task)
    assert (result.state, result.tries) == ("failed", 2)
    assert result.error == "OSError: [Errno 28] No space left on device"


def test_outputs_that_cannot_be_stored_fail_their_set(
    command_task: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    tasks = [command_task(script, datum_id=script) for script in ("echo x > /pfs/out/x", "exit 1")]
    monkeypatch.setattr(ObjectWriter, "flush", full)
    stored, failed = run_datum_set(tasks)
    assert (stored.state, stored.files) == ("failed", {})
    assert stored.error == "cannot store outputs: [Errno 28] No space left on device"
    assert failed.error == "exit code 1"
