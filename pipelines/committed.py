"""A committed report beside the one before it: a report knows only its own data, the repo knows both."""

from dataclasses import asdict
from typing import Any

import msgspec

from features.errors import NotFoundError
from pipelines.client import Pachd, StoredFile
from pipelines.taken import taken


def summary_of(pachd: Pachd, commit: str) -> dict[str, Any]:
    """The `summary.json` of a commit with what the repo knows besides. Raises NotFoundError.

    `since`: what changed since the report before. `taken`: by pipeline, the core-seconds of the run that made
    it, predicted from the runs before and measured.
    """
    from reports.since import since

    summary = _read(pachd, commit)
    before = report_before(pachd, commit)
    if before is not None:
        summary["since"] = since(_read(pachd, before), summary, before)
    summary["taken"] = [asdict(one) for one in taken(pachd, pachd.resolve("report", commit))] or None
    return summary


def _read(pachd: Pachd, commit: str) -> dict[str, Any]:
    return msgspec.json.decode(pachd.read("report", "/summary.json", commit), type=dict[str, Any])


def report_before(pachd: Pachd, commit: str) -> str | None:
    """The nearest earlier commit whose report is another one, not the same kept by a run without changes."""
    now, earlier = _file(pachd, commit), commit
    try:
        while True:
            earlier = pachd.resolve("report", f"{earlier}^")
            if _file(pachd, earlier) not in ([], now):
                return earlier
    except NotFoundError:
        return None


def _file(pachd: Pachd, commit: str) -> list[StoredFile]:
    return list(pachd.glob("report", "/summary.json", commit))
