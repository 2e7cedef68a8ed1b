"""Verbs about history: what lies between two reports, and where a number comes from."""

from typing import Annotated

import typer

from pipelines.cli.app import Json, ProjectFolder, app, run


@app.command(epilog="Example: forewarn diff master^ master")
def diff(
    before: Annotated[
        str | None, typer.Argument(help="Commit, or master^2; default: the one before.")
    ] = None,
    after: Annotated[str | None, typer.Argument(help="Commit; default: the newest.")] = None,
    repo: Annotated[str | None, typer.Option(help="Compare the files of this repo instead.")] = None,
    number: Annotated[int, typer.Option("--number", "-n", help="Robots and files to list.", min=0)] = 20,
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """Say what two commits differ in: robots, robot-hours, failures, risk, and files."""
    run("diff", "diff", project=project, before=before, after=after, repo=repo, number=number, json=json)


@app.command(epilog="Example: forewarn trace amr-001    forewarn trace /2026-03-01/amr-001.zip")
def trace(
    what: Annotated[
        str, typer.Argument(help="A robot, a number's pointer in summary.json, or a pushed file's path.")
    ],
    commit: Annotated[str | None, typer.Argument(help="Report's commit; default: the newest.")] = None,
    number: Annotated[int, typer.Option("--number", "-n", help="Messages to show.", min=0)] = 10,
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """Follow a number of a report back to its messages, or a log on to the reports it touched."""
    run("trace", "trace", project=project, what=what, commit=commit, number=number, json=json)


@app.command(
    epilog='Example: forewarn query "SELECT robot_id, max(risk) FROM risk GROUP BY 1 ORDER BY 2 DESC"'
)
def query(
    sql: Annotated[str, typer.Argument(help="One SELECT over risk, reasons, windows, failures, report, …")],
    at: Annotated[str | None, typer.Option(help="Commit, or master^; default: the newest.")] = None,
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """Ask any committed output with SQL (DuckDB); nothing else can be read and nothing written."""
    run("query", "query", project=project, sql=sql, at=at, json=json)
