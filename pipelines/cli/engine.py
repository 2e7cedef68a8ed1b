"""Verbs about the engine: what is there, what ran, what would run, run it again, keep it, serve it."""

from pathlib import Path
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
    """List jobs: how many datums ran, were skipped, failed.

    A datum is skipped when nothing it depends on has changed: its inputs, its code, its part of
    forewarn.toml. Recovered ones failed in every try and were left out.
    """
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
    """List the datums of a job with their inputs and states, and why those that failed did."""
    run("jobs", "datums", project=project, pipeline=pipeline, commit=commit, state=state, json=json)


@app.command(epilog="Example: forewarn logs extract --datum 3f2a9c")
def logs(
    pipeline: Annotated[str, typer.Argument(help="Pipeline, such as extract.")],
    commit: Annotated[str | None, typer.Argument(help="Commit id; default: the newest job's.")] = None,
    datum: Annotated[str | None, typer.Option(help="Only the datum whose id begins so.")] = None,
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """Show what the datums of a job printed."""
    run("jobs", "logs", project=project, pipeline=pipeline, commit=commit, datum=datum, json=json)


@app.command(epilog="Example: forewarn plan logs/2026-03-02 --to /2026-03-02")
def plan(
    paths: Annotated[list[Path] | None, typer.Argument(help="What is about to be pushed.")] = None,
    to: Annotated[str, typer.Option("--to", help="As for push.")] = "/",
    number: Annotated[int, typer.Option("--number", "-n", help="Datums to list per pipeline.", min=0)] = 10,
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """Say which datums a push or an edited forewarn.toml would run, and why, before anything runs.

    Nothing is pushed, and nothing runs. Without paths: what the configuration as it stands would
    change.
    """
    run("plan", "plan", project=project, paths=paths or [], to=to, number=number, json=json)


@app.command(epilog="Example: forewarn rerun features --datum 3f2a9c --datum /observations/amr-001")
def rerun(
    pipeline: Annotated[str, typer.Argument(help="Pipeline, such as features.")],
    datum: Annotated[
        list[str] | None, typer.Option(help="Beginning of a datum's id, or a path of its inputs.")
    ] = None,
    reprocess: Annotated[bool, typer.Option("--reprocess", help="Run every datum again.")] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the pipelines.")] = True,
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """Run a pipeline's chosen datums again; without a choice, those that failed."""
    run(
        "pipelines",
        "rerun",
        project=project,
        pipeline=pipeline,
        datums=datum or [],
        reprocess=reprocess,
        wait=wait,
        json=json,
    )


@app.command(epilog="Example: forewarn stop train")
def stop(
    pipeline: Annotated[str, typer.Argument(help="Pipeline, such as train.")],
    project: ProjectFolder = None,
) -> None:
    """Interrupt a pipeline and let its commits wait."""
    run("pipelines", "stop", project=project, pipeline=pipeline)


@app.command(epilog="Example: forewarn start train")
def start(
    pipeline: Annotated[str, typer.Argument(help="Pipeline, such as train.")],
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for what it has to do.")] = True,
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """Start a stopped pipeline again."""
    run("pipelines", "start", project=project, pipeline=pipeline, wait=wait, json=json)


@app.command(epilog="Example: forewarn push logs/ --no-wait && forewarn wait")
def wait(
    commit: Annotated[str | None, typer.Argument(help="Commit id; default: the newest with jobs.")] = None,
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """Wait until the jobs of a commit have ended."""
    run("pipelines", "wait", project=project, commit=commit, json=json)


@app.command(epilog="Example: forewarn fsck --fix")
def fsck(
    fix: Annotated[
        bool, typer.Option("--fix", help="Forget damaged places, so that a push heals them.")
    ] = False,
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """Check every stored byte against its hash.

    Names each damaged place, and exits 1 when there is one.
    """
    run("upkeep", "fsck", project=project, fix=fix, json=json)


@app.command(epilog="Example: forewarn gc --json")
def gc(project: ProjectFolder = None, json: Json = False) -> None:
    """Give back the space of what no commit needs any more."""
    run("upkeep", "gc", project=project, json=json)


@app.command(epilog="Example: forewarn up --listen 127.0.0.1:30650")
def up(
    listen: Annotated[
        str, typer.Option(help="Address to serve Pachyderm's protocol on.")
    ] = "127.0.0.1:30650",
    http: Annotated[
        str, typer.Option(help="Address of the dashboard and its API; beyond loopback as below.")
    ] = "127.0.0.1:8650",
    token_file: Annotated[
        Path | None, typer.Option(help="Beyond loopback: file with the token that clients must bear.")
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(help="Beyond loopback: PEM file of the server's certificate.")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="Beyond loopback: PEM file of its private key.")] = None,
    metrics: Annotated[
        str | None, typer.Option(help="HOST:PORT for /metrics, /healthz and /readyz; default: none.")
    ] = None,
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """Run the engine as a daemon that reprocesses on every commit; stop it with Ctrl-C.

    Serves Pachyderm's protocol, the dashboard with its API, and metrics when asked. Other commands of
    the project find it by themselves. Beyond this machine it asks for a token and TLS.
    """
    run(
        "up",
        "up",
        project=project,
        listen=listen,
        http=http,
        token_file=token_file,
        certificate=certificate,
        key=key,
        metrics=metrics,
        json=json,
    )
