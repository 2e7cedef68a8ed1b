"""What a datum printed, line by line, within a bound: a step that prints without end must not fill memory."""

import os
import selectors
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pipelines.pachd.memory import MemoryLimit

HEAD_LINES: Final = 2_000
TAIL_LINES: Final = 2_000
LINE_BYTES: Final = 8 << 10
ERROR_LINES: Final = 20
PIPE_BYTES: Final = 1 << 20
_READ_BYTES: Final = 1 << 16
_POLL_S, _SOON_S = 0.1, 0.001


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line. ts: epoch seconds when it was read; user: from the user's code, not from the engine."""

    ts: float
    message: str
    user: bool = True


class Capture:
    """Keeps the first and the last lines of a datum's output, and the last lines of its stderr."""

    def __init__(self) -> None:
        self._head: list[LogLine] = []
        self._tail: deque[LogLine] = deque(maxlen=TAIL_LINES)
        self._dropped = 0
        self._errors: deque[str] = deque(maxlen=ERROR_LINES)
        self._partial: dict[bool, bytes] = {False: b"", True: b""}

    def note(self, message: str, *, user: bool = False) -> None:
        """Add one line."""
        line = LogLine(time.time(), message, user)
        if len(self._head) < HEAD_LINES:
            self._head.append(line)
            return
        self._dropped += len(self._tail) == TAIL_LINES
        self._tail.append(line)

    def feed(self, data: bytes, *, error: bool) -> None:
        """Add raw output of stdout, or of stderr when `error`."""
        *lines, rest = (self._partial[error] + data).split(b"\n")
        while len(rest) > LINE_BYTES:
            lines.append(rest[:LINE_BYTES])
            rest = rest[LINE_BYTES:]
        self._partial[error] = rest
        for line in lines:
            self._line(line, error=error)

    def end(self) -> None:
        """Complete lines that had no newline."""
        for error, rest in self._partial.items():
            if rest:
                self._line(rest, error=error)
                self._partial[error] = b""

    def lines(self) -> tuple[LogLine, ...]:
        """Everything kept, in order, with a line that says how much was not."""
        if not self._dropped:
            return (*self._head, *self._tail)
        gap = LogLine(self._tail[0].ts, f"… {self._dropped} lines left out …", user=False)
        return (*self._head, gap, *self._tail)

    def error_tail(self) -> str:
        """The last lines of stderr since the last call."""
        text = "\n".join(self._errors)
        self._errors.clear()
        return text

    def _line(self, line: bytes, *, error: bool) -> None:
        text = line[:LINE_BYTES].decode(errors="replace").rstrip("\r")
        self.note(text, user=True)
        if error:
            self._errors.append(text)


End = Literal["finished", "timeout", "stopped", "memory"]


class Streams:
    """The read ends of a process's stdout and stderr, and a descriptor that tells of news; `close` it.

    The descriptors stay their owner's. `wake` becomes readable when the process has something to say.
    """

    def __init__(self, out: int, err: int, wake: int | None = None) -> None:
        self._err = err
        self._wake = wake
        self._open = {out, err}
        self._selector = selectors.DefaultSelector()
        for fd in (out, err):
            os.set_blocking(fd, False)
            self._selector.register(fd, selectors.EVENT_READ)
        if wake is not None:
            self._selector.register(wake, selectors.EVENT_READ)

    def follow(
        self,
        capture: Capture,
        over: Callable[[], bool],
        *,
        deadline: float | None = None,
        stop_file: str = "",
        memory: MemoryLimit | None = None,
    ) -> End:
        """Read until `wake` is readable, the process is `over()`, `stop_file` appears or a bound is passed.

        `over` is asked when a stream ends and ten times a second, `stop_file` and `memory` are looked at as
        often. The deadline is in monotonic seconds.
        """
        pause = _POLL_S
        looked = time.monotonic()
        while True:
            now = time.monotonic()
            if deadline is not None and now >= deadline:
                return "timeout"
            if now - looked >= _POLL_S:
                looked = now
                if stop_file and Path(stop_file).exists():
                    return "stopped"
                if memory is not None and memory.exceeded():
                    return "memory"
            if not self._open:  # it is about to be over: look again soon, then ever later
                pause = min(_POLL_S, 2 * pause if pause < _POLL_S else _SOON_S)
            events = self._selector.select(pause if deadline is None else min(pause, deadline - now))
            ready = {key.fd for key, _ in events}
            ended = [fd for fd in ready & self._open if not self._read(fd, capture)]
            if self._wake in ready or ((ended or not ready) and over()):
                self.drain(capture)
                return "finished"

    def drain(self, capture: Capture) -> bool:
        """Read what is there without waiting; whether both streams have ended."""
        for fd in tuple(self._open):
            self._read(fd, capture)
        return not self._open

    def close(self) -> None:
        """Stop watching."""
        self._selector.close()

    def _read(self, fd: int, capture: Capture) -> bool:
        """Read what is there, a full pipe at most, for there may be ever more; False at the stream's end."""
        for _ in range(PIPE_BYTES // _READ_BYTES):
            try:
                data = os.read(fd, _READ_BYTES)
            except BlockingIOError:
                break
            if not data:
                self._open.remove(fd)
                self._selector.unregister(fd)
                return False
            capture.feed(data, error=fd == self._err)
        return True
