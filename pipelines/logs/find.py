"""Which messages of a pushed file a number goes back to: those of a robot within a span of time.

The file is extracted as it was then, by the same readers, with somebody looking on who remembers where in the
file every record stood.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.schema import CLOCK_TS, ROBOT, TS
from pipelines.logs.check import witness
from pipelines.logs.extract import Extraction, ExtractSettings, extract
from pipelines.logs.part import Ints, Part
from pipelines.logs.redact import redacted
from pipelines.logs.rows import Rows

RAW_BYTES = 400


@dataclass(frozen=True)
class Message:
    """A record where it was pushed: the archive's member, its line and first byte there; ts in ns UTC."""

    file: str
    member: str
    line: int | None
    offset: int | None
    stream: str
    ts: int
    raw: str


def find_messages(
    file: Path, pushed_as: str, settings: ExtractSettings, *, robot: str, start: int, end: int
) -> list[Message]:
    """Records of `robot` with start < ts <= end (ns since the epoch), by time; keys to redact are masked.

    Records that were refused afterwards, because a field has the wrong type, are among them. Where clocks are
    corrected, `ts` is the corrected time.
    """
    found: list[Message] = []
    corrections = (
        _corrections(extract(file, pushed_as, settings), robot) if settings.logs.clock.correct else {}
    )

    def look(rows: Rows, part: Part) -> None:
        if part.ts is None or robot not in part.names:
            return
        ts = corrections[rows.name].apply(part.ts) if rows.name in corrections else part.ts
        within = (part.codes == part.names.index(robot)) & (ts > start) & (ts <= end)
        for row in np.flatnonzero(within).tolist():
            origin = rows.origin(row)
            raw = redacted(origin.raw, settings.logs.redact)[:RAW_BYTES].decode("utf-8", "replace")
            place = (origin.member, origin.line, origin.offset)
            found.append(Message(pushed_as, *place, rows.name, int(ts[row]), raw))

    token = witness.set(look)
    try:
        extract(file, pushed_as, settings)
    finally:
        witness.reset(token)
    return in_order(found)


@dataclass(frozen=True, eq=False)
class Correction:
    """What a robot's clock said, ascending, and the time it really was, in ns."""

    said: Ints
    was: Ints

    def apply(self, ts: Ints) -> Ints:
        """Times put right; one no accepted record has stays."""
        place = np.minimum(np.searchsorted(self.said, ts), len(self.said) - 1)
        return np.where(self.said[place] == ts, self.was[place], ts)


def _corrections(extraction: Extraction, robot: str) -> dict[str, Correction]:
    found = {}
    for name, table in extraction.streams.items():
        if CLOCK_TS in table.column_names:
            own = table.filter(pc.equal(table.column(ROBOT), robot))
            said, was = (own.column(column).cast(pa.int64()).to_numpy() for column in (CLOCK_TS, TS))
            order = np.argsort(said, kind="stable")
            if len(order):
                found[name] = Correction(said[order], was[order])
    return found


def in_order(messages: Iterable[Message]) -> list[Message]:
    """By time, then stream and place."""
    return sorted(messages, key=lambda m: (m.ts, m.stream, m.file, m.member, m.line or 0, m.offset or 0))
