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
    """Write a commented forewarn.toml to start from.

    A file that is there is left alone. Where there are logs already, inspect writes one from what they
    hold.
    """
    run("init", "init", folder=folder, preset=preset, json=json)


@app.command(epilog="Example: forewarn inspect logs/ --write .")
def inspect(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders of logs in any format.")],
    write: Annotated[
        Path | None, typer.Option(help="Write the proposed forewarn.toml into this folder.")
    ] = None,
    json: Json = False,
) -> None:
    """Show what unknown logs hold and propose a forewarn.toml.

    A sample is read, in bounded time: of many files some from first to last, of long ones beginning,
    middle and end. What only a person can know is marked CHECK. Nothing is pushed.
    """
    run("inspect", "inspect", paths=paths, write=write, json=json)


@app.command(epilog="Example: forewarn push logs/  (day archives below logs/2026-03-01/)")
def push(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders of robot logs.")],
    to: Annotated[str, typer.Option("--to", help="Folder in the repo logs to put them under.")] = "/",
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the pipelines.")] = True,
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """Push robot logs as one atomic commit and reprocess what depends on them.

    A folder's files keep their place below it; each place that [logs] glob names is a datum. What
    cannot be read goes to the quarantine, and the push says how much. The same files again run nothing.
    After Ctrl-C what was pushed is kept, and wait or the next push goes on. Exits 1 when a pipeline
    failed or left datums out.
    """
    run("push", "push", project=project, paths=paths, to=to, wait=wait, json=json)


quarantine = typer.Typer(
    help="What was refused, why, and that nothing was lost.", invoke_without_command=True
)
app.add_typer(quarantine, name="quarantine")

Reason = Annotated[str | None, typer.Option(help="Only this reason code.")]
Source = Annotated[str | None, typer.Option(help="Only this pushed file.")]


@quarantine.callback(epilog="Example: forewarn quarantine")
def quarantine_(context: typer.Context) -> None:
    """Show what was refused, why, and that nothing was lost; alone it lists."""
    if context.invoked_subcommand is None:
        run("quarantine", "list_", project=None, reason=None, source=None, number=20, json=False)


@quarantine.command("list", epilog="Example: forewarn quarantine list --reason truncated_gzip")
def quarantine_list(
    reason: Reason = None,
    source: Source = None,
    number: Annotated[int, typer.Option("--number", "-n", help="At most so many.", min=1)] = 20,
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """List refused members and records, and the sums of what was received."""
    run("quarantine", "list_", project=project, reason=reason, source=source, number=number, json=json)


@quarantine.command("show", epilog="Example: forewarn quarantine show 3f2a")
def quarantine_show(
    id_: Annotated[str, typer.Argument(metavar="ID", help="The id that `list` shows, or its beginning.")],
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """Show one refusal with its raw bytes."""
    run("quarantine", "show", project=project, id_=id_, json=json)


@quarantine.command("retry", epilog="Example: forewarn quarantine retry --reason type_mismatch")
def quarantine_retry(
    reason: Reason = None,
    source: Source = None,
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """Extract again what something was refused of, and say what healed.

    Meant for after forewarn.toml, or forewarn itself, learned to read it; what is accepted now goes on
    through the pipelines.
    """
    run("quarantine", "retry", project=project, reason=reason, source=source, json=json)
