"""Delivers what is due, each receiver's in order and receivers beside each other, until it has arrived.

An attempt that may succeed later is repeated after 5 s, 10 s, 20 s … at most an hour, each shortened at
random by up to half so that receivers are not met by all at once; after twelve, in hours, it is given up.
A delivery counts as done only once its arrival is written: after a kill it may go out twice, under one id.
"""

import fcntl
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Final

from pipelines.alerts.book import Book, Due
from pipelines.alerts.reach import Reach
from pipelines.alerts.send import Attempt, send
from pipelines.config.alerts import ReceiverSection

FIRST_S: Final = 5.0
LONGEST_S: Final = 3_600.0
ATTEMPTS: Final = 12
ABREAST: Final = 8

Count = Callable[[str, bool], None]


def backoff(attempts: int, chance: float) -> float:
    """Seconds until the next attempt after so many; `chance` in [0, 1) shortens it by up to half."""
    return float(min(FIRST_S * 2 ** (attempts - 1), LONGEST_S) * (1 - chance / 2))


@dataclass(frozen=True)
class Courier:
    """Delivers a project's events. count: told the channel and whether it arrived, once per delivery."""

    book: Book
    receivers: Mapping[str, ReceiverSection]
    reach: Reach
    project: str
    lock: Path
    count: Count = field(default=lambda _channel, _arrived: None)
    clock: Callable[[], float] = time.time
    chance: Callable[[], float] = random.random

    def deliver(self) -> int:
        """Make one attempt of everything due; how many were made. None while another process delivers."""
        with self._alone() as alone:
            due = sorted(self.book.due(self.clock()), key=lambda one: (one.receiver, one.number))
            if not alone or not due:
                return 0
            lines = [list(group) for _, group in groupby(due, key=lambda one: one.receiver)]
            with ThreadPoolExecutor(min(len(lines), ABREAST), thread_name_prefix="courier") as pool:
                list(pool.map(self._line, lines))
            return len(due)

    def _line(self, line: Sequence[Due]) -> None:
        for due in line:
            self._try(due)

    def _try(self, due: Due) -> None:
        receiver = self.receivers.get(due.receiver)
        at = datetime.fromtimestamp(self.clock(), UTC)
        made = (
            Attempt("never", "the receiver is no longer configured", 0.0)
            if receiver is None
            else send(due.event, receiver, self.reach, self.project)
        )
        attempts = due.attempts + 1
        again = made.result == "again" and attempts < ATTEMPTS
        state = "pending" if again else "arrived" if made.result == "arrived" else "gave up"
        later = self.clock() + backoff(attempts, self.chance())
        self.book.attempted(due.number, made.outcome, at=at, seconds=made.seconds, state=state, due=later)
        if not again:
            self.count(receiver.kind if receiver else "unknown", state == "arrived")

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        """Whether this process is the one that delivers; kept from others while the context lasts."""
        self.lock.parent.mkdir(parents=True, exist_ok=True)
        with self.lock.open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True
