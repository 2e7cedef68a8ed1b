"""What all who watch a page are told: one answer for everybody who asks within a second."""

import threading
import time
from collections.abc import Callable
from typing import Final, Generic, TypeVar

Answer = TypeVar("Answer")

SHARED_S: Final = 1.0


class Recent(Generic[Answer]):
    """A question whose answer may be up to SHARED_S old; what it raises is not kept."""

    def __init__(self, ask: Callable[[], Answer]) -> None:
        self._ask = ask
        self._lock = threading.Lock()
        self._kept: tuple[float, Answer] | None = None

    def __call__(self) -> Answer:
        """The answer; who asks while it is being found waits for it."""
        with self._lock:
            if self._kept is None or time.monotonic() - self._kept[0] > SHARED_S:
                answer = self._ask()
                self._kept = time.monotonic(), answer
            return self._kept[1]
