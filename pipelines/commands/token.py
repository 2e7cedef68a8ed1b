"""`forewarn token`: who may use the dashboard and its API."""

from pathlib import Path

from pipelines.commands.output import print_json, print_table, say, say_next
from pipelines.project import Project
from reports.dashboard.tokens import Tokens


def create(*, project: Path | None, name: str, role: str, json: bool) -> None:
    """Make a token and tell its secret, once. Raises UsageError, ConflictError."""
    secret = _tokens(project).create(name, role)
    if json:
        print_json({"name": name, "role": role, "token": secret})
    else:
        print(secret)  # noqa: T201
    say("it is not shown again; from now on the dashboard asks for a token")
    say_next("send it as the header Authorization: Bearer TOKEN, or sign in on the page")


def show(*, project: Path | None, json: bool) -> None:
    """List tokens, never their secrets."""
    found = [
        {"name": token.name, "role": token.role, "created": token.created} for token in _tokens(project).all()
    ]
    if json:
        print_json(found)
        return
    print_table(["name", "role", "created"], (list(token.values()) for token in found))


def revoke(*, project: Path | None, name: str, json: bool) -> None:
    """Make a token useless at once. Raises NotFoundError."""
    _tokens(project).revoke(name)
    if json:
        print_json({"revoked": name})
    say(f"revoked {name}")


def _tokens(project: Path | None) -> Tokens:
    return Tokens(Project.find(project).token_file)
