"""The values alerts are made of; all frozen, so that a step can be repeated and compared."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from reports.dashboard.alert_views import AlertView

Kind = Literal["raised", "acknowledged", "resolved", "budget", "held", "test"]
Key = tuple[str, str]
"""Rule and subject: at most one alert of a key is open."""


@dataclass(frozen=True)
class Finding:
    """What a rule sees of one subject.

    firing: reason for an alert. holding: reason to keep an open one open. evidence: the moment it rests on; a
    subject's next alert needs later evidence than its last. cutoff: what a verdict would be about, None where
    no risk is foretold.
    """

    subject: str
    told: str
    evidence: datetime
    firing: bool = True
    holding: bool = True
    value: float | None = None
    robot: str | None = None
    cutoff: str | None = None


@dataclass(frozen=True)
class Observation:
    """What rules see at a moment, most important finding first.

    findings: rule → findings; a rule that is missing is not spoken of. subjects: those spoken of, None for
    all; of these the ones without a finding are quiet.
    """

    at: datetime
    commit: str
    findings: Mapping[str, tuple[Finding, ...]]
    subjects: frozenset[str] | None = None


@dataclass(frozen=True)
class Remark:
    """What a person said, an entry of the repo feedback; alert is '' where only robot and cut-off are."""

    at: datetime
    by: str
    action: str
    robot: str
    cutoff: str
    alert: str = ""
    to: str = ""
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Alert(AlertView):
    """An alert from when it was raised until it is resolved: what is shown, and what rules go by.

    evidence: the latest it rested on. quiet_since: since when its condition has not held.
    """

    evidence: datetime
    quiet_since: datetime | None = None

    @property
    def key(self) -> Key:
        """Rule and subject."""
        return self.rule, self.subject


@dataclass(frozen=True)
class Past:
    """The last alert of a key that is open no more: when it was raised, and its latest evidence."""

    rule: str
    subject: str
    raised: datetime
    evidence: datetime


@dataclass(frozen=True)
class Event:
    """Something to tell; its id is the same however often a step is repeated. The budget's have no alert."""

    id: str
    kind: Kind
    at: datetime
    told: str
    to: tuple[str, ...]
    alert: Alert | None = None


@dataclass(frozen=True)
class State:
    """All a step knows of the past: open alerts, the last closed one per key, and the shift's budget.

    shift: its number since the epoch; spent: alerts sent in it; held: names of those that were not.
    """

    open: tuple[Alert, ...] = ()
    past: tuple[Past, ...] = ()
    shift: int = 0
    spent: int = 0
    held: tuple[str, ...] = field(default=())


def identity(*parts: str) -> str:
    """Twenty hexadecimal digits that only these parts give."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]
