"""`forewarn status`: repos, pipelines, the newest commit, in one look."""

from pathlib import Path

from pipelines.commands.output import print_json, print_table, say, say_next
from pipelines.project import Project
from pipelines.specs import STEPS


def status(*, project: Path | None, json: bool) -> None:
    """Show where the project stands."""
    found = Project.find(project)
    with found.connect() as pachd:
        pipelines = pachd.pipelines()
        head = pachd.head("logs") if pipelines else None
        newest = {name: next(iter(pachd.jobs(pipeline=name, number=1)), None) for name in pipelines}
    report = newest.get("report")
    if json:
        print_json(
            {
                "project": str(found.folder),
                "logs": head,
                "pipelines": newest,
                "daemon": found.daemon_address(),
            }
        )
        return
    say(f"project {found.folder}, engine {found.daemon_address() or 'in this command (no daemon)'}")
    print_table(
        ["pipeline", "state", "last job", "datums#", "ran#", "skipped#", "failed#", "recovered#"],
        (
            [
                name,
                info["state"],
                job.commit,
                job.total,
                job.processed,
                job.skipped,
                job.failed,
                job.recovered,
            ]
            for name, info in sorted(pipelines.items(), key=lambda item: STEPS.index(item[0]))
            if (job := newest[name]) is not None
        ),
    )
    say_next(
        "forewarn report --open" if report is not None and report.state == "SUCCESS" else "forewarn push PATH"
    )
