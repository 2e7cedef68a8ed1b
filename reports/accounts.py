"""Nothing vanishes silently: what was received, refused, excluded and matched, and sums that prove it."""

from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from features.schema import FAILURE_IN_WINDOW, INSUFFICIENT_DATA, REASON, ROBOT

if TYPE_CHECKING:
    import pandas as pd

_PARTS: Final = ("accepted", "duplicates", "quarantined")
_EXAMPLES: Final = 3
_RAW_SHOWN: Final = 160
_EXCLUSIONS: Final = {
    FAILURE_IN_WINDOW: "another failure of the robot lies in the look-back window",
    INSUFFICIENT_DATA: "fewer observations in the window than min_coverage asks for",
}


def accounting(table: pa.Table) -> dict[str, Any]:
    """Counts per unit (`member`, `record`) and per unit and stream.

    `holds` says whether accepted + duplicates + quarantined, the `sum`, is what was received.
    """
    return {
        "units": [_identity(row) for row in _summed(table, ["unit"])],
        "streams": [_identity(row) for row in _summed(table, ["unit", "stream"]) if row["stream"]],
    }


def _summed(table: pa.Table, keys: list[str]) -> list[dict[str, Any]]:
    names = ("received", *_PARTS)
    sums = table.group_by(keys).aggregate([(name, "sum") for name in names]).to_pylist()
    rows = [
        {key: row[key] or "" for key in keys} | {name: row[f"{name}_sum"] or 0 for name in names}
        for row in sums
    ]
    return sorted(rows, key=lambda row: tuple(row[key] for key in keys))


def _identity(row: dict[str, Any]) -> dict[str, Any]:
    total = sum(row[name] for name in _PARTS)
    return row | {"sum": total, "holds": total == row["received"]}


def quarantine(table: pa.Table) -> list[dict[str, Any]]:
    """Per reason, most frequent first: `count`, the number of `sources`, and up to three `examples`.

    An example's `raw` is the start of the refused bytes, decoded as UTF-8 with replacements.
    """
    counted = table.group_by(REASON).aggregate([([], "count_all"), ("source", "count_distinct")]).to_pylist()
    counted.sort(key=lambda row: (-row["count_all"], row[REASON] or ""))
    return [
        {
            "reason": row[REASON] or "",
            "count": row["count_all"],
            "sources": row["source_count_distinct"],
            "examples": _examples(table, row[REASON]),
        }
        for row in counted
    ]


def _examples(table: pa.Table, reason: str | None) -> list[dict[str, Any]]:
    """The first refusals of a reason, by source, member and line, whatever the order of the table."""
    column = table.column(REASON)
    mine = table.filter(pc.is_null(column) if reason is None else pc.equal(column, reason))
    keys = [(name, "ascending") for name in ("source", "member", "line", "detail")]
    chosen = mine.take(pc.sort_indices(mine, sort_keys=keys)[:_EXAMPLES]).to_pylist()
    return [row | {"raw": _text(row["raw"])} for row in chosen]


def _text(raw: bytes | None) -> str:
    text = (raw or b"")[:_RAW_SHOWN].decode("utf-8", "replace")
    return "".join(char if char.isprintable() else "·" for char in text)


def exclusions(table: pa.Table) -> list[dict[str, Any]]:
    """Windows left out per reason, most frequent first, with what the reason means."""
    counts: dict[str, int] = {}
    for row in table.to_pylist():
        counts[row[REASON] or ""] = counts.get(row[REASON] or "", 0) + (row["count"] or 0)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [{"reason": reason, "count": n, "about": _EXCLUSIONS.get(reason, "")} for reason, n in ordered]


def join_quality(table: pa.Table) -> list[dict[str, Any]]:
    """Per stream: how many anchors found a record within tolerance, and how far away.

    `distance_median_s` is the median over robot-days of the day's median, `distance_p95_s` the largest day's
    95th percentile; `worst_robot` has the lowest match rate. Null where a stream takes no part in the join.
    """
    days = table.to_pandas()
    days["stream"] = days["stream"].fillna("")
    return [_stream_quality(str(name), rows) for name, rows in days.groupby("stream", sort=True)]


def _stream_quality(name: str, days: "pd.DataFrame") -> dict[str, Any]:
    robots = days.groupby(ROBOT, sort=True)[["matched", "anchors"]].sum()
    robots = robots[robots["anchors"] > 0]
    rates = robots["matched"] / robots["anchors"]
    sums = {column: int(days[column].sum()) for column in ("anchors", "matched", "duplicates", "superseded")}
    joined = days["anchors"].notna().any()
    return sums | {
        "stream": name,
        "anchors": sums["anchors"] if joined else None,
        "matched": sums["matched"] if joined else None,
        "match_rate": sums["matched"] / sums["anchors"] if sums["anchors"] else None,
        "worst_robot": str(rates.idxmin()) if len(rates) else None,
        "worst_rate": float(rates.min()) if len(rates) else None,
        "distance_median_s": float(days["distance_median_s"].median()),
        "distance_p95_s": float(days["distance_p95_s"].max()),
    }
