"""Where each value of a configuration comes from: the file, or a default nobody has to write down."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal

from pydantic import BaseModel

from pipelines.config.file import Config
from pipelines.durations import format_duration


@dataclass(frozen=True)
class Setting:
    """One key of the file: its dotted name, its value as JSON knows it, and who chose it."""

    key: str
    value: Any
    origin: Literal["file", "default"]


def settings(config: Config) -> list[Setting]:
    """Every setting in force, in the order of the file's sections."""
    return list(_walk("", config, written=True))


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
