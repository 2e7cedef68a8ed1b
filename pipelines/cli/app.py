"""The application every verb registers with, the options they share, and how a verb reaches its command."""

from pathlib import Path
from typing import Annotated, Any

import typer

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


def run(module: str, function: str, **arguments: Any) -> None:
    """Call `function` of `pipelines.commands.<module>`, imported only now."""
    from importlib import import_module

    from pipelines.commands.output import log_to_stderr

    log_to_stderr()
    getattr(import_module(f"pipelines.commands.{module}"), function)(**arguments)
