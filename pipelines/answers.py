"""What a pachd answers, as values: nothing here knows how it was asked."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from reports.dashboard.views import DatumView

DONE: Final = frozenset({"SUCCESS", "FAILURE", "KILLED", "UNRUNNABLE"})


@dataclass(frozen=True)
class Job:
    """One pipeline's work for one commit set, as counts of datums.

    work_s: seconds its datums took on workers, moving their files included, summed over workers. recovered:
    datums that failed for good and without whose output the job went on.
    """

    pipeline: str
    commit: str
    state: str
    total: int
    processed: int
    skipped: int
    failed: int
    reason: str
    started: datetime | None
    finished: datetime | None
    work_s: float = 0.0
    recovered: int = 0

    @property
    def done(self) -> bool:
        """Whether the job has ended, well or not."""
        return self.state in DONE

    @property
    def seconds(self) -> float | None:
        """From start to end, None while it waits or runs; 0 where the clock was set back meanwhile."""
        if self.started is None or self.finished is None:
            return None
        return max(0.0, round((self.finished - self.started).total_seconds(), 2))


@dataclass(frozen=True)
class Datum(DatumView):
    """One unit of a job's work: its inputs, state and seconds of processing."""

    @property
    def failed(self) -> bool:
        """Whether all its tries failed; a recovered one failed without its job."""
        return self.state in ("FAILED", "RECOVERED")


@dataclass(frozen=True)
class StoredFile:
    """A file in a commit."""

    path: str
    size: int
    hash: str
