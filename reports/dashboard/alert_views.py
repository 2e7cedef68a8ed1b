"""Alerts as pages and API show them, and what they ask of whoever keeps them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

AlertState = Literal["open", "resolved", "all"]


@dataclass(frozen=True)
class AlertView:
    """An alert a rule raised. cutoff: what a verdict would be about, None where no risk is foretold.

    to: receivers told of it, none when it is held (over the budget). value: the figure the rule saw. resolved
    is None while open; resolved_by '' when nobody but the rule did.
    """

    id: str
    rule: str
    subject: str
    told: str
    severity: str
    raised: datetime
    commit: str
    value: float | None = None
    robot: str | None = None
    cutoff: str | None = None
    to: tuple[str, ...] = ()
    held: bool = False
    acknowledged_by: str | None = None
    assigned_to: str | None = None
    resolved: datetime | None = None
    resolved_by: str = ""
    why: str = ""


@dataclass(frozen=True)
class EventView:
    """Something that happened to an alert."""

    kind: str
    at: datetime
    told: str


@dataclass(frozen=True)
class DeliveryView:
    """An event on its way to a receiver: pending, arrived or given up; outcome of the newest attempt."""

    number: int
    receiver: str
    state: str
    attempts: int
    kind: str
    told: str
    alert: str | None
    outcome: str | None
    tried: datetime | None


@dataclass(frozen=True)
class AttemptView:
    """One attempt of a delivery."""

    at: datetime
    seconds: float
    outcome: str


class Alerts(Protocol):
    """The alerts of a project. Methods raise NotFoundError for what is not there."""

    def alerts(self, state: AlertState, limit: int, offset: int = 0) -> Sequence[AlertView]:
        """Newest first."""

    def alert(self, name: str) -> AlertView:
        """One by its id."""

    def alert_events(self, name: str) -> Sequence[EventView]:
        """What happened to one, oldest first."""

    def deliveries(self, limit: int, alert: str | None = None) -> Sequence[DeliveryView]:
        """Newest first; of all alerts or of one."""

    def attempts(self, delivery: int) -> Sequence[AttemptView]:
        """Every attempt of a delivery, oldest first."""

    def deliver_again(self, delivery: int) -> None:
        """Try one that was given up once more."""
