"""Verbs about machines beyond this one: deploy to them, scale them, and what they would cost."""

from typing import Annotated

import typer

from pipelines.cli.app import Json, ProjectFolder, app, run

deploy = typer.Typer(no_args_is_help=True, help="Bring the project to a cluster.")
app.add_typer(deploy, name="deploy")
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change, change nothing.")]


@deploy.command(epilog="Example: forewarn deploy pachyderm --address grpc://pachd.example:30650 --dry-run")
def pachyderm(
    address: Annotated[str, typer.Option(help="The cluster's pachd: HOST:PORT, grpc:// or grpcs://.")],
    dry_run: DryRun = False,
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """Create or update repos, configuration and pipelines on a Pachyderm cluster; a diff comes first."""
    run("deploy", "pachyderm", project=project, address=address, dry_run=dry_run, json=json)
