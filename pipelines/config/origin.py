"""Where each value of a configuration comes from: the file, its preset, or a default."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal

from pydantic import BaseModel

from pipelines.config.file import Config
from pipelines.config.preset import preset
from pipelines.durations import format_duration


@dataclass(frozen=True)
class Setting:
    """One key of the file: its dotted name, its value as JSON knows it, and who chose it."""

    key: str
    value: Any
    origin: Literal["file", "preset", "default"]


def settings(config: Config) -> list[Setting]:
    """Every setting in force, in the order of the file's sections."""
    found = list(_walk("", config, written=True))
    if config.logs.preset:
        below = Config.model_validate(preset(config.logs.preset))
        filled = {one.key: one.value for one in _walk("", below, written=True) if one.origin == "file"}
        found = [replace(one, origin="preset") if _same(one, filled) else one for one in found]
    return found


def _same(setting: Setting, filled: Mapping[str, object]) -> bool:
    return setting.key in filled and setting.value == filled[setting.key]


def _walk(prefix: str, section: BaseModel, *, written: bool) -> Iterator[Setting]:
    for name in type(section).model_fields:
        own = written and name in section.model_fields_set
        yield from _value(f"{prefix}{name}", getattr(section, name), written=own)


def _value(key: str, value: object, *, written: bool) -> Iterator[Setting]:
    if isinstance(value, BaseModel):
        yield from _walk(f"{key}.", value, written=written)
    elif isinstance(value, dict) and value and all(isinstance(part, BaseModel) for part in value.values()):
        for name, part in value.items():
            yield from _value(f"{key}.{name}", part, written=written)
    elif isinstance(value, tuple) and value and all(isinstance(part, BaseModel) for part in value):
        for place, part in enumerate(value):
            yield from _value(f"{key}[{place}]", part, written=written)
    else:
        yield Setting(key, plain(value), "file" if written else "default")


def plain(value: object) -> object:
    """A value as one writes it in the file: durations as text, tuples as lists."""
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, tuple):
        return [plain(part) for part in value]
    return value
