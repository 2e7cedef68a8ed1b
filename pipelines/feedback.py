"""What people say of alerts: each entry a file of the repo `feedback`, the verdicts of all in `labels`.

`labels` follows from `feedback` alone and is an input of train and report, so that a verdict re-runs what
depends on it, and an acknowledgement nothing. It is written after each entry, and again whenever a project is
set up, so that a kill between the two leaves nothing behind.
"""

import json
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from features.errors import ForewarnError
from pipelines.client import Pachd
from reports.dashboard.feedback import outcomes, verdicts

FEEDBACK: Final = "feedback"
LABELS: Final = "labels"
PLACE: Final = "/verdicts.json"


def entries(pachd: Pachd, commit: str | None = None) -> list[Mapping[str, Any]]:
    """Everything said up to a commit, oldest first; damaged entries are left out."""
    commit = commit or newest(pachd)
    if commit is None:
        return []
    with tempfile.TemporaryDirectory() as folder:
        try:
            pachd.download(FEEDBACK, "/", Path(folder), commit)
            texts = [path.read_bytes() for path in sorted(Path(folder).rglob("*.json"))]
        except ForewarnError:
            texts = list(pachd.read_all(FEEDBACK).values())
    return sorted((json.loads(text) for text in texts), key=lambda said: str(said["when"]))


def newest(pachd: Pachd) -> str | None:
    """The newest commit of feedback, None before the first."""
    return pachd.head(FEEDBACK) if pachd.has_repo(FEEDBACK) else None


def add(pachd: Pachd, entry: Mapping[str, Any]) -> str:
    """Commit one entry as a file of its own, so that two people at once lose nothing; then the labels."""
    pachd.create_repo(FEEDBACK)
    path = f"/{entry['when'].replace(':', '')}-{time.time_ns()}-{uuid4().hex[:8]}.json"
    commit = pachd.put(FEEDBACK, {path: json.dumps(dict(entry)).encode()}, description=entry["action"])
    while True:
        read = newest(pachd)
        due = labels(pachd)
        if due and pachd.has_repo(LABELS):
            pachd.put(LABELS, due, description="verdicts")
        if newest(pachd) == read:
            return commit


def labels(pachd: Pachd) -> dict[str, bytes]:
    """The files of `labels` that differ from what feedback says: none, or its one."""
    told = verdicts(outcomes(entries(pachd)).values())
    content = json.dumps(told, indent=1).encode() + b"\n"
    present = pachd.read(LABELS, PLACE) if pachd.has_repo(LABELS) and pachd.head(LABELS) else None
    return {} if present == content else {PLACE: content}
