"""A committed report beside the one before it: a report knows only its own data, the repo knows both."""

from dataclasses import asdict
from typing import Any

import msgspec

from features.errors import NotFoundError
from pipelines.client import Pachd
from pipelines.taken import taken


def summary_of(pachd: Pachd, commit: str) -> dict[str, Any]:
    """The `summary.json` of a commit with what the repo knows besides. Raises NotFoundError.

    `since`: what changed since the report before. `taken`: by pipeline, the core-seconds of the run that made
    it, predicted from the runs before and measured.
    """
    from reports.since import since

    summary = _read(pachd, commit)
    before = _before(pachd, commit)
    if before is not None:
        summary["since"] = since(_read(pachd, before), summary, before)
    summary["taken"] = [asdict(one) for one in taken(pachd, pachd.resolve("report", commit))] or None
    return summary


def _read(pachd: Pachd, commit: str) -> dict[str, Any]:
    return msgspec.json.decode(pachd.read("report", "/summary.json", commit), type=dict[str, Any])


def _before(pachd: Pachd, commit: str) -> str | None:
    """The nearest earlier commit with a report."""
    earlier = commit
    try:
        while True:
            earlier = pachd.resolve("report", f"{earlier}^")
            if any(pachd.glob("report", "/summary.json", earlier)):
                return earlier
    except NotFoundError:
        return None
