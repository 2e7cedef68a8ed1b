"""Runs any command as a datum: in a process group of its own, with /pfs where the command looks for it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from features.errors import ForewarnError
from pipelines.pachd.capture import Capture, Streams
from pipelines.pachd.memory import MemoryLimit
from pipelines.pachd.sandbox import PFS, launcher, private_mounts

TOKEN_VARIABLE = "PACH_PYTHON_AUTH_TOKEN"  # noqa: S105 - the name of the SDK's own variable
_MENTION = re.compile(r"(?<![\w./-])/pfs(?=/|$|[\s'\";:,)])")


@dataclass(frozen=True)
class Ended:
    """How a command ended: `error` is "" on success; `stopped` when the job was stopped, not the datum.

    peak_bytes: memory it held at its most, 0 where that is unknown.
    """

    error: str = ""
    stopped: bool = False
    peak_bytes: int = 0

    @classmethod
    def early(cls, end: str, timeout_s: float | None, memory: MemoryLimit) -> "Ended":
        """Killed before its end: by the clock, for its memory or with its job."""
        if end == "stopped":
            return cls("the job was stopped", stopped=True)
        if end == "memory":
            return cls(str(memory))
        return cls(f"timed out after {timeout_s:g} s")

    @classmethod
    def because(cls, error: Exception) -> "Ended":
        """Failed around the command: its inputs could not be laid out, its outputs not be stored."""
        return cls(str(error) if isinstance(error, ForewarnError) else f"{type(error).__name__}: {error}")


@dataclass(frozen=True)
class Command:
    """A command line with its standard input, as a spec has them, and the exit codes that mean success."""

    cmd: tuple[str, ...]
    stdin: tuple[str, ...] = ()
    env: Mapping[str, str] | None = None
    working_dir: str = ""
    accept: tuple[int, ...] = ()

    def run(
        self,
        pfs: Path,
        capture: Capture,
        *,
        timeout_s: float | None = None,
        stop_file: str = "",
        memory: int = 0,
    ) -> Ended:
        """Run it on the datum in `pfs`."""
        try:
            running = self.start(pfs)
        except OSError as error:
            missing = f" ({error.filename})" if error.filename not in (None, self.cmd[0]) else ""
            return Ended(f"cannot run {self.cmd[0]}: {error.strerror}{missing}")
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        limit = MemoryLimit(running.process.pid, memory)
        end = running.streams.follow(
            capture, running.over, deadline=deadline, stop_file=stop_file, memory=limit
        )
        code, tail = running.end(capture, kill=end != "finished")
        if end != "finished":
            return Ended.early(end, timeout_s, limit)
        return Ended() if code in (0, *self.accept) else Ended(failure(code, tail))

    def start(self, pfs: Path, wake: int | None = None) -> "Running":
        """Start it in a process group of its own; raises OSError when that cannot be done.

        The tree is at $PFS_ROOT: /pfs itself in a private mount where the machine allows one; otherwise its
        folder, and mentions of /pfs in arguments, standard input and environment are moved there. The
        interpreter forewarn runs in stands for the image's: it comes first on PATH.
        """
        private = private_mounts()
        root = PFS if private else str(pfs)
        arguments = [moved(argument, root) for argument in self.cmd]
        folder = moved(self.working_dir, root) or root
        script = pfs.parent / "stdin"
        script.write_text("".join(moved(line, root) + "\n" for line in self.stdin))
        with script.open("rb") as lines:
            process = subprocess.Popen(  # noqa: S603
                launcher(pfs, folder, arguments) if private else arguments,
                cwd=None if private else folder,
                env=environment(self.env or {}, root),
                stdin=lines,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        return Running(process, wake)


class Running:
    """A command that was started; `end` it."""

    def __init__(self, process: "subprocess.Popen[bytes]", wake: int | None = None) -> None:
        self.process = process
        self.streams = Streams(read_end(process.stdout), read_end(process.stderr), wake)

    def over(self) -> bool:
        """Whether the command ended; what it started may go on."""
        return self.process.poll() is not None

    def end(self, capture: Capture, *, kill: bool) -> tuple[int, str]:
        """Wait for the command (`kill` it first), end what it left behind; its exit status and last words."""
        with self.process:
            if kill or not self.streams.drain(capture):
                kill_group(self.process.pid)  # whatever still holds our pipes is of this group
            code = self.process.wait()
            self.streams.drain(capture)
            self.streams.close()
            capture.end()
        return code, capture.error_tail()


def environment(env: Mapping[str, str], root: str) -> dict[str, str]:
    """What `inherited` says, then `env` with /pfs moved to `root`, and our Python first on PATH."""
    merged = {**inherited(), **{key: moved(value, root) for key, value in env.items()}, "PFS_ROOT": root}
    search = merged.get("PATH", "/usr/local/bin:/usr/bin:/bin")
    merged["PATH"] = f"{Path(sys.executable).parent}:{search}"
    return merged


def inherited() -> dict[str, str]:
    """The environment of this process without the token that opens the engine: a datum has no use for it."""
    return {key: value for key, value in os.environ.items() if key != TOKEN_VARIABLE}


def moved(text: str, root: str) -> str:
    """`text` with every mention of a path under /pfs moved under `root`."""
    if root == PFS or PFS not in text:
        return text
    return _MENTION.sub(lambda _: root, text)


def exit_text(code: int) -> str:
    """An exit status in words."""
    if code >= 0:
        return f"exit code {code}"
    hint = " (out of memory?)" if code == -signal.SIGKILL else ""
    return f"killed by {signal.Signals(-code).name}{hint}"


def failure(code: int, tail: str) -> str:
    """The error of a command that ended badly."""
    return f"{exit_text(code)}: {tail}" if tail else exit_text(code)


def read_end(stream: IO[bytes] | None) -> int:
    """The descriptor of a pipe we asked for."""
    if stream is None:
        raise AssertionError("asked for a pipe")
    return stream.fileno()


def kill_group(pid: int) -> None:
    """Kill a process we started as the leader of its group, and what it started."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
