"""One pushed file to streams, quarantine and accounting: the first step of every pipeline.

A reader for the file's format fills raw batches; `finish` checks types and times, removes exact repeats and
sends what does not fit to the quarantine. `accepted + duplicates + quarantined = received`, always.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from pipelines.logs.batch import finish
from pipelines.logs.messages import read_messages
from pipelines.logs.quarantine import Ledger
from pipelines.logs.settings import ExtractSettings
from pipelines.logs.tables import TABLES, read_table

__all__ = ["ExtractSettings", "Extraction", "extract"]


@dataclass(frozen=True)
class Extraction:
    """What one pushed file held.

    `streams`: name → `robot_id, ts, [recv_ts], fields…`, sorted by (robot_id, ts) and within equal times by
    arrival; units in field metadata. `quarantine` and `accounting`: see `pipelines.logs.quarantine`.
    """

    streams: Mapping[str, pa.Table]
    quarantine: pa.Table
    accounting: pa.Table


def extract(file: Path, pushed_as: str, settings: ExtractSettings) -> Extraction:
    """Read `file`, which was pushed as `pushed_as`; never raises for what the file holds."""
    ledger = Ledger(pushed_as, settings.logs.limits.raw_bytes)
    declared = settings.streams_of(pushed_as)
    streams = {}
    if not declared:
        ledger.refuse("no_stream_declared", b"", detail="no stream's files pattern matches this path")
        ledger.count("member", refused=1)
    else:
        read = read_table if file.suffix.lower() in TABLES else read_messages
        for batch, origin in read(file, pushed_as, settings.logs, declared, ledger):
            streams[batch.name] = finish(batch, settings.logs.limits, ledger, origin)
    return Extraction(streams, ledger.quarantine(), ledger.accounting())
