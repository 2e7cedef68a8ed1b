"""One pushed file to streams, quarantine and accounting: the first step of every pipeline.

A reader for the file's format hands out raw records; `check` compares them with what is declared, `finish`
sorts them and removes exact repeats. What does not fit goes to the quarantine:
`accepted + duplicates + quarantined = received`, always.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from pipelines.logs.check import check
from pipelines.logs.clocks import correct_clocks
from pipelines.logs.finish import finish
from pipelines.logs.part import Part
from pipelines.logs.quarantine import OTHER, Ledger
from pipelines.logs.recordings.aside import Aside
from pipelines.logs.settings import ExtractSettings
from pipelines.logs.sheets import TABLES
from pipelines.logs.tables import read_table

__all__ = ["ExtractSettings", "Extraction", "extract"]


@dataclass(frozen=True)
class Extraction:
    """What one pushed file held.

    `streams`: name → `robot_id, ts, [recv_ts], fields…`, sorted by (robot_id, ts) and within equal times by
    arrival; units in field metadata; with `[logs.clock] correct` also `clock_ts`, what the clock said.
    `recorded`: the same streams before that. `quarantine` and `accounting`: see `pipelines.logs.quarantine`.
    """

    streams: Mapping[str, pa.Table]
    recorded: Mapping[str, pa.Table]
    quarantine: pa.Table
    accounting: pa.Table


def extract(file: Path, pushed_as: str, settings: ExtractSettings) -> Extraction:
    """Read `file` (or a folder), which was pushed as `pushed_as`; never raises for what it holds."""
    ledger = Ledger(pushed_as, settings.logs.limits.raw_bytes, settings.logs.redact)
    declared = settings.streams_of(pushed_as)
    if not declared:
        ledger.refuse_member("no_stream_declared", b"", detail="no stream's files pattern matches this path")
    parts = _parts(file, pushed_as, settings, ledger) if declared else {}
    recorded = {name: finish(name, declared[name], found, ledger) for name, found in parts.items()}
    streams = correct_clocks(recorded, declared, settings.logs.clock)
    return Extraction(streams, recorded, ledger.quarantine(), ledger.accounting())


def _parts(file: Path, pushed_as: str, settings: ExtractSettings, ledger: Ledger) -> dict[str, list[Part]]:
    """The checked records of every declared stream."""
    logs, declared = settings.logs, settings.streams_of(pushed_as)
    if pushed_as.lower().endswith(TABLES):
        parts: dict[str, list[Part]] = {name: [] for name in declared}
        for rows in read_table(file, pushed_as, logs, declared, ledger):
            parts[rows.name].append(check(rows, logs.limits, ledger))
        return parts
    from pipelines.logs.messages import MessageReader
    from pipelines.logs.recordings.files import read_recordings
    from pipelines.logs.source import chunks

    topics = {name: spec for name, spec in declared.items() if spec.topic}
    others = {name: spec for name, spec in declared.items() if not spec.topic}
    with TemporaryDirectory() as scratch:
        aside = Aside(Path(scratch))
        found = chunks(file, pushed_as, logs.limits, ledger, aside)
        reader = MessageReader(others, logs, pushed_as, ledger)
        if others:
            reader.read(found)
        elif count := sum(map(len, found)):
            ledger.count(OTHER, accepted=count)
        return reader.parts | read_recordings(aside.files, topics, logs, pushed_as, ledger)
