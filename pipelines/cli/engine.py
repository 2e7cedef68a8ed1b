"""Verbs about the engine: what is there, what ran, serve it."""

from typing import Annotated

import typer

from pipelines.cli.app import Json, ProjectFolder, app, run


@app.command(epilog="Example: forewarn status --json")
def status(project: ProjectFolder = None, json: Json = False) -> None:
    """Show repos, pipelines and the newest commit."""
    run("status", "status", project=project, json=json)


@app.command(epilog="Example: forewarn jobs --pipeline features --number 5")
def jobs(
    commit: Annotated[str | None, typer.Argument(help="Commit id; default: every job.")] = None,
    pipeline: Annotated[str | None, typer.Option(help="Only this pipeline's jobs.")] = None,
    number: Annotated[int, typer.Option("--number", "-n", help="At most so many, newest first.", min=1)] = 24,
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """List jobs: how many datums ran, were skipped, failed."""
    run("jobs", "jobs", project=project, commit=commit, pipeline=pipeline, number=number, json=json)


@app.command(epilog="Example: forewarn datums features --state success")
def datums(
    pipeline: Annotated[str, typer.Argument(help="Pipeline, such as features.")],
    commit: Annotated[str | None, typer.Argument(help="Commit id; default: the newest job's.")] = None,
    state: Annotated[
        str | None, typer.Option(help="Only success, skipped, failed, recovered or starting.")
    ] = None,
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """List the datums of a job with their inputs and states."""
    run("jobs", "datums", project=project, pipeline=pipeline, commit=commit, state=state, json=json)


@app.command(epilog="Example: forewarn up --listen 127.0.0.1:30650")
def up(
    listen: Annotated[
        str, typer.Option(help="Address to serve Pachyderm's protocol on.")
    ] = "127.0.0.1:30650",
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """Run the engine as a daemon that reprocesses on every commit; stop it with Ctrl-C."""
    run("up", "up", project=project, listen=listen, json=json)
