"""Presets: what is known of a kind of fleet, so that a project's file says only what is its own.

`[logs] preset = "vda5050"` fills every key the file does not give; what it gives replaces the preset's, table
by table down to the single key. Lists are replaced whole.
"""

import tomllib
from importlib.resources import files
from typing import Any, Final

from features.errors import DataError

EITHER: Final = (frozenset({"anchor", "every"}), frozenset({"path", "field", "constant"}))
"""Keys of one table that exclude each other: giving one drops the preset's others."""


def presets() -> list[str]:
    """The names there are."""
    found = (path.name for path in files("pipelines.config.presets").iterdir())
    return sorted(name.removesuffix(".toml") for name in found if name.endswith(".toml"))


def filled(values: dict[str, Any]) -> dict[str, Any]:
    """The file's tables with those of its preset below them. Raises DataError for an unknown preset."""
    logs = values.get("logs")
    name = logs.get("preset") if isinstance(logs, dict) else None
    if not name:
        return values
    return merged(preset(str(name)), values)


def preset(name: str) -> dict[str, Any]:
    """A preset's tables. Raises DataError when there is none of this name."""
    if name not in presets():
        raise DataError("there is no such preset", got=name, expected=", ".join(presets()))
    text = files("pipelines.config.presets").joinpath(f"{name}.toml").read_text("utf-8")
    return tomllib.loads(text)


def merged(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    """`above` with the keys of `below` it does not give."""
    excluded = {key for group in EITHER if group & above.keys() for key in group - above.keys()}
    result = {key: value for key, value in below.items() if key not in excluded}
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result
