"""Key-value pairs, each value a JSON text, as records: pairs of one message and time are one record."""

from collections.abc import Callable
from typing import Any, Final

import orjson

from pipelines.logs.layout import Node

NO_TIME: Final = ""


def pair_reader(node: Node, time: str | None) -> Callable[[Any], list[dict[str, Any] | None] | None]:
    """A function from a list of pairs to records keyed by `key` (values still text); None for no pair.

    A record's time is kept under the name of the time field, absent where the pairs had none.
    """
    key, value = node.attribute("key"), node.attribute("value")
    own_time = node.attribute(time) if time and not time.startswith("$.") else None
    return lambda pairs: None if pairs is None else _records(pairs, key, value, own_time, time)


def _records(
    pairs: Any, key: str, value: str, own_time: str | None, time: str | None
) -> list[dict[str, Any] | None]:
    records: dict[Any, dict[str, Any]] = {}
    strange: list[None] = []
    for pair in pairs if isinstance(pairs, list) else [pairs]:
        name = getattr(pair, key, None)
        if type(name) is not str:
            strange.append(None)
            continue
        when = getattr(pair, own_time) if own_time else None
        same = when if type(when) in (int, str) else repr(when)
        record = records.get(same)
        if record is None:
            record = records[same] = {} if when is None else {time or NO_TIME: when}
        record[name] = getattr(pair, value)
    return [*records.values(), *strange]


def json_values(values: list[Any]) -> list[Any]:
    """What the JSON texts say; a text that is no JSON is taken as the text itself."""
    try:
        return [value if value is None else orjson.loads(value) for value in values]
    except (orjson.JSONDecodeError, TypeError):
        return [_json_value(value) for value in values]


def _json_value(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value
