"""Dotted paths into a message: relative to the record, or from the message's root with a leading `$.`."""

from collections.abc import Callable
from typing import Any

Reader = Callable[[Any, Any], Any]


def reader(path: str) -> Reader:
    """A function (message, record) → the value at the path, None where there is none."""
    root = path.startswith("$.")
    keys = path.removeprefix("$.").split(".") if path else []

    def read(message: Any, record: Any) -> Any:
        value = message if root else record
        for key in keys:
            if not isinstance(value, dict):
                return None
            value = value.get(key)
        return value

    if len(keys) == 1 and not root:
        key = keys[0]
        return lambda _message, record: record.get(key)
    return read
