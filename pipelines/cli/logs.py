"""Verbs about logs: start a project, push, see what was refused."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.app import Json, ProjectFolder, app, run


@app.command(epilog="Example: forewarn init --preset vda5050 && $EDITOR forewarn.toml")
def init(
    folder: Annotated[Path, typer.Argument(help="Folder of the new project.")] = Path(),
    preset: Annotated[
        str | None, typer.Option(help="Three lines that build on a preset: inorbit or vda5050.")
    ] = None,
    json: Json = False,
) -> None:
    """Write a commented forewarn.toml to start from."""
    run("init", "init", folder=folder, preset=preset, json=json)


@app.command(epilog="Example: forewarn inspect logs/ --write .")
def inspect(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders of logs in any format.")],
    write: Annotated[
        Path | None, typer.Option(help="Write the proposed forewarn.toml into this folder.")
    ] = None,
    json: Json = False,
) -> None:
    """Show what unknown logs hold and propose a forewarn.toml."""
    run("inspect", "inspect", paths=paths, write=write, json=json)


@app.command(epilog="Example: forewarn push logs/  (day archives below logs/2026-03-01/)")
def push(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders of robot logs.")],
    to: Annotated[str, typer.Option("--to", help="Folder in the repo logs to put them under.")] = "/",
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the pipelines.")] = True,
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """Push robot logs as one atomic commit and reprocess what depends on them."""
    run("push", "push", project=project, paths=paths, to=to, wait=wait, json=json)


@app.command(epilog="Example: forewarn quarantine --reason truncated_gzip")
def quarantine(
    reason: Annotated[str | None, typer.Option(help="Only this reason code.")] = None,
    number: Annotated[int, typer.Option("--number", "-n", help="At most so many.", min=1)] = 20,
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """Show what was refused, why, and that nothing was lost."""
    run("quarantine", "quarantine", project=project, reason=reason, number=number, json=json)
