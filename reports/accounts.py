"""Nothing vanishes silently: what was received, refused, excluded and matched, and sums that prove it."""

from typing import Any, Final

import numpy as np
import pyarrow as pa

from features.schema import FAILURE_IN_WINDOW, INSUFFICIENT_DATA, REASON, ROBOT

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
    rows = table.select(["source", "member", "line", "stream", ROBOT, REASON, "detail"]).to_pylist()
    found: dict[str, list[int]] = {}
    for index, row in enumerate(rows):
        found.setdefault(row[REASON] or "", []).append(index)
    raw = table.column("raw")
    return [
        {
            "reason": reason,
            "count": len(where),
            "sources": len({rows[index]["source"] for index in where}),
            "examples": [rows[index] | {"raw": _text(raw[index].as_py())} for index in where[:_EXAMPLES]],
        }
        for reason, where in sorted(found.items(), key=lambda item: (-len(item[1]), item[0]))
    ]


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

    `gap_median_s` is the median over robot-days of the day's median |gap|, `gap_p95_s` the largest day's
    95th percentile; `worst_robot` has the lowest match rate.
    """
    streams: dict[str, list[dict[str, Any]]] = {}
    for row in table.to_pylist():
        streams.setdefault(row["stream"] or "", []).append(row)
    return [_stream_quality(name, rows) for name, rows in sorted(streams.items())]


def _stream_quality(name: str, days: list[dict[str, Any]]) -> dict[str, Any]:
    robots: dict[str, tuple[int, int]] = {}
    for day in days:
        matched, rows = robots.get(day[ROBOT], (0, 0))
        robots[day[ROBOT]] = (matched + (day["matched"] or 0), rows + (day["rows"] or 0))
    rates = {robot: matched / rows for robot, (matched, rows) in sorted(robots.items()) if rows}
    worst = min(rates, key=lambda robot: rates[robot]) if rates else None
    medians = [day["gap_median_s"] for day in days if day["gap_median_s"] is not None]
    tails = [day["gap_p95_s"] for day in days if day["gap_p95_s"] is not None]
    rows = sum(total for _, total in robots.values())
    matched = sum(found for found, _ in robots.values())
    return {
        "stream": name,
        "rows": rows,
        "matched": matched,
        "match_rate": matched / rows if rows else None,
        "worst_robot": worst,
        "worst_rate": None if worst is None else rates[worst],
        "gap_median_s": float(np.median(medians)) if medians else None,
        "gap_p95_s": max(tails) if tails else None,
        "duplicates": sum(day["duplicates"] or 0 for day in days),
        "superseded": sum(day["superseded"] or 0 for day in days),
    }
