"""`forewarn report`: the files of a committed report, and an exit code for scripts."""

import webbrowser
from pathlib import Path
from typing import Any, Final

import msgspec
import typer

from features.errors import NotFoundError
from pipelines.client import Pachd
from pipelines.commands.output import print_json, print_table, say, stdout
from pipelines.committed import summary_of
from pipelines.project import Project
from pipelines.taken import Taken, in_words

FILES: Final = ("report.html", "risk.csv", "risk.parquet", "summary.json")
RISK_EXIT: Final = 10
SHOWN: Final = 12


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
        if summary.get("taken"):
            say(in_words([Taken(**one) for one in summary["taken"]]))
        say(f"report: {page}")
        say(f"open it: file://{page.resolve()}")
    if open_:
        webbrowser.open(page.resolve().as_uri())
    highest = max((robot["risk"] or 0.0 for robot in summary["robots"]), default=0.0)
    if fail_above is not None and highest > fail_above:
        say(f"a robot's risk is {highest:.3f}, above {fail_above}")
        raise typer.Exit(RISK_EXIT)


def save_report(pachd: Pachd, project: Project, commit: str | None, folder: Path | None) -> Path:
    """Write a committed report's files to a folder; NotFoundError without. No commit: the newest."""
    chosen = commit or (pachd.head("report") if "report" in pachd.pipelines() else None)
    if chosen is None:
        raise NotFoundError("there is no report yet", hint="forewarn push PATH")
    try:
        contents = {name: pachd.read("report", f"/{name}", chosen) for name in FILES}
    except NotFoundError as error:
        if commit is None:
            raise NotFoundError("there is no report yet", hint="forewarn jobs (what became of it)") from error
        raise NotFoundError(
            "this commit has no report", got=commit, hint=f"forewarn jobs {commit}"
        ) from error
    folder = folder or project.folder / "reports" / chosen
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    _compare(pachd, chosen, folder)
    return folder


def _compare(pachd: Pachd, commit: str, folder: Path) -> None:
    """Add to a saved report what changed since the one before, and what the run took."""
    from jinja2 import UndefinedError

    from reports.page import render
    from reports.risk_report import as_json

    summary = summary_of(pachd, commit)
    if summary.get("since") is None and summary["taken"] is None:
        return
    try:
        page = render(summary)
    except UndefinedError:  # a version before this one committed it and knew less
        say("this report is shown as it was committed, by another version of forewarn")
        return
    (folder / "summary.json").write_bytes(as_json(summary))
    (folder / "report.html").write_text(page, "utf-8")


def show(summary: dict[str, Any]) -> None:
    """Headline, the robots most at risk with their first reason, and the model's verdict."""
    stdout.print(summary["headline"]["sentence"], markup=False)
    if lost := summary.get("missing", {}).get("sentence"):
        stdout.print(lost, markup=False)
    if summary.get("since"):
        told = summary["since"]
        stdout.print(f"{told['sentence']} Behind it: {'; '.join(told['why'])}.", markup=False)
    print_table(
        ["rank#", "robot", "risk#", "status", "why"],
        (
            [robot["rank"] or "-", robot["robot_id"], _percent(robot["risk"]), robot["status"], _why(robot)]
            for robot in summary["robots"][:SHOWN]
        ),
    )
    if len(summary["robots"]) > SHOWN:
        stdout.print(f"and {len(summary['robots']) - SHOWN} more in risk.csv")
    stdout.print(summary["model"]["verdict"]["sentence"], markup=False)


def _percent(risk: float | None) -> str:
    return "-" if risk is None else f"{100 * risk:.1f} %"


def _why(robot: dict[str, Any]) -> str:
    return str(robot["reasons"][0]["words"]) if robot["reasons"] else ""
