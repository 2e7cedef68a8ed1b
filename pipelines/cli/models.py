"""Verbs about models: what was taught, which one serves, and why a robot's risk changed."""

from typing import Annotated

import typer

from pipelines.cli.app import Json, ProjectFolder, app, run

models = typer.Typer(help="List, compare, promote and roll back models.", no_args_is_help=True)
app.add_typer(models, name="models")

Model = Annotated[str | None, typer.Argument(help="Commit of train, or master^; default: the newest.")]


@models.command("list", epilog="Example: forewarn models list --json")
def models_list(
    number: Annotated[int, typer.Option("--number", "-n", help="At most so many.", min=1)] = 20,
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """List models, newest first, with their figures and which one serves."""
    run("models", "listed", project=project, number=number, json=json)


@models.command("show", epilog="Example: forewarn models show master^")
def models_show(model: Model = None, project: ProjectFolder = None, json: Json = False) -> None:
    """Show a model's card: where it comes from, what it was taught, how it did."""
    run("models", "show", project=project, model=model, json=json)


@models.command("compare", epilog="Example: forewarn models compare master^ master")
def models_compare(
    before: Annotated[str, typer.Argument(help="Commit of train, or master^.")],
    after: Model = None,
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """Put two models side by side: figures, settings, features."""
    run("models", "compare", project=project, before=before, after=after, json=json)


@models.command("promote", epilog="Example: forewarn models promote && forewarn push logs/")
def models_promote(model: Model = None, project: ProjectFolder = None, json: Json = False) -> None:
    """Make a model the champion: a later one serves only if it is not worse on the newest time."""
    run("models", "promote", project=project, model=model, json=json)


@models.command("rollback", epilog="Example: forewarn models rollback")
def models_rollback(project: ProjectFolder = None, json: Json = False) -> None:
    """Go back to the champion before, or to none: then the newest model serves."""
    run("models", "rollback", project=project, json=json)


@app.command(epilog="Example: forewarn why amr-001 master^ master")
def why(
    robot: Annotated[str, typer.Argument(help="Robot id.")],
    before: Annotated[
        str | None, typer.Argument(help="Report's commit; default: the one before AFTER.")
    ] = None,
    after: Annotated[str | None, typer.Argument(help="Report's commit; default: the newest.")] = None,
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """Split the change of a robot's risk between two reports into data, model, code and threshold."""
    run("why", "why", project=project, robot=robot, before=before, after=after, json=json)
