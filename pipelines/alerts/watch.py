"""Looks for what is new, steps the rules, and delivers: once when asked, or for as long as a daemon runs."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Final

import structlog

from pipelines.alerts.book import Book
from pipelines.alerts.courier import Count, Courier
from pipelines.alerts.inputs import news
from pipelines.alerts.reach import Reach
from pipelines.alerts.state import Event, Observation
from pipelines.alerts.step import Policy, hear, observe
from pipelines.client import Pachd
from pipelines.config import Config
from pipelines.project import Project

EVERY_S: Final = 1.0
log = structlog.get_logger()


@dataclass(frozen=True)
class Watch:
    """The alerts of one project: `look` makes them, `courier` delivers them."""

    pachd: Pachd
    policy: Policy
    book: Book
    courier: Courier
    clock: Callable[[], float] = field(default=time.time)

    @classmethod
    def of(cls, project: Project, config: Config, pachd: Pachd, count: Count | None = None) -> "Watch":
        """As `[alerts]` says; alerts are kept in `.forewarn/alerts.db`."""
        alerts = config.alerts
        book = Book(project.alert_file)
        courier = Courier(
            book,
            alerts.receivers,
            Reach(alerts.internal),
            config.project.name,
            project.alert_file.with_suffix(".lock"),
        )
        if count is not None:
            courier = replace(courier, count=count)
        return cls(pachd, Policy(alerts.rules, alerts.budget, config.report.shift), book, courier)

    def look(self) -> tuple[Event, ...]:
        """Step through everything that happened since the last look; the events it made."""
        seen = self.book.seen()
        found = news(self.pachd, self.policy.rules, seen)
        if found.seen == seen:
            return ()
        with self.book.turn(self.clock()) as turn:
            if turn.seen != seen:  # another process was faster
                return ()
            for one in found.inputs:
                step = observe if isinstance(one, Observation) else hear
                turn.take(step(turn.state, self.policy, one))  # type: ignore[arg-type]
            turn.seen = found.seen
        return tuple(turn.events)


@contextmanager
def watching(watch: Watch, every: float = EVERY_S) -> Iterator[None]:
    """Look and deliver every so many seconds, each in a thread of its own, while the context lasts.

    A failing look or delivery is logged once per reason and tried again.
    """
    stop = threading.Event()
    threads = [
        threading.Thread(target=_repeat, args=(work, every, stop), name=name, daemon=True)
        for name, work in (("alerts", watch.look), ("courier", watch.courier.deliver))
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join(2 * every)


def _repeat(work: Callable[[], object], every: float, stop: threading.Event) -> None:
    told = ""
    while not stop.wait(every):
        try:
            work()
            told = ""
        except Exception as error:  # whatever it is, alerts go on
            if str(error) != told and not stop.is_set():
                told = str(error)
                log.warning("alerts wait", error=told, kind=type(error).__name__)
