"""The failure-risk report of one commit: a page for people, and the same as CSV, Parquet and JSON."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from features.schema import ROBOT, TIMESTAMP
from reports.inputs import ReportInputs
from reports.page import render
from reports.ranking import Robot
from reports.summary import summarize
from reports.words import iso

__all__ = ["ReportInputs", "build_report"]

_COLUMNS: Final = (
    ("rank", "rank", pa.int32()),
    (ROBOT, ROBOT, pa.string()),
    ("risk", "risk", pa.float64()),
    ("risk_now", "risk_now", pa.float64()),
    ("risk_day", "risk_day", pa.float64()),
    ("risk_peak", "risk_peak", pa.float64()),
    ("peak_at", "peak_at", TIMESTAMP),
    ("last_cutoff", "last_cutoff", TIMESTAMP),
    ("alerts", "alerts_day", pa.int64()),
    ("failures", "episodes", pa.int64()),
    ("status", "status", pa.string()),
    ("reasons", "told", pa.string()),
    ("why", "why", pa.string()),
    ("risk_before", "risk_before", pa.float64()),
    ("last_failure", "last_failure", TIMESTAMP),
    ("reasons_at", "reasons_at", TIMESTAMP),
)
"""Column, where `Robot` holds it, type."""
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def build_report(inputs: ReportInputs, folder: Path) -> None:
    """Write `report.html`, `risk.csv`, `risk.parquet` and `summary.json` into a folder, made if need be.

    `risk.*` have one row a robot, in the order of the ranking: `risk` is the figure it is ranked by, `alerts`
    those of the last 24 h of its data, `failures` its episodes so far, `reasons` its reasons in words,
    strongest first, parted by ` | `. In the CSV a text that a spreadsheet would run as a formula is preceded
    by an apostrophe. The same inputs give the same bytes. Raises DataError where inputs break their contract.
    """
    inputs = inputs.conformed()
    summary, robots = summarize(inputs)
    table = _table(robots)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "summary.json").write_bytes(as_json(summary))
    (folder / "risk.csv").write_text(_csv(table), "utf-8", newline="")
    pq.write_table(table, folder / "risk.parquet", compression="zstd", compression_level=1)
    (folder / "report.html").write_text(render(summary), "utf-8")


def as_json(summary: Mapping[str, Any]) -> bytes:
    """`summary.json` of a summary."""
    return orjson.dumps(summary, option=orjson.OPT_APPEND_NEWLINE)


def _table(robots: Sequence[Robot]) -> pa.Table:
    return pa.table(
        {name: pa.array([getattr(robot, held) for robot in robots], kind) for name, held, kind in _COLUMNS}
    )


def _csv(table: pa.Table) -> str:
    """RFC 4180 with LF line ends; times in ISO 8601, nulls empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.column_names)
    columns = [_cells(column) for column in table.columns]
    writer.writerows(zip(*columns, strict=True))
    return text.getvalue()


def _cells(column: pa.ChunkedArray) -> list[Any]:
    if column.type == TIMESTAMP:
        return [iso(value) for value in column.cast(pa.int64()).to_pylist()]
    if column.type == pa.string():
        return [f"'{text}" if text and text.startswith(_FORMULA) else text for text in column.to_pylist()]
    return list(column.to_pylist())
