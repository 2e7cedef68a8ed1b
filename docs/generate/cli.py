"""The reference of the commands, from the command line itself."""

import inspect
from collections.abc import Iterator
from typing import Any

import typer.main

from docs.generate.note import NOTE
from pipelines.cli import EXIT, app
from pipelines.cli.app import SECTIONS


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
