"""Keeps alerts: what is known, what was told, what is still to be delivered, in one SQLite file.

A turn reads the state, takes steps and writes the new state, its events and deliveries in one transaction:
after a kill either all of it stands or none, and the same input gives the same ids again.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from features.errors import ForewarnError, NotFoundError
from pipelines.alerts.state import Alert, Event, State

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS state (
  id INTEGER PRIMARY KEY CHECK (id = 1), value TEXT NOT NULL, seen TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS alerts (
  id TEXT PRIMARY KEY, raised TEXT NOT NULL, open INTEGER NOT NULL, robot TEXT, value TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS alerts_open ON alerts (open, raised);
CREATE INDEX IF NOT EXISTS alerts_raised ON alerts (raised);
CREATE TABLE IF NOT EXISTS events (
  number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, alert TEXT, value TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS events_alert ON events (alert);
CREATE TABLE IF NOT EXISTS deliveries (
  number INTEGER PRIMARY KEY, event INTEGER NOT NULL REFERENCES events (number), alert TEXT,
  receiver TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, due REAL NOT NULL,
  UNIQUE (event, receiver));
CREATE INDEX IF NOT EXISTS deliveries_state ON deliveries (state, due);
CREATE TABLE IF NOT EXISTS attempts (
  number INTEGER PRIMARY KEY, delivery INTEGER NOT NULL REFERENCES deliveries (number),
  at TEXT NOT NULL, seconds REAL NOT NULL, outcome TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS attempts_delivery ON attempts (delivery);
"""
_DUE: Final = """
SELECT d.number, d.receiver, d.attempts, e.value FROM deliveries d JOIN events e ON e.number = d.event
WHERE d.state = 'pending' AND d.due <= ? AND NOT EXISTS (
  SELECT 1 FROM deliveries b WHERE b.state = 'pending' AND b.number < d.number AND b.receiver = d.receiver
    AND b.alert IS d.alert)
ORDER BY d.number LIMIT 100
"""
_LOG: Final = """
SELECT d.number, d.receiver, d.state, d.attempts, d.alert, e.value event,
  (SELECT a.outcome FROM attempts a WHERE a.delivery = d.number ORDER BY a.number DESC LIMIT 1) outcome,
  (SELECT a.at FROM attempts a WHERE a.delivery = d.number ORDER BY a.number DESC LIMIT 1) tried
FROM deliveries d JOIN events e ON e.number = d.event
"""


@dataclass(frozen=True)
class Seen:
    """How far the inputs were read: the newest report's commit, the newest job's end, feedback's commit."""

    report: str | None = None
    job: datetime | None = None
    feedback: str | None = None


@dataclass(frozen=True)
class Due:
    """A delivery whose time has come; attempts: those made so far."""

    number: int
    receiver: str
    attempts: int
    event: Event


@dataclass
class Turn:
    """A transaction: what was known when it began, and what is known when it ends."""

    state: State
    seen: Seen
    events: list[Event] = field(default_factory=list)

    def take(self, step: tuple[State, Iterable[Event]]) -> None:
        """Take over what a step made."""
        self.state, events = step
        self.events += events


