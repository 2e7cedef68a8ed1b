"""What a pachd answers, as values: nothing here knows how it was asked."""

from dataclasses import dataclass
from datetime import datetime

from reports.dashboard.views import DatumView, JobView


@dataclass(frozen=True)
class Job(JobView):
    """One pipeline's work for one commit set, as counts of datums.

    work_s: seconds its datums took on workers, moving their files included, summed over workers.
    """

    started: datetime | None = None
    finished: datetime | None = None
    work_s: float = 0.0


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


def seconds_between(started: datetime | None, finished: datetime | None) -> float | None:
    """Seconds from start to end, None while it waits or runs; 0 where the clock was set back meanwhile."""
    if started is None or finished is None:
        return None
    return max(0.0, round((finished - started).total_seconds(), 2))
