"""One pushed file to streams, quarantine and accounting: the first step of every pipeline.

A reader for the file's format hands out raw records; `check` compares them with what is declared, `finish`
sorts them and removes exact repeats. What does not fit goes to the quarantine:
`accepted + duplicates + quarantined = received`, always.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from pipelines.config import StreamSection
from pipelines.logs.clocks import correct_clocks
from pipelines.logs.finish import finish
from pipelines.logs.intake import Intake
from pipelines.logs.quarantine import OTHER, Ledger
from pipelines.logs.recordings.aside import Aside
from pipelines.logs.scratch import Scratch, scratch_folder
from pipelines.logs.settings import ExtractSettings
from pipelines.logs.sheets import TABLES
from pipelines.logs.spool import Spool
from pipelines.logs.tables import read_table

__all__ = ["ExtractSettings", "Extraction", "extract", "extract_in_groups"]


@dataclass(frozen=True)
class Extraction:
    """What one pushed file held.

    `streams`: name → `robot_id, ts, [recv_ts], fields…`, sorted by (robot_id, ts) and within equal times by
    arrival; units in field metadata; with `[logs.clock] correct` also `clock_ts`, what the clock said.
    `recorded`: the same streams before that. `quarantine` and `accounting`: see `pipelines.logs.quarantine`.
    """

    streams: Mapping[str, pa.Table]
    recorded: Mapping[str, pa.Table]
    ledger: Ledger

    @cached_property
    def quarantine(self) -> pa.Table:
        """What was refused."""
        return self.ledger.quarantine()

    @cached_property
    def accounting(self) -> pa.Table:
        """How many records and members were received, and what became of them."""
        return self.ledger.accounting()


def extract(file: Path, pushed_as: str, settings: ExtractSettings) -> Extraction:
    """Read `file` (or a folder), which was pushed as `pushed_as`; never raises for what it holds."""
    (whole,) = _extract(file, pushed_as, settings, in_memory=True)
    return whole


def extract_in_groups(file: Path, pushed_as: str, settings: ExtractSettings) -> Iterator[Extraction]:
    """The same, some of the robots at a time, so that a file of many need not fit into memory.

    Quarantine and accounting are those of the whole file in the last, of which there is at least one.
    """
    yield from _extract(file, pushed_as, settings, in_memory=False)


def _extract(
    file: Path, pushed_as: str, settings: ExtractSettings, *, in_memory: bool
) -> Iterator[Extraction]:
    ledger = Ledger(pushed_as, settings.logs.limits.raw_bytes, settings.logs.redact)
    declared = settings.streams_of(pushed_as)
    if not declared:
        ledger.refuse_member("no_stream_declared", b"", detail="no stream's files pattern matches this path")
    with scratch_folder() as scratch:
        spool = Spool(declared, None if in_memory else scratch)
        if declared:
            _read(file, declared, Intake(pushed_as, settings.logs, ledger, spool), scratch)
        for parts in spool.groups():
            recorded = {name: finish(name, declared[name], found, ledger) for name, found in parts.items()}
            streams = correct_clocks(recorded, declared, settings.logs.clock)
            yield Extraction(streams, recorded, ledger)


def _read(file: Path, declared: Mapping[str, StreamSection], intake: Intake, scratch: Scratch) -> None:
    """Take in the records of every declared stream."""
    if intake.pushed_as.lower().endswith(TABLES):
        read_table(file, declared, intake)
        return
    from pipelines.logs.messages import MessageReader
    from pipelines.logs.recordings.files import read_recordings
    from pipelines.logs.source import chunks

    topics = {name: spec for name, spec in declared.items() if spec.topic}
    others = {name: spec for name, spec in declared.items() if not spec.topic}
    aside = Aside(scratch)
    found = chunks(file, intake.pushed_as, intake.logs.limits, intake.ledger, aside)
    if others:
        MessageReader(others, intake).read(found)
    elif count := sum(map(len, found)):
        intake.ledger.count(OTHER, accepted=count)
    read_recordings(aside.files, topics, intake)
