"""JSON messages to Python values, exactly as the standard library reads them.

Of a repeated key the last value counts. NaN and Infinity are no JSON; they are read all the same, so that
they cost their record and not the message. orjson reads what it reads alike, and much faster.
"""

import json
import re
from typing import Any, Final

import orjson

from pipelines.logs.archives.unpack import Unreadable

BRACKETS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
LONG_NUMBER: Final = re.compile(rb"\d{19}")
BOM: Final = b"\xef\xbb\xbf"


def parse_message(raw: bytes, nesting: int) -> dict[str, Any]:
    """The message, an object.

    Raises Unreadable with not_utf8, too_deep, not_json (it does not even begin as an object), bad_json (it
    breaks off or breaks a rule) or not_an_object.
    """
    raw = raw.removeprefix(BOM)
    value = _parse(raw, nesting)
    if not isinstance(value, dict):
        raise Unreadable("not_an_object", f"the message is a {type(value).__name__}")
    return value


def _parse(raw: bytes, nesting: int) -> Any:
    if raw.count(b"[") + raw.count(b"{") > nesting and _depth(raw) > nesting:
        raise Unreadable("too_deep", f"nested deeper than {nesting}")
    if not LONG_NUMBER.search(raw):
        try:
            return orjson.loads(raw)
        except orjson.JSONDecodeError:
            pass
    try:
        return json.loads(raw.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Unreadable("not_utf8", str(error)) from error
    except (ValueError, RecursionError) as error:
        begun = raw.lstrip(b" \t\r\n")[:1] in (b"{", b"[")
        raise Unreadable("bad_json" if begun else "not_json", str(error)) from error


def _depth(raw: bytes) -> int:
    depth = deepest = 0
    for token in BRACKETS.findall(raw):
        if token in (b"[", b"{"):
            depth += 1
            deepest = max(deepest, depth)
        elif token in (b"]", b"}"):
            depth -= 1
    return deepest
