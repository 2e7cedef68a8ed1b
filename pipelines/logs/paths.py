"""Paths into a message: relative to the record, or from the message's root.

`pose.position.x` is a key within keys, `ranges[3]` an element of a list, `errors[level=FATAL,URGENT].type`
belongs to the first element with one of these values. A key that holds such a mark stands in quotes, as in
TOML: `'bus.voltage'.mean`. `$.ts` begins at the root of the message, `@log_time` is what a recording says of
it. `a.x | b.x` is the first of the two that is there.
"""

import math
import re
from collections.abc import Callable
from typing import Any, Final

Reader = Callable[[Any, Any], Any]
Step = Callable[[Any], Any]

ROOT: Final = "$."
ENVELOPE: Final = "@"
EITHER: Final = re.compile(r"\s+\|\s+")
QUOTED: Final = re.compile(r"""'[^']+'|"[^"]+\"""")
SEGMENT: Final = re.compile(rf"(?:{QUOTED.pattern})?(?:\[[^\[\]]*\]|(?!{EITHER.pattern})[^.])*")
SUBSCRIPTED: Final = re.compile(
    rf"(?P<key>{QUOTED.pattern}|[^\[\]]+)(?P<subscripts>(?:\[(?:\d+|[^\[\]=]+=[^\[\]]*)\])+)"
)
BARE: Final = re.compile(r"""[^.\[\]'"|@$]+""")


def reader(path: str) -> Reader:
    """A function (message, record) → the value at the path, None where there is none."""
    alternatives = _alternatives(path)
    if len(alternatives) > 1:
        return _first([_reader(segments) for segments in alternatives])
    return _reader(alternatives[0])


def keys(path: str) -> list[str] | None:
    """The keys of a path that is nothing but keys within keys, without a root's `$.`; None for any other."""
    alternatives = _alternatives(path.removeprefix(ROOT))
    plain = len(alternatives) == 1 and not path.startswith(ENVELOPE)
    if not plain or any("[" in one and not QUOTED.fullmatch(one) for one in alternatives[0]):
        return None
    return [_unquoted(segment) for segment in alternatives[0]]


def below(path: str, key: str) -> str | None:
    """The path of a key of what stands at `path` ('': the record); None for a key that no path can name."""
    quotes = (
        [""] if BARE.fullmatch(key) and key == key.strip() else [mark for mark in "'\"" if mark not in key]
    )
    if not key or not quotes:
        return None
    named = f"{quotes[0]}{key}{quotes[0]}"
    return f"{path}.{named}" if path else named


def mentioned(path: str) -> set[str]:
    """Every key a path goes through, in all its alternatives, and the path itself, as a column's name."""
    segments = [segment for one in _alternatives(path) for segment in one]
    found = [(SUBSCRIPTED.fullmatch(segment), segment) for segment in segments]
    return {_unquoted(parsed["key"] if parsed else segment) for parsed, segment in found} | {path}


def _alternatives(path: str) -> list[list[str]]:
    """The segments between the dots of each alternative."""
    found: list[list[str]] = [[]]
    at = 0
    while True:
        segment = SEGMENT.match(path, at)
        found[-1].append(segment[0] if segment else "")
        at += len(found[-1][-1])
        if either := EITHER.match(path, at):
            found.append([])
            at = either.end()
        elif at < len(path):
            at += 1
        else:
            return found


def _reader(segments: list[str]) -> Reader:
    root = len(segments) > 1 and segments[0] == "$"
    if len(segments) == 1 and BARE.fullmatch(key := segments[0]):
        return lambda _message, record: record.get(key)
    steps = [_step(segment) for segment in segments[root:]]
    root |= segments[0].startswith(ENVELOPE)

    def read(message: Any, record: Any) -> Any:
        value = message if root else record
        for step in steps:
            value = step(value)
            if value is None:
                return None
        return value

    return read


def _first(readers: list[Reader]) -> Reader:
    def read(message: Any, record: Any) -> Any:
        found = (each(message, record) for each in readers)
        return next((value for value in found if value is not None), None)

    return read


def _step(segment: str) -> Step:
    """From a value to the one at a key and its subscripts; a key the data spell with brackets is one key."""
    parsed = SUBSCRIPTED.fullmatch(segment)
    if parsed is None:
        key = _unquoted(segment)
        return lambda value: value.get(key) if isinstance(value, dict) else None
    key = _unquoted(parsed["key"])
    subscripts = [_subscript(text) for text in parsed["subscripts"][1:-1].split("][")]

    def step(value: Any) -> Any:
        if not isinstance(value, dict):
            return None
        if segment in value:
            return value[segment]
        value = value.get(key)
        for subscript in subscripts:
            value = subscript(value)
        return value

    return step


def _unquoted(segment: str) -> str:
    return segment[1:-1] if QUOTED.fullmatch(segment) else segment


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
