"""`forewarn quarantine`: what was refused, why, and the sums that show nothing was lost."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from features.errors import NotFoundError
from pipelines.client import Pachd
from pipelines.commands.output import print_json, print_table, say
from pipelines.project import Project
from pipelines.steps.files import parquet_files, read_tables

COLUMNS = ("source", "member", "line", "stream", "robot_id", "reason", "detail")
COUNTS = ("received", "accepted", "duplicates", "quarantined")


def quarantine(*, project: Path | None, reason: str | None, number: int, json: bool) -> None:
    """Show refused members and records of the newest commit, and its accounting."""
    with Project.find(project).connect() as pachd:
        if pachd.head("extract") is None:
            raise NotFoundError("nothing was extracted yet", hint="forewarn push PATH")
        refused, accounting = _read(pachd, "quarantine"), _read(pachd, "accounting")
    if reason is not None:
        refused = refused.filter(pc.equal(refused.column("reason"), reason))
    rows = refused.select(COLUMNS).slice(0, number).to_pylist()
    counts = _sums(accounting)
    if json:
        print_json({"records": rows, "total": refused.num_rows, "accounting": counts})
        return
    print_table(COLUMNS, ([_short(row[column]) for column in COLUMNS] for row in rows))
    if refused.num_rows > number:
        say(f"{refused.num_rows - number} more: --number {refused.num_rows}")
    for unit, sums in counts.items():
        say(
            f"{unit}s: {sums['accepted']:,} accepted + {sums['duplicates']:,} duplicates + "
            f"{sums['quarantined']:,} quarantined = {sums['received']:,} received"
        )


def _read(pachd: Pachd, folder: str) -> pa.Table:
    with TemporaryDirectory() as scratch:
        pachd.download("extract", f"/{folder}", Path(scratch))
        return read_tables(parquet_files(Path(scratch)))


def _sums(accounting: pa.Table) -> dict[str, dict[str, int]]:
    sums = accounting.group_by("unit").aggregate([(name, "sum") for name in COUNTS]).to_pylist()
    return {row["unit"]: {name: row[f"{name}_sum"] for name in COUNTS} for row in sums}


def _short(value: Any) -> str:
    return "" if value is None else str(value)[:60]
