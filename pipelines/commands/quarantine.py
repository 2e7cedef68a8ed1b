"""`forewarn quarantine list|show|retry`: what was refused, why, and the sums that show nothing was lost."""

import hashlib
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import pyarrow as pa

from features.errors import NotFoundError, UsageError
from pipelines.client import Pachd
from pipelines.commands.output import print_json, print_table, say, say_next, stdout
from pipelines.commands.progress import watch_jobs
from pipelines.commands.push import finished
from pipelines.project import Project
from pipelines.setup import set_up
from pipelines.steps.files import parquet_files, read_tables

COLUMNS: Final = ("id", "source", "member", "line", "stream", "robot_id", "reason", "detail")
COUNTS: Final = ("received", "accepted", "duplicates", "quarantined")
PLACE: Final = ("source", "member", "line", "offset", "stream", "reason", "raw_sha256")
ID_LENGTH: Final = 12
EXTRACT: Final = "extract"


def list_(*, project: Path | None, reason: str | None, source: str | None, number: int, json: bool) -> None:
    """Show refused members and records of the newest commit, and its accounting."""
    with Project.find(project).connect() as pachd:
        refused, accounting = _refused(pachd), _read(pachd, "accounting")
    chosen = _choose(refused, reason, source)
    counts = _sums(accounting)
    if json:
        rows = [{name: row[name] for name in COLUMNS} for row in chosen[:number]]
        print_json({"records": rows, "total": len(chosen), "accounting": counts})
        return
    print_table(COLUMNS, ([_short(row[column]) for column in COLUMNS] for row in chosen[:number]))
    if len(chosen) > number:
        say(f"{len(chosen) - number} more: --number {len(chosen)}")
    for unit, sums in counts.items():
        say(
            f"{unit}s: {sums['accepted']:,} accepted + {sums['duplicates']:,} duplicates + "
            f"{sums['quarantined']:,} quarantined = {sums['received']:,} received"
        )
    if chosen:
        say_next(f"forewarn quarantine show {chosen[0]['id']}")


def show(*, project: Path | None, id_: str, json: bool) -> None:
    """Show one refusal with its raw bytes. Raises NotFoundError, UsageError when the id fits several."""
    with Project.find(project).connect() as pachd:
        found = {row["id"]: row for row in _refused(pachd) if row["id"].startswith(id_)}
    if not found:
        raise NotFoundError(f"nothing in quarantine has the id {id_}", hint="forewarn quarantine list")
    if len(found) > 1:
        raise UsageError("several refusals begin with this id", got=id_, expected=", ".join(found))
    (row,) = found.values()
    raw: bytes = row.pop("raw")
    text = raw.decode("utf-8", "backslashreplace")
    if json:
        print_json(row | {"raw": text})
        return
    for name, value in row.items():
        stdout.print(f"{name + ':':12} {'' if value is None else value}", markup=False)
    stdout.print(f"\n{text}", markup=False)
    if row["raw_bytes"] > len(raw):
        say(f"the first {len(raw):,} of {row['raw_bytes']:,} bytes; [logs.limits] raw_bytes keeps more")
    say_next("forewarn quarantine retry   (after forewarn.toml or forewarn itself learned to read it)")


def retry(*, project: Path | None, reason: str | None, source: str | None, json: bool) -> None:
    """Extract again the files something was refused of, with the configuration as it is now.

    What is accepted this time goes on through the pipelines; what is still refused stays in quarantine.
    Raises NotFoundError when nothing is, ForewarnError when a job fails.
    """
    found = Project.find(project)
    with found.connect() as pachd:
        before = _choose(_refused(pachd), reason, source)
        if not before:
            raise NotFoundError("nothing to retry in quarantine", hint="forewarn quarantine list")
        sources = {row["source"] for row in before}
        if set_up(pachd, found.config):
            say("the configuration changed: every file it concerns is extracted again")
        commit = str(pachd.ask("RerunDatums", pipeline=EXTRACT, datums=_datums(pachd, sources))["job"])
        finished(watch_jobs(pachd, commit))
        after = _choose(_refused(pachd), reason, source)
    healed = Counter(row["reason"] for row in before)
    healed.subtract(row["reason"] for row in after)
    if json:
        print_json({"commit": commit, "files": len(sources), "before": len(before), "after": len(after)})
    for code, count in sorted(healed.items()):
        say(f"{code}: {count} of {sum(row['reason'] == code for row in before)} healed")
    say_next("forewarn quarantine list" if after else "forewarn report")


def _refused(pachd: Pachd) -> list[dict[str, Any]]:
    """Every refusal of the newest commit, each with an id that stays as long as what it tells."""
    if not pachd.has_repo(EXTRACT) or pachd.head(EXTRACT) is None:
        raise NotFoundError("nothing was extracted yet", hint="forewarn push PATH")
    rows: list[dict[str, Any]] = _read(pachd, "quarantine").to_pylist()
    return [{"id": _id(row)} | row for row in rows]


def _id(row: dict[str, Any]) -> str:
    return hashlib.sha256(repr([row[name] for name in PLACE]).encode()).hexdigest()[:ID_LENGTH]


def _choose(rows: list[dict[str, Any]], reason: str | None, source: str | None) -> list[dict[str, Any]]:
    return [row for row in rows if reason in (None, row["reason"]) and source in (None, row["source"])]


def _datums(pachd: Pachd, sources: set[str]) -> list[str]:
    """Ids of the extract datums that read these files."""
    commit = pachd.jobs(pipeline=EXTRACT, number=1)[0].commit
    paths = {f"logs:{path}" for path in sources}
    return [
        datum.id
        for datum in pachd.datums(EXTRACT, commit)
        if any(
            path == one or path.startswith(one.rstrip("/") + "/") for one in datum.inputs for path in paths
        )
    ]


def _read(pachd: Pachd, folder: str) -> pa.Table:
    with TemporaryDirectory() as scratch:
        pachd.download(EXTRACT, f"/{folder}", Path(scratch))
        return read_tables(parquet_files(Path(scratch)))


def _sums(accounting: pa.Table) -> dict[str, dict[str, int]]:
    sums = accounting.group_by("unit").aggregate([(name, "sum") for name in COUNTS]).to_pylist()
    return {row["unit"]: {name: row[f"{name}_sum"] for name in COUNTS} for row in sums}


def _short(value: Any) -> str:
    return "" if value is None else str(value)[:60]
