"""`forewarn feedback`: what became of an alert."""

import getpass
from datetime import UTC, datetime
from pathlib import Path

from features.errors import NotFoundError
from pipelines.alerts.book import Book
from pipelines.commands.output import print_json, say
from pipelines.project import Project
from pipelines.serving import PachdSource
from reports.dashboard.feedback import entry, outcomes, precision


def feedback(
    *, project: Path | None, robot: str, at: str | None, action: str, to: str, note: str, json: bool
) -> None:
    """Commit one entry. Raises UsageError for an unknown action, NotFoundError for an unknown robot."""
    found = Project.find(project)
    config = found.config
    with found.connect() as pachd:
        source = PachdSource(pachd, config, Book(found.alert_file))
        report = source.report()
        lines = {one["robot_id"]: one for one in report.summary["robots"]} if report else {}
        if robot not in lines:
            raise NotFoundError(f"no robot {robot} in the newest report", hint="forewarn report")
        moment = at or lines[robot]["peak_at"]
        if moment is None:
            raise NotFoundError(f"robot {robot} has no risk yet", hint="name the moment with --at")
        when = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        said = entry(
            robot_id=robot, at=moment, action=action, by=getpass.getuser(), when=when, to=to, note=note
        )
        commit = source.add_feedback(said)
        closed = precision(outcomes(source.feedback()).values())
    if json:
        print_json({"commit": commit, "entry": said, "precision": closed})
        return
    say(f"{action}: {robot} at {moment}, commit {commit}")
    if closed["closed"]:
        say(f"{closed['right']} of {closed['closed']} closed alerts were right")
