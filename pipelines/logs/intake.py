"""What every reader of a pushed file needs: how to read it, what becomes of what does not fit, and the rest.

Each reader differs in where raw records come from; from there on all go one way, and `add` is it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.config import LogsSection, StreamSection
from pipelines.logs.check import check
from pipelines.logs.quarantine import Ledger
from pipelines.logs.records import RecordReader
from pipelines.logs.rows import Rows
from pipelines.logs.spool import Spool


@dataclass(frozen=True)
class Intake:
    """One pushed file on its way in; `pushed_as` is its path in the repo."""

    pushed_as: str
    logs: LogsSection
    ledger: Ledger
    spool: Spool

    def record_readers(self, streams: Mapping[str, StreamSection]) -> list[RecordReader]:
        """A reader of parsed messages for each stream."""
        return [RecordReader(name, spec, self.logs, self.pushed_as) for name, spec in streams.items()]

    def add(self, rows: Rows) -> None:
        """Raw records of one stream: those that fit to the spool, the others to the ledger."""
        if len(rows):
            self.spool.add(rows.name, check(rows, self.logs.limits, self.ledger))
