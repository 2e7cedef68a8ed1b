"""The `forewarn` command: what each verb takes; what it does lives in `pipelines/commands/`.

Only typer is imported here, so that `forewarn --help` answers at once.
"""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from features.errors import ConflictError, DataError, ForewarnError, NotFoundError, UsageError

EXIT = {DataError: 3, NotFoundError: 4, ConflictError: 4, UsageError: 2}

app = typer.Typer(
    name="forewarn",
    help="Warns of robot failures before they happen: push logs, read the risk report.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON value on stdout; logs go to stderr.")]
ProjectFolder = Annotated[
    Path | None,
    typer.Option("--project", "-C", help="Project folder; default: the nearest with a forewarn.toml."),
]


@app.command(epilog="Example: forewarn init && $EDITOR forewarn.toml")
def init(
    folder: Annotated[Path, typer.Argument(help="Folder of the new project.")] = Path(),
    json: Json = False,
) -> None:
    """Write a commented forewarn.toml to start from."""
    _run("init", "init", folder=folder, json=json)


@app.command(epilog="Example: forewarn push logs/  (day archives below logs/2026-03-01/)")
def push(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders of robot logs.")],
    to: Annotated[str, typer.Option("--to", help="Folder in the repo logs to put them under.")] = "/",
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the pipelines.")] = True,
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """Push robot logs as one atomic commit and reprocess what depends on them."""
    _run("push", "push", project=project, paths=paths, to=to, wait=wait, json=json)


@app.command(epilog="Example: forewarn status --json")
def status(project: ProjectFolder = None, json: Json = False) -> None:
    """Show repos, pipelines and the newest commit."""
    _run("status", "status", project=project, json=json)


@app.command(epilog="Example: forewarn jobs --pipeline features --number 5")
def jobs(
    commit: Annotated[str | None, typer.Argument(help="Commit id; default: every job.")] = None,
    pipeline: Annotated[str | None, typer.Option(help="Only this pipeline's jobs.")] = None,
    number: Annotated[int, typer.Option("--number", "-n", help="At most so many, newest first.", min=1)] = 24,
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """List jobs: how many datums ran, were skipped, failed."""
    _run("jobs", "jobs", project=project, commit=commit, pipeline=pipeline, number=number, json=json)


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
    _run("jobs", "datums", project=project, pipeline=pipeline, commit=commit, state=state, json=json)


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
    """Write the failure-risk report of a commit to files."""
    _run(
        "report",
        "report",
        project=project,
        commit=commit,
        open_=open_,
        folder=folder,
        fail_above=fail_above,
        json=json,
    )


@app.command(epilog="Example: forewarn quarantine --reason truncated_gzip")
def quarantine(
    reason: Annotated[str | None, typer.Option(help="Only this reason code.")] = None,
    number: Annotated[int, typer.Option("--number", "-n", help="At most so many.", min=1)] = 20,
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """Show what was refused, why, and that nothing was lost."""
    _run("quarantine", "quarantine", project=project, reason=reason, number=number, json=json)


@app.command("demo-data", epilog="Example: forewarn demo-data fleet/ --robots 12 --days 2")
def demo_data(
    folder: Annotated[Path, typer.Argument(help="Folder to write; logs/, truth.json, forewarn.toml.")],
    robots: Annotated[int, typer.Option(min=1, max=10_000)] = 12,
    days: Annotated[int, typer.Option(min=1, max=3_650)] = 2,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 7,
    json: Json = False,
) -> None:
    """Make a synthetic fleet's logs with planted failure causes and planted dirt."""
    _run("demo", "demo_data", folder=folder, robots=robots, days=days, seed=seed, json=json)


@app.command(epilog="Example: forewarn demo --robots 4 --days 1")
def demo(
    folder: Annotated[Path, typer.Option(help="Folder to work in; made anew.")] = Path("demo"),
    robots: Annotated[int, typer.Option(min=1, max=10_000)] = 12,
    days: Annotated[int, typer.Option(min=1, max=3_650)] = 2,
    seed: Annotated[int, typer.Option(help="The same seed gives the same fleet.")] = 7,
    json: Json = False,
) -> None:
    """Make a synthetic fleet, push it through every pipeline, score the report against the truth."""
    _run("demo", "demo", folder=folder, robots=robots, days=days, seed=seed, json=json)


@app.command(epilog="Example: forewarn up --listen 127.0.0.1:30650")
def up(
    listen: Annotated[
        str, typer.Option(help="Address to serve Pachyderm's protocol on.")
    ] = "127.0.0.1:30650",
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """Run the engine as a daemon that reprocesses on every commit; stop it with Ctrl-C."""
    _run("up", "up", project=project, listen=listen, json=json)


def _run(module: str, function: str, **arguments: Any) -> None:
    from importlib import import_module

    from pipelines.commands.output import log_to_stderr

    log_to_stderr()
    getattr(import_module(f"pipelines.commands.{module}"), function)(**arguments)


def main() -> None:
    """Run the command line; errors become one message on stderr and an exit code (see EXIT)."""
    try:
        app()
    except ForewarnError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(next((code for kind, code in EXIT.items() if isinstance(error, kind)), 1))
    except KeyboardInterrupt:
        print("stopped; nothing pushed was lost", file=sys.stderr)  # noqa: T201
        sys.exit(130)
