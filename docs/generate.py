"""Writes `docs/reference/` from the code, so that the reference cannot drift from what runs.

`make docs` runs it before the site is built; a test compares its pages with the ones committed.
"""

import ast
import inspect
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

import typer.main
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from pipelines.cli import EXIT, app
from pipelines.cli.app import SECTIONS
from pipelines.config.file import Config
from pipelines.config.origin import plain

PAGES: Final = Path(__file__).parent / "reference"
NOTE: Final = "<!-- written by docs/generate.py; change the code, then run: make docs -->\n\n"

PUBLIC: Final = {
    "Joining and looking back": (
        "features.join:nearest_join",
        "features.lookback:look_back",
        "features.lookback:LookBack",
        "features.join:grid",
        "features.events:look_back_events",
        "features.signals:look_back_signals",
        "features.deduplicate:deduplicate",
        "features.frames:nearest_join_frames",
        "features.frames:look_back_frames",
    ),
    "Failures and labels": (
        "features.labels:find_failures",
        "features.labels:episodes",
        "features.labels:failure_cutoffs",
        "features.labels:label",
    ),
    "Quality": ("features.quality:match_report", "features.quality:clock_quality"),
    "Errors": (
        "features.errors:ForewarnError",
        "features.errors:UsageError",
        "features.errors:DataError",
        "features.errors:NotFoundError",
        "features.errors:ConflictError",
    ),
}


def pages() -> dict[str, str]:
    """File name → Markdown of every generated page."""
    return {"cli.md": cli_page(), "config.md": config_page(), "api.md": api_page()}


def cli_page() -> str:
    """Every verb with its arguments, options and example."""
    group: Any = typer.main.get_command(app)
    lines = [NOTE + "# Commands\n", "Every command takes `--help` and, where it answers, `--json`.\n"]
    by_section: dict[str, list[tuple[str, Any]]] = {name: [] for name in SECTIONS}
    for name, command in _leaves("forewarn", group):
        by_section[command.callback.__module__.rpartition(".")[2]].append((name, command))
    for section, commands in by_section.items():
        if commands:
            lines.append(f"## {SECTIONS[section]}\n")
        for name, command in commands:
            lines += _command(name, command)
    lines.append("## Exit codes\n\n| code | meaning |\n|---|---|\n| 0 | ok |\n| 1 | failed |")
    told: dict[int, list[str]] = {}
    for error, code in EXIT.items():
        told.setdefault(code, []).append(inspect.getdoc(error).partition(" (")[0].rstrip("."))  # type: ignore[union-attr]
    lines += [f"| {code} | {'; '.join(words)} |" for code, words in sorted(told.items())]
    lines.append("| 10 | `report --fail-above`: a robot's risk is above the limit |\n")
    return "\n".join(lines)


def _leaves(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    for verb, below in getattr(command, "commands", {}).items():
        if hasattr(below, "commands"):
            yield from _leaves(f"{name} {verb}", below)
        else:
            yield f"{name} {verb}", below


def _command(name: str, command: Any) -> list[str]:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and not one.hidden]
    usage = " ".join(f"<{one.name}>" if one.required else f"[{one.name}]" for one in arguments)
    lines = [f"### {name}\n", f"{command.help}\n", f"```sh\n{f'{name} {usage}'.strip()}\n```\n"]
    rows = [(one.name, one.help, one) for one in arguments]
    rows += [(", ".join([*one.opts, *one.secondary_opts]), one.help, one) for one in options]
    lines += ["| | | default |", "|---|---|---|"]
    lines += [f"| `{label}` | {text or ''} | {_default(one)} |" for label, text, one in rows]
    if command.epilog:
        lines.append(f"\n{command.epilog.replace('Example: ', 'Example: `', 1)}`\n")
    return lines


def _default(parameter: Any) -> str:
    value = parameter.default
    if parameter.required or value is None or value is False or callable(value) or str(value) in ("", "."):
        return ""
    return f"`{'yes' if value is True else value}`"