class Book:
    """The file of one project. Every call opens it anew, so that threads and processes share it safely."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @contextmanager
    def turn(self, due: float) -> Iterator[Turn]:
        """Read, step, write: all or nothing, one process at a time. due: when to deliver, epoch s."""
        with self._writing() as store:
            row = store.execute("SELECT value, seen FROM state").fetchone()
            before = _of(row["value"], State) if row else State()
            turn = Turn(before, _of(row["seen"], Seen) if row else Seen())
            yield turn
            store.execute(
                "INSERT OR REPLACE INTO state VALUES (1, ?, ?)", (_text(turn.state), _text(turn.seen))
            )
            for event in turn.events:
                _enqueue(store, event, due)
            for alert in set(turn.state.open) - set(before.open):
                _keep(store, alert)

    def seen(self) -> Seen:
        """How far the inputs were read."""
        with self._open() as store:
            row = store.execute("SELECT seen FROM state").fetchone()
        found: Seen = _of(row["seen"], Seen) if row else Seen()
        return found

    def due(self, now: float) -> list[Due]:
        """Deliveries to try at `now` (epoch s), oldest first; of one alert and receiver only the first."""
        with self._open() as store:
            return [
                Due(row["number"], row["receiver"], row["attempts"], _of(row["value"], Event))
                for row in store.execute(_DUE, (now,))
            ]

    def attempted(
        self, number: int, outcome: str, *, at: datetime, seconds: float, state: str, due: float
    ) -> None:
        """Log an attempt. state: 'arrived', 'gave up', or 'pending' until `due` (epoch s)."""
        with self._writing() as store:
            store.execute(
                "INSERT INTO attempts (delivery, at, seconds, outcome) VALUES (?, ?, ?, ?)",
                (number, at.isoformat(), seconds, outcome),
            )
            store.execute(
                "UPDATE deliveries SET state = ?, attempts = attempts + 1, due = ? WHERE number = ?",
                (state, due, number),
            )

    def again(self, number: int, due: float) -> None:
        """Try a delivery that was given up once more, with all its retries. Raises NotFoundError."""
        with self._writing() as store:
            changed = store.execute(
                "UPDATE deliveries SET state = 'pending', attempts = 0, due = ? "
                "WHERE number = ? AND state = 'gave up'",
                (due, number),
            ).rowcount
        if not changed:
            raise NotFoundError(f"no delivery {number} was given up")

    def alerts(self, *, state: str = "all", limit: int = 100, offset: int = 0) -> list[Alert]:
        """Newest alerts first; state: 'open', 'resolved' or 'all'."""
        which = {"open": "WHERE open = 1", "resolved": "WHERE open = 0", "all": ""}[state]
        asked = f"SELECT value FROM alerts {which} ORDER BY raised DESC, id LIMIT ? OFFSET ?"  # noqa: S608
        with self._open() as store:
            return [_of(row["value"], Alert) for row in store.execute(asked, (limit, offset))]

    def alert(self, name: str) -> Alert:
        """One alert by its id. Raises NotFoundError."""
        with self._open() as store:
            row = store.execute("SELECT value FROM alerts WHERE id = ?", (name,)).fetchone()
        if row is None:
            raise NotFoundError(f"no alert {name}", hint="forewarn alert list")
        found: Alert = _of(row["value"], Alert)
        return found

    def history(self, name: str) -> list[Event]:
        """Events of an alert, oldest first."""
        with self._open() as store:
            found = store.execute("SELECT value FROM events WHERE alert = ? ORDER BY number", (name,))
            return [_of(row["value"], Event) for row in found]

    def deliveries(self, *, alert: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
        """Newest deliveries first: number, receiver, state, attempts, alert, event, outcome, tried."""
        where, values = ("WHERE d.alert = ?", (alert,)) if alert else ("", ())
        with self._open() as store:
            rows = store.execute(f"{_LOG} {where} ORDER BY d.number DESC LIMIT ?", (*values, limit))
            return [{**dict(row), "event": _of(row["event"], Event)} for row in rows]

    def attempts(self, delivery: int) -> list[dict[str, Any]]:
        """Every attempt of a delivery, oldest first: at, seconds, outcome."""
        with self._open() as store:
            asked = "SELECT at, seconds, outcome FROM attempts WHERE delivery = ? ORDER BY number"
            return [dict(row) for row in store.execute(asked, (delivery,))]

    def counts(self) -> Mapping[str, int]:
        """Alerts open, and of these held back, acknowledged."""
        with self._open() as store:
            row = store.execute("SELECT value FROM state").fetchone()
        open_ = _of(row["value"], State).open if row else ()
        return {
            "open": len(open_),
            "held": sum(alert.held for alert in open_),
            "acknowledged": sum(alert.acknowledged_by is not None for alert in open_),
        }

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            store = sqlite3.connect(self._path, timeout=30, isolation_level=None)
            try:
                store.row_factory = sqlite3.Row
                store.execute("PRAGMA synchronous = EXTRA")
                if not store.execute("SELECT 1 FROM sqlite_master WHERE name = 'attempts'").fetchone():
                    store.executescript(_SCHEMA)
                yield store
            finally:
                store.close()
        except sqlite3.Error as error:
            raise ForewarnError(f"{self._path} cannot be used", got=error) from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._open() as store:
            store.execute("BEGIN IMMEDIATE")
            try:
                yield store
            except BaseException:
                store.execute("ROLLBACK")
                raise
            store.execute("COMMIT")


def _keep(store: sqlite3.Connection, alert: Alert) -> None:
    values = (alert.id, alert.raised.isoformat(), alert.resolved is None, alert.robot, _text(alert))
    store.execute("INSERT OR REPLACE INTO alerts VALUES (?, ?, ?, ?, ?)", values)


def _enqueue(store: sqlite3.Connection, event: Event, due: float) -> None:
    """Write an event once, and a delivery per receiver."""
    name = event.alert.id if event.alert else None
    if event.alert is not None:
        _keep(store, event.alert)
    added = store.execute(
        "INSERT OR IGNORE INTO events (id, alert, value) VALUES (?, ?, ?)", (event.id, name, _text(event))
    )
    if added.rowcount:
        for receiver in event.to:
            store.execute(
                "INSERT INTO deliveries (event, alert, receiver, state, due) VALUES (?, ?, ?, 'pending', ?)",
                (added.lastrowid, name, receiver, due),
            )


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _of(text: str, kind: Any) -> Any:
    return msgspec.json.decode(text, type=kind)
