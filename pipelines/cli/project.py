"""Verbs about the project and the machine it is on."""

from typing import Annotated

import typer

from pipelines.cli.app import Json, ProjectFolder, app, run

config = typer.Typer(help="Show and check the configuration in force.", no_args_is_help=True)
app.add_typer(config, name="config")


@config.command("show", epilog="Example: forewarn config show lookback --origin")
def config_show(
    section: Annotated[str | None, typer.Argument(help="Only this section, such as lookback.")] = None,
    origin: Annotated[bool, typer.Option("--origin", help="Also say who chose it.")] = False,
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """Print every setting in force, with --origin also who chose it."""
    run("config", "show", project=project, section=section, origin=origin, json=json)


@config.command("check", epilog="Example: forewarn config check && forewarn push logs/")
def config_check(project: ProjectFolder = None, json: Json = False) -> None:
    """Check forewarn.toml and list every mistake with its fix."""
    run("config", "check", project=project, json=json)


@app.command(epilog="Example: forewarn doctor --json")
def doctor(project: ProjectFolder = None, json: Json = False) -> None:
    """Look at this machine and say what is missing for forewarn.

    Python, packages, compiled kernels, disk, memory, the project; each finding says what to do. Exits 1
    when one of them is broken.
    """
    run("doctor", "doctor", project=project, json=json)
