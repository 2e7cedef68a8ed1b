"""Verbs about risk: read the report, choose the question."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.app import Json, ProjectFolder, app, run


@app.command(epilog="Example: forewarn report --open")
def report(
    commit: Annotated[str | None, typer.Argument(help="Commit id; default: the newest report.")] = None,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    folder: Annotated[
        Path | None, typer.Option(help="Where to write; default: <project>/reports/<commit>.")
    ] = None,
    fail_above: Annotated[
        float | None, typer.Option(help="Exit 10 when a robot's risk is above this.", min=0, max=1)
    ] = None,
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """Write the failure-risk report of a commit to files.

    Writes report.html, risk.csv, risk.parquet and summary.json, and prints ranking, reasons and verdict. Any
    earlier report can be had by its commit (forewarn jobs).
    """
    run(
        "report",
        "report",
        project=project,
        commit=commit,
        open_=open_,
        folder=folder,
        fail_above=fail_above,
        json=json,
    )


@app.command(epilog="Example: forewarn sweep --windows 10s,42s,2m --leads 0s,10s,30s")
def sweep(
    windows: Annotated[
        str, typer.Option(help="How far back to look, separated by commas.")
    ] = "10s,20s,42s,60s,90s,120s",
    leads: Annotated[str, typer.Option(help="How far ahead to warn.")] = "0s,10s,20s,30s",
    folder: Annotated[
        Path | None, typer.Option(help="Where to write; default: <project>/reports/sweep-<commit>.")
    ] = None,
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """Quick model scores over window and lead time: table, JSON and a heat map."""
    run("sweep", "sweep", project=project, windows=windows, leads=leads, folder=folder, json=json)


@app.command(epilog="Example: forewarn tune --minutes 30 --apply")
def tune(
    minutes: Annotated[float, typer.Option(help="Stop searching after so long; 0: no limit.", min=0)] = 10,
    trials: Annotated[int, typer.Option(help="Stop after so many candidates in all.", min=1)] = 60,
    apply: Annotated[
        bool, typer.Option("--apply", help="Write the winner into forewarn.toml, if it beats the default.")
    ] = False,
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """Search model and look-back settings; the default stays unless beaten on untouched data.

    Stopped, it goes on where it was; the test part is never looked at.
    """
    run("tune", "tune", project=project, minutes=minutes, trials=trials, apply=apply, json=json)
