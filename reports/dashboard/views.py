"""What of a pachd is shown as it is answered: jobs, datums, commits and what they changed."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class JobView:
    """A job as counts of datums; `recovered` ones failed and were left out; `seconds`: None until it ends."""

    pipeline: str
    commit: str
    state: str
    total: int
    processed: int
    skipped: int
    failed: int
    reason: str
    seconds: float | None
    done: bool
    recovered: int = 0


@dataclass(frozen=True)
class DatumView:
    """One unit of a job's work."""

    id: str
    state: str
    inputs: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class CommitView:
    """A commit of a repo; `finished` is None while it is open."""

    id: str
    description: str
    started: datetime | None
    finished: datetime | None
    size: int
    error: str


@dataclass(frozen=True)
class ChangeView:
    """A path that differs from the commit before; a size is None where the path is absent."""

    path: str
    before: int | None
    after: int | None
