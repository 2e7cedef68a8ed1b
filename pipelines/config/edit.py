"""Changes single keys of a `forewarn.toml` and leaves all else, comments too, as its author wrote it."""

import json
import re
from collections.abc import Mapping
from typing import Any


def edited(text: str, changes: Mapping[str, Mapping[str, Any]]) -> str:
    """The file's text with `changes` (section → key → value) made; a missing section goes to the end.

    Values are numbers, booleans, strings and lists of them. A value that spans lines is replaced whole.
    """
    for section, values in changes.items():
        for key, value in values.items():
            text = _set(text, section, key, f"{key} = {as_toml(value)}")
    return text


def fragment(changes: Mapping[str, Mapping[str, Any]]) -> str:
    """The changes as TOML to paste."""
    return "\n\n".join(
        "\n".join([f"[{section}]", *(f"{key} = {as_toml(value)}" for key, value in values.items())])
        for section, values in changes.items()
    )


def as_toml(value: Any) -> str:
    """A number, boolean, string or list as TOML; JSON's form is TOML's for these."""
    if isinstance(value, list | tuple):
        return "[" + ", ".join(as_toml(one) for one in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def _set(text: str, section: str, key: str, line: str) -> str:
    lines = text.splitlines()
    heads = [place for place, one in enumerate(lines) if re.match(r"\s*\[", one) and _is_head(one)]
    mine = [place for place in heads if lines[place].strip().startswith(f"[{section}]")]
    if not mine:
        return "\n".join([*lines, "", f"[{section}]", line]) + "\n"
    begin = mine[0] + 1
    end = next((place for place in heads if place >= begin), len(lines))
    for place in range(begin, end):
        if re.match(rf"\s*{re.escape(key)}\s*=", lines[place]):
            after = place + 1
            while after < end and _open("\n".join(lines[place:after])):
                after += 1
            return "\n".join([*lines[:place], line, *lines[after:]]) + "\n"
    return "\n".join([*lines[:begin], line, *lines[begin:]]) + "\n"


def _is_head(line: str) -> bool:
    return re.fullmatch(r"\s*\[\[?[\w.\-\"' ]+\]\]?\s*(#.*)?", line) is not None


def _open(value: str) -> bool:
    plain = re.sub(r'"[^"\n]*"|\'[^\'\n]*\'|#[^\n]*', "", value)
    return plain.count("[") > plain.count("]")
