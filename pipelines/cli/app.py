"""The application every verb registers with, the options they share, and how a verb reaches its command."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from features.errors import ForewarnError, UsageError

SECTIONS: Final = {
    "logs": "Logs",
    "risk": "Risk",
    "history": "History",
    "models": "Models",
    "dashboard": "Dashboard",
    "engine": "Engine",
    "clusters": "Clusters",
    "project": "Project and machine",
    "demo": "Try it",
}

WIDE: Final = 200
INTERRUPTED: Final = 130
OF_FILES: Final[dict[type[OSError], str]] = {
    PermissionError: "work in a folder of your own, or ask its owner"
}


class Verbs(TyperGroup):
    """Lists the verbs by what they are about: the module of `pipelines.cli` that declares them."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """One section of the help per module, in the order of SECTIONS."""
        sections: dict[str, list[tuple[str, str]]] = {name: [] for name in SECTIONS}
        for name in self.list_commands(ctx):
            command = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                sections[_section(command)].append((name, command.get_short_help_str(WIDE)))
        for name, rows in sections.items():
            if rows:
                with formatter.section(SECTIONS[name]):
                    formatter.write_dl(rows)


def _section(command: Any) -> str:
    verbs = getattr(command, "commands", None)
    declared = next(iter(verbs.values())) if verbs else command
    return str(getattr(declared.callback, "__module__", "")).rpartition(".")[2]


app = typer.Typer(
    name="forewarn",
    cls=Verbs,
    help="Warns of robot failures before they happen: push logs, read the risk report.",
    epilog=(
        "Begin with: forewarn inspect PATH. Exit codes: 0 ok, 1 failed, 2 usage, 3 bad data, 4 not found or "
        "conflict, 130 interrupted. NO_COLOR turns colours off; PACHD_ADDRESS names another pachd."
    ),
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"forewarn {version('forewarn')}")  # noqa: T201
        raise typer.Exit


Json = Annotated[bool, typer.Option("--json", help="Print one JSON value on stdout; logs go to stderr.")]
ProjectFolder = Annotated[
    Path | None,
    typer.Option("--project", "-C", help="Project folder; default: the nearest with a forewarn.toml."),
]


@app.callback()
def _options(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def run(module: str, function: str, **arguments: Any) -> None:
    """Call `function` of `pipelines.commands.<module>`, imported only now.

    ForewarnError where the system refuses a file, UsageError where compiled kernels cannot be kept.
    """
    from importlib import import_module

    from pipelines.commands.output import log_to_stderr, say

    log_to_stderr()
    try:
        getattr(import_module(f"pipelines.commands.{module}"), function)(**arguments)
    except KeyboardInterrupt:
        say("stopped; what was pushed is kept, and its jobs go on with the next push, or: forewarn wait")
        raise typer.Exit(INTERRUPTED) from None
    except OSError as error:
        if error.filename is None:
            raise
        raise ForewarnError(
            f"{error.strerror}: {error.filename}", hint=OF_FILES.get(type(error), "")
        ) from error
    except RuntimeError as error:
        if "no locator available" not in str(error):  # numba's words
            raise
        raise UsageError(
            "compiled kernels can be kept neither beside forewarn nor in the home folder",
            hint="set NUMBA_CACHE_DIR to a folder that can be written",
        ) from None
