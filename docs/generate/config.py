"""The reference of `forewarn.toml`, from the models that read it."""

import inspect
import json
import sys
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from docs.generate.note import NOTE
from pipelines.config.file import Config
from pipelines.config.origin import plain


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
