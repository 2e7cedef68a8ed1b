"""JSON messages to Python values: fast where the text is plain, exact where it is not.

NaN and Infinity are no JSON; they are read as such so that they cost their record, not the message.
"""

import json
import re
from typing import Any, Final

import orjson

DEEP: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]')


class Refused(Exception):  # noqa: N818 - a verdict, not a failure of the program
    """The message cannot be read; `reason` is the quarantine's code."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


def parse_message(raw: bytes, nesting: int) -> dict[str, Any]:
    """The message, an object. Raises Refused with reason not_utf8, too_deep, bad_json or not_an_object."""
    value = _parse(raw, nesting)
    if not isinstance(value, dict):
        raise Refused("not_an_object", f"the message is a {type(value).__name__}")
    return value


def _parse(raw: bytes, nesting: int) -> Any:
    if raw.count(b"[") + raw.count(b"{") > nesting and _depth(raw) > nesting:
        raise Refused("too_deep", f"nested deeper than {nesting}")
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Refused("not_utf8", str(error)) from error
    except (ValueError, RecursionError) as error:
        raise Refused("bad_json", str(error)) from error


def _depth(raw: bytes) -> int:
    depth = deepest = 0
    for token in DEEP.findall(raw):
        if token in (b"[", b"{"):
            depth += 1
            deepest = max(deepest, depth)
        elif token in (b"]", b"}"):
            depth -= 1
    return deepest
