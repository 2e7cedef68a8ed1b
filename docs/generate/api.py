"""The reference of the public Python functions, from their signatures and docstrings."""

import ast
import inspect
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Any, Final

from docs.generate.note import NOTE

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
