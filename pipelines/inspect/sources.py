"""Messages to sources: lists of records, records with a time of their own, and the rest of the message."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pipelines.inspect.guess import JUDGED, robot_field, times_of
from pipelines.inspect.source import DEEPEST, Record, Source, identifier, inside, leaves
from pipelines.logs.paths import keys


def message_sources(messages: Iterable[Record]) -> list[Source]:
    """Every source of JSON messages, named by its path; the message itself is one when it holds anything.

    Each message is given as a record that is all of it.
    """
    found = list(messages)
    sources: dict[str, Source] = {}
    timed = _timed_paths(found)
    for one in found:
        _visit(one.message, "", one, sources, timed, 0)
    inner = [keys(path) or [path] for path, source in sources.items() if not source.listed]
    rest = Source("message")
    for one in found:
        record = _without(one.message, inner)
        if any(True for _ in leaves(record)):
            rest.records.append(one._replace(record=record))
    if _says_more(rest):
        sources[""] = rest
    for source in sources.values():
        source.messages = len(found)
    return list(sources.values())


def _timed_paths(messages: Sequence[Record]) -> frozenset[str]:
    """Paths of the objects that have a time of their own, judged by a few messages."""
    objects: dict[str, list[Record]] = {}
    for one in messages[:: max(len(messages) // JUDGED, 1)]:
        for path, value in _objects(one.message, "", 0):
            objects.setdefault(path, []).append(Record(value, value, ""))
    return frozenset(path for path, records in objects.items() if times_of(records)[0] is not None)


def _objects(value: Any, path: str, depth: int) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        if path and depth < DEEPEST:
            yield path, value
        for at, inner in inside(value, path, depth):
            yield from _objects(inner, at, depth + 1)


def _visit(
    value: Any, path: str, one: Record, sources: dict[str, Source], timed: frozenset[str], depth: int
) -> None:
    if isinstance(value, list):
        records = [one for one in value if isinstance(one, dict)]
        if records:
            source = sources.setdefault(path, Source(identifier(path), path=path, listed=True))
            source.pairs |= all({"key", "value"} <= set(record) for record in records)
            source.records += [one._replace(record=record) for record in records]
    elif isinstance(value, dict) and depth < DEEPEST:
        if path in timed or (path in sources and not sources[path].listed):
            source = sources.setdefault(path, Source(identifier(path), path=path))
            source.records.append(one._replace(record=value))
            return
        for at, inner in inside(value, path, depth):
            _visit(inner, at, one, sources, timed, depth + 1)


def _without(message: Mapping[str, Any], paths: list[list[str]]) -> dict[str, Any]:
    """The message without what stands at these paths of keys."""
    gone: dict[str, list[list[str]]] = {}
    for first, *rest in paths:
        gone.setdefault(first, []).append(rest)
    return {
        key: _without(value, gone[key]) if key in gone else value
        for key, value in message.items()
        if key not in gone or (isinstance(value, dict) and [] not in gone[key])
    }


def _says_more(rest: Source) -> bool:
    """Whether the message's own fields are more than times and the robot's name."""
    if not rest.records:
        return False
    event, arrival = times_of(rest.records)
    known = {time.path for time in (event, arrival) if time is not None} | {robot_field(rest.records)}
    changing: dict[str, set[Any]] = {}
    for one in rest.records:
        for path, value in leaves(one.record):
            if path not in known and not isinstance(value, dict):
                changing.setdefault(path, set()).add(value)
    return any(len(values) > 1 for values in changing.values())
