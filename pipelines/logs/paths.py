"""Paths into a message: relative to the record, or from the message's root.

`pose.position.x` is a key within keys, `ranges[3]` an element of a list, `errors[level=FATAL,URGENT].type`
belongs to the first element with one of these values. `$.ts` begins at the root of the message, `@log_time`
is what a recording says of it. `a.x | b.x` is the first of the two that is there.
"""

import math
import re
from collections.abc import Callable
from typing import Any, Final

Reader = Callable[[Any, Any], Any]
Step = Callable[[Any], Any]

EITHER: Final = " | "
ENVELOPE: Final = "@"
DOT: Final = re.compile(r"\.(?![^\[\]]*\])")
SUBSCRIPTED: Final = re.compile(r"(?P<key>[^\[\]]+)(?P<subscripts>(?:\[(?:\d+|[^\[\]=]+=[^\[\]]*)\])+)")


def reader(path: str) -> Reader:
    """A function (message, record) → the value at the path, None where there is none."""
    if EITHER in path:
        return _first([reader(one.strip()) for one in path.split(EITHER)])
    if is_plain(path) and "." not in path:
        return lambda _message, record: record.get(path)
    root = path.startswith(("$.", ENVELOPE))
    steps = [_step(segment) for segment in DOT.split(path.removeprefix("$."))]

    def read(message: Any, record: Any) -> Any:
        value = message if root else record
        for step in steps:
            value = step(value)
            if value is None:
                return None
        return value

    return read


def is_plain(path: str) -> bool:
    """Whether a path is nothing but keys within keys."""
    return EITHER not in path and "[" not in path and not path.startswith(ENVELOPE)


def _first(readers: list[Reader]) -> Reader:
    def read(message: Any, record: Any) -> Any:
        found = (each(message, record) for each in readers)
        return next((value for value in found if value is not None), None)

    return read


def _step(segment: str) -> Step:
    """From a value to the one at a key and its subscripts; a key the data spell with brackets is one key."""
    parsed = SUBSCRIPTED.fullmatch(segment)
    if parsed is None:
        return lambda value: value.get(segment) if isinstance(value, dict) else None
    subscripts = [_subscript(text) for text in parsed["subscripts"][1:-1].split("][")]

    def step(value: Any) -> Any:
        if not isinstance(value, dict):
            return None
        if segment in value:
            return value[segment]
        value = value.get(parsed["key"])
        for subscript in subscripts:
            value = subscript(value)
        return value

    return step


def _subscript(text: str) -> Step:
    if text.isdigit():
        place = int(text)
        return lambda value: _element(value, place)
    key, _, values = text.partition("=")
    at, wanted = reader(key), values.split(",")

    def first(value: Any) -> Any:
        items = value if isinstance(value, list) else []
        return next(
            (item for item in items if isinstance(item, dict) and _word(at(item, item)) in wanted), None
        )

    return first


def _element(value: Any, place: int) -> Any:
    """An element of a list, or of a recording's array of numbers, where NaN says that there is none."""
    if isinstance(value, list):
        return value[place] if place < len(value) else None
    if not hasattr(value, "dtype") or place >= len(value):
        return None
    number = value[place].item()
    return None if isinstance(number, float) and math.isnan(number) else number


def _word(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
