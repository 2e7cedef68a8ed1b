"""Where a value stands in a JSON text, so that the quarantine keeps the very bytes that were refused."""

import json
import re
from collections.abc import Iterator
from typing import Final

from pipelines.logs.paths import keys

TOKEN: Final = re.compile(rb'[ \t\r\n]*("(?:[^"\\]|\\.)*"|[\[\]{}:,]|[^ \t\r\n\[\]{}:,"]+)', re.DOTALL)
Span = tuple[int, int]


def span_at(raw: bytes, path: str) -> Span:
    """The value at a dotted path of a valid message; of repeated keys the last. The whole where it is not."""
    whole = span = (0, len(raw))
    for key in (keys(path) or []) if path else []:
        if raw[_start(raw, span[0])] != ord("{"):
            return whole
        values = [value for name, value in _children(raw, span[0]) if name == key]
        if not values:
            return whole
        span = values[-1]
    return span


def elements(raw: bytes, span: Span) -> list[Span]:
    """The elements of the list that stands there; of any other value, the value itself."""
    if raw[_start(raw, span[0])] != ord("["):
        return [span]
    return [value for _, value in _children(raw, span[0])]


def _start(raw: bytes, at: int) -> int:
    found = TOKEN.match(raw, at)
    return found.start(1) if found else at


def _children(raw: bytes, at: int) -> Iterator[tuple[str, Span]]:
    """Key ('' in a list) and span of each value in the container that begins at `at`."""
    depth, name, begin, last, waiting = 0, "", 0, 0, False
    for token in TOKEN.finditer(raw, at):
        mark = token[1]
        if depth == 1 and not waiting and mark not in b"]},:":
            waiting, begin = True, token.start(1)
        if mark in (b"{", b"["):
            depth += 1
            if depth == 1:
                waiting = False
        elif mark in (b"}", b"]"):
            depth -= 1
            if depth == 0:
                if waiting:
                    yield name, (begin, last)
                return
        elif depth == 1 and mark == b":":
            name, waiting = json.loads(raw[begin:last]), False
        elif depth == 1 and mark == b",":
            yield name, (begin, last)
            name, waiting = "", False
        last = token.end(1)
