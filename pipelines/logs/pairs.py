"""Key-value pairs, each value a JSON text, as records: pairs of one message and time are one record."""

from collections.abc import Collection
from typing import Any, Final

import orjson

from pipelines.config import StreamSection

TIME: Final = None
Record = dict[str | None, Any]


def declared_keys(spec: StreamSection) -> frozenset[str]:
    """The keys a stream of pairs reads; pairs with other keys are none of its business."""
    return frozenset([field.source or name for name, field in spec.fields.items()]) | frozenset(spec.where)


def pair_records(found: Any, time: str | None, keys: Collection[str]) -> list[Record | None]:
    """Records of the declared keys, each with its time under TIME; None for what is no pair.

    A time relative to the message (`$.`) is the same for all pairs. Of a repeated key the last value counts.
    """
    own_time = None if time is None or time.startswith("$.") else time
    records: dict[Any, Record] = {}
    strange: list[Record | None] = []
    for pair in found if isinstance(found, list) else [found]:
        key = pair.get("key") if isinstance(pair, dict) else None
        if not isinstance(key, str):
            strange.append(None)
        elif key in keys:
            when = pair.get(own_time) if own_time else None
            record = records.setdefault((type(when), repr(when)), {TIME: when})
            record[key] = json_value(pair.get("value"))
    return [*records.values(), *strange]


def json_value(value: Any) -> Any:
    """What a JSON text says; a text that is no JSON is taken as the text itself."""
    if not isinstance(value, str):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value
