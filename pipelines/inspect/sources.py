"""Messages to sources: lists of records, records with a time of their own, and the rest of the message."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pipelines.inspect.guess import JUDGED, robot_field, times_of
from pipelines.inspect.source import DEEPEST, Record, Source, identifier, leaves

Message = tuple[dict[str, Any], str]


def message_sources(messages: Iterable[Message]) -> list[Source]:
    """Every source of JSON messages, named by its path; the message itself is one when it holds anything."""
    found = list(messages)
    sources: dict[str, Source] = {}
    timed = _timed_paths(found)
    for message, pushed_as in found:
        _visit(message, "", message, pushed_as, sources, timed, 0)
    inner = [path for path, source in sources.items() if not source.listed]
    rest = Source("message")
    for message, pushed_as in found:
        record = _without(message, inner)
        if any(True for _ in leaves(record)):
            rest.records.append(Record(message, record, pushed_as))
    if _says_more(rest):
        sources[""] = rest
    for source in sources.values():
        source.messages = len(found)
    return list(sources.values())


def _timed_paths(messages: Sequence[Message]) -> frozenset[str]:
    """Paths of the objects that have a time of their own, judged by a few messages."""
    objects: dict[str, list[Record]] = {}
    for message, _ in messages[:: max(len(messages) // JUDGED, 1)]:
        for path, value in _objects(message, "", 0):
            objects.setdefault(path, []).append(Record(value, value, ""))
    return frozenset(path for path, records in objects.items() if times_of(records)[0] is not None)


def _objects(value: Any, path: str, depth: int) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and depth < DEEPEST:
        if path:
            yield path, value
        for key, below in value.items():
            if key and "." not in key:
                yield from _objects(below, f"{path}.{key}" if path else key, depth + 1)


def _visit(
    value: Any,
    path: str,
    message: dict[str, Any],
    pushed_as: str,
    sources: dict[str, Source],
    timed: frozenset[str],
    depth: int,
) -> None:
    if isinstance(value, list):
        records = [one for one in value if isinstance(one, dict)]
        if records:
            source = sources.setdefault(path, Source(identifier(path), path=path, listed=True))
            source.pairs |= all({"key", "value"} <= set(one) for one in records)
            source.records += [Record(message, one, pushed_as) for one in records]
    elif isinstance(value, dict) and depth < DEEPEST:
        if path in timed or (path in sources and not sources[path].listed):
            source = sources.setdefault(path, Source(identifier(path), path=path))
            source.records.append(Record(message, value, pushed_as))
            return
        for key, below in value.items():
            if key and "." not in key:
                _visit(below, f"{path}.{key}" if path else key, message, pushed_as, sources, timed, depth + 1)


def _without(message: Mapping[str, Any], paths: list[str]) -> dict[str, Any]:
    gone = {path.partition(".")[0]: path.partition(".")[2] for path in paths}
    rest: dict[str, Any] = {}
    for key, value in message.items():
        if key not in gone:
            rest[key] = value
        elif gone[key] and isinstance(value, dict):
            rest[key] = _without(
                value, [path.partition(".")[2] for path in paths if path.startswith(f"{key}.")]
            )
    return rest


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
