"""Verbs about the dashboard: who may use it, alerts, what people say about them."""

from typing import Annotated

import typer

from pipelines.cli.app import Json, ProjectFolder, app, run

token = typer.Typer(help="Say who may use the dashboard and its API.", no_args_is_help=True)
app.add_typer(token, name="token")


@token.command("create", epilog="Example: forewarn token create ana --role operator")
def token_create(
    name: Annotated[str, typer.Argument(help="Whose token it is.")],
    role: Annotated[str, typer.Option(help="viewer, operator or admin.")] = "viewer",
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """Make a token; its secret is shown once and kept only as a hash."""
    run("token", "create", project=project, name=name, role=role, json=json)


@token.command("list", epilog="Example: forewarn token list --json")
def token_list(project: ProjectFolder = None, json: Json = False) -> None:
    """List tokens with their roles."""
    run("token", "show", project=project, json=json)


@token.command("revoke", epilog="Example: forewarn token revoke ana")
def token_revoke(
    name: Annotated[str, typer.Argument(help="Whose token it is.")],
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """Make a token useless at once."""
    run("token", "revoke", project=project, name=name, json=json)


alert = typer.Typer(help="Alerts: look now, list what stands, try the receivers.", no_args_is_help=True)
app.add_typer(alert, name="alert")


@alert.command("check", epilog="Example: forewarn alert check --json")
def alert_check(project: ProjectFolder = None, json: Json = False) -> None:
    """Apply the rules to what is new and deliver; `forewarn up` does so by itself."""
    run("alert", "check", project=project, json=json)


@alert.command("list", epilog="Example: forewarn alert list --state open")
def alert_list(
    state: Annotated[str, typer.Option(help="open, resolved or all.")] = "all",
    number: Annotated[int, typer.Option("--number", "-n", min=1, help="At most so many.")] = 50,
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """List alerts, newest first."""
    run("alert", "show", project=project, state=state, number=number, json=json)


@alert.command("test", epilog="Example: forewarn alert test ops")
def alert_test(
    receiver: Annotated[str | None, typer.Argument(help="One receiver; default: every one.")] = None,
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """Send the receivers a test, once; fails when one is not reached."""
    run("alert", "test", project=project, receiver=receiver, json=json)


@app.command(epilog="Example: forewarn feedback amr-009 --at 2026-03-02T02:11:00Z --action repaired")
def feedback(
    robot: Annotated[str, typer.Argument(help="Robot whose alert it is.")],
    action: Annotated[
        str, typer.Option(help="acknowledge, assign, true, 'false alarm', repaired, resolve or reopen.")
    ] = "acknowledge",
    at: Annotated[
        str | None, typer.Option(help="The alert's cut-off; default: the robot's peak in the newest report.")
    ] = None,
    to: Annotated[str, typer.Option(help="Who the alert is assigned to.")] = "",
    note: Annotated[str, typer.Option(help="What to remember.")] = "",
    project: ProjectFolder = None,
    json: Json = False,
) -> None:
    """Say what became of an alert; kept in the versioned repo feedback."""
    run(
        "feedback",
        "feedback",
        project=project,
        robot=robot,
        at=at,
        action=action,
        to=to,
        note=note,
        json=json,
    )
