"""Where refused members and records go: bad input never stops a run and never disappears."""

import hashlib
from dataclasses import dataclass, field
from typing import Any, Final

import pyarrow as pa

from pipelines.logs.redact import redacted
from pipelines.logs.rows import Origin

OTHER: Final = "other message"
"""The accounting's unit of what was read and holds nothing a stream asks for."""

QUARANTINE: Final = pa.schema(
    [
        ("source", pa.string()),
        ("member", pa.string()),
        ("line", pa.int64()),
        ("offset", pa.int64()),
        ("stream", pa.string()),
        ("robot_id", pa.string()),
        ("reason", pa.string()),
        ("detail", pa.string()),
        ("raw", pa.binary()),
        ("raw_sha256", pa.string()),
        ("raw_bytes", pa.int64()),
    ]
)
ACCOUNTING: Final = pa.schema(
    [
        ("source", pa.string()),
        ("unit", pa.string()),
        ("stream", pa.string()),
        ("robot_id", pa.string()),
        ("received", pa.int64()),
        ("accepted", pa.int64()),
        ("duplicates", pa.int64()),
        ("quarantined", pa.int64()),
    ]
)


@dataclass
class Ledger:
    """Collects, for one pushed file, what was refused and how many were received."""

    source: str
    raw_limit: int
    redact: tuple[str, ...] = ()
    refusals: list[dict[str, Any]] = field(default_factory=list)
    counts: dict[tuple[str, str, str], list[int]] = field(default_factory=dict)

    def refuse(
        self,
        reason: str,
        raw: bytes,
        *,
        member: str = "",
        line: int | None = None,
        offset: int | None = None,
        stream: str | None = None,
        robot: str | None = None,
        detail: str = "",
    ) -> None:
        """Put one member or record into quarantine; raw bytes beyond the limit are known by their hash.

        The values of keys to redact are masked first.
        """
        self.refusals.append(
            {
                "source": self.source,
                "member": member,
                "line": line,
                "offset": offset,
                "stream": stream,
                "robot_id": robot,
                "reason": reason,
                "detail": detail,
                "raw": redacted(raw, self.redact)[: self.raw_limit],
                "raw_sha256": hashlib.sha256(raw).hexdigest(),
                "raw_bytes": len(raw),
            }
        )

    def refuse_member(
        self,
        reason: str,
        raw: bytes,
        member: str = "",
        *,
        line: int | None = None,
        offset: int | None = None,
        detail: str = "",
        count: int = 1,
    ) -> None:
        """Quarantine one member or message, and count it (`count` of them when one row stands for many)."""
        self.refuse(reason, raw, member=member, line=line, offset=offset, detail=detail)
        self.count("member", refused=count)

    def refuse_record(self, stream: str, robot: str | None, reason: str, origin: Origin, detail: str) -> None:
        """Quarantine one record of a stream, and count it."""
        self.refuse(
            reason,
            origin.raw,
            member=origin.member,
            line=origin.line,
            offset=origin.offset,
            stream=stream,
            robot=robot,
            detail=detail,
        )
        self.count("record", stream, robot or "", refused=1)

    def count(
        self,
        unit: str,
        stream: str = "",
        robot: str = "",
        *,
        accepted: int = 0,
        duplicates: int = 0,
        refused: int = 0,
    ) -> None:
        """Add to the accounting; received is the sum, so that the identity holds by construction."""
        row = self.counts.setdefault((unit, stream, robot), [0, 0, 0])
        for index, number in enumerate((accepted, duplicates, refused)):
            row[index] += number

    def quarantine(self) -> pa.Table:
        """The refusals, sorted by member, line and stream."""
        order = ("member", "line", "offset", "stream", "reason", "raw_sha256")
        rows = sorted(
            self.refusals, key=lambda row: tuple((row[name] is not None, row[name]) for name in order)
        )
        return pa.Table.from_pylist(rows, QUARANTINE)

    def accounting(self) -> pa.Table:
        """Counts per unit, stream and robot: received = accepted + duplicates + quarantined."""
        rows = [(self.source, *key, sum(numbers), *numbers) for key, numbers in sorted(self.counts.items())]
        columns = list(zip(*rows, strict=True)) or [()] * len(ACCOUNTING)
        return pa.table(
            [pa.array(values, kind.type) for values, kind in zip(columns, ACCOUNTING, strict=True)],
            ACCOUNTING,
        )