def config_page() -> str:
    """Every key of `forewarn.toml`: type, default, meaning."""
    lines = [NOTE + "# forewarn.toml\n", (sys.modules["pipelines.config"].__doc__ or "").partition("\n\n")[2]]
    for name, field in Config.model_fields.items():
        lines += list(_section(name, _model(field.annotation)))
    lines.append("")
    return "\n".join(lines)


def _section(name: str, model: type[BaseModel]) -> Iterator[str]:
    if name.count(".robot") and name.startswith("streams"):
        return
    told = " ".join((inspect.getdoc(model) or name).split())
    title, _, meaning = told.partition(": ")
    yield f"\n## {title}\n\n{meaning[:1].upper()}{meaning[1:]}\n"
    yield "| key | type | default | |\n|---|---|---|---|"
    below = []
    for key, field in model.model_fields.items():
        part = _model(field.annotation)
        if part is not None:
            below.append((f"{name}.{key}", part))
        elif not field.description:
            raise ValueError(f"{title}: the key {key} has no description")
        default = field.get_default(call_default_factory=True)
        required = default is PydanticUndefined
        shown = "required" if required else "see below" if part is not None else _shown(default)
        yield f"| `{key}` | {_type(field.annotation)} | {shown} | {field.description or ''} |"
    for key, part in below:
        yield from _section(key, part)


def _model(annotation: Any) -> Any:
    for part in (annotation, *get_args(annotation)):
        if isinstance(part, type) and issubclass(part, BaseModel):
            return part
        if get_args(part) and part is not annotation and (found := _model(part)) is not None:
            return found
    return None


def _type(annotation: Any) -> str:
    """How the file spells a type."""
    parts = [part for part in get_args(annotation) if part is not type(None)]
    origin = get_origin(annotation)
    if origin is Literal:
        return "one of " + ", ".join(f"`{part}`" for part in parts)
    if origin is dict:
        return "a table per name" if _model(annotation) else "table"
    if origin is tuple:
        return f"list of {_type(parts[0])}"
    if parts:
        return _type(parts[0])
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "table"
    return {"str": "text", "timedelta": "duration"}.get(annotation.__name__, annotation.__name__)


def _shown(default: Any) -> str:
    value = plain(default)
    return "" if value in (None, "") else f"`{json.dumps(value)}`"


def api_page() -> str:
    """Signatures and docstrings of the functions meant to be used alone."""
    lines = [NOTE + "# Python API\n", "Plain functions on Arrow tables, usable without the rest.\n"]
    for title, names in PUBLIC.items():
        lines.append(f"## {title}\n")
        for name in names:
            module, _, function = name.partition(":")
            found: Callable[..., Any] = getattr(import_module(module), function)
            lines += [f"### `{module}.{function}`\n"]
            if is_dataclass(found):
                lines.append("Fields: " + ", ".join(f"`{one.name}`" for one in fields(found)) + "\n")
            elif not isinstance(found, type):
                lines.append(f"```python\n{function}{_signature(found)}\n```\n")
            lines.append(f"{inspect.getdoc(found)}\n")
    return "\n".join(lines)


def _signature(function: Callable[..., Any]) -> str:
    """The call as its source spells it."""
    (found,) = ast.parse(inspect.getsource(function)).body
    if not isinstance(found, ast.FunctionDef):
        raise TypeError(f"{function} is not a plain function")
    given = found.args
    required = len(given.args) - len(given.defaults)
    defaults = [None] * required + list(given.defaults)
    told = [_argument(*pair) for pair in zip(given.args, defaults, strict=True)]
    told += ["*"] * bool(given.kwonlyargs)
    told += [_argument(*pair) for pair in zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    returns = ast.unparse(found.returns) if found.returns else "None"
    return "(\n    " + ",\n    ".join(told) + f",\n) -> {returns}"


def _argument(argument: ast.arg, default: ast.expr | None) -> str:
    return ast.unparse(argument) + (f" = {ast.unparse(default)}" if default is not None else "")


def main() -> None:
    """Write the pages."""
    PAGES.mkdir(exist_ok=True)
    for name, text in pages().items():
        (PAGES / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
