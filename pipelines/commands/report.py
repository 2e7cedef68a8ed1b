"""`forewarn report`: the files of a committed report, and an exit code for scripts."""

import webbrowser
from pathlib import Path
from typing import Final

import msgspec
import typer

from features.errors import NotFoundError
from pipelines.client import Pachd
from pipelines.commands.output import print_json, say
from pipelines.project import Project

FILES: Final = ("report.html", "risk.csv", "risk.parquet", "summary.json")
RISK_EXIT: Final = 10


def report(
    *,
    project: Path | None,
    commit: str | None,
    open_: bool,
    folder: Path | None,
    fail_above: float | None,
    json: bool,
) -> None:
    """Write the report's files and show its ranking. Raises NotFoundError when there is none yet."""
    found = Project.find(project)
    with found.connect() as pachd:
        folder = save_report(pachd, found, commit, folder)
    summary = msgspec.json.decode((folder / "summary.json").read_bytes())
    page = folder / "report.html"
    if json:
        print_json({"folder": str(folder), "summary": summary})
    else:
        show(summary)
        say(f"report: {page}")
        say(f"open it: file://{page.resolve()}")
    if open_:
        webbrowser.open(page.resolve().as_uri())
    highest = max((robot["risk"] or 0.0 for robot in summary["robots"]), default=0.0)
    if fail_above is not None and highest > fail_above:
        say(f"a robot's risk is {highest:.3f}, above {fail_above}")
        raise typer.Exit(RISK_EXIT)


def save_report(pachd: Pachd, project: Project, commit: str | None, folder: Path | None) -> Path:
    """Write a committed report's files to a folder; the newest when no commit is named."""
    commit = commit or (pachd.head("report") if "report" in pachd.pipelines() else None)
    if commit is None:
        raise NotFoundError("there is no report yet", hint="forewarn push PATH")
    folder = folder or project.folder / "reports" / commit
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        (folder / name).write_bytes(pachd.read("report", f"/{name}", commit))
    return folder


def show(summary: dict[str, object]) -> None:
    """The ranking on the terminal."""
