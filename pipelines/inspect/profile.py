"""What a source's records say: their fields, rhythm, gaps, and how far arrival lies behind the event."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np

from features.schema import TIMESTAMP
from pipelines.inspect.guess import Time, is_time, nanoseconds, number, robot_field, times_of, type_of
from pipelines.inspect.source import Record, Row, Source, identifier, last_key, leaves
from pipelines.logs.pairs import json_value
from pipelines.logs.paths import reader
from pipelines.logs.tables import SWAPPED

EVENT_WORDS: Final = {"error", "errors", "event", "events", "alarm", "alarms", "fault", "faults", "failure",
                      "failures", "warning", "warnings", "alert", "alerts", "incident", "incidents", "maint",
                      "maintenance"}  # fmt: skip
COMMA: Final = re.compile(r"[+-]?\d+,\d+")
MOST_STATES: Final = 12
LONGEST_STATE: Final = 24
FEW: Final = 20
SECOND: Final = 1e9
Times = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class FieldProfile:
    """A field: `present` is the share of records that hold it; `states` what a text of few values may say."""

    name: str
    path: str
    type: str
    present: float
    least: float | None
    most: float | None
    states: tuple[str, ...]


@dataclass(frozen=True)
class Profile:
    """A source as `forewarn inspect` shows it. Times are ISO 8601 UTC, durations seconds, None: unknown.

    `every_s` is the middle time between records of a robot, `gap_s` the longest; `offset_s` the middle
    arrival less event time; `out_of_order` and `duplicates` shares of the records.
    """

    source: Source
    kind: Literal["samples", "events", "facts"]
    robot: str | None
    robots: tuple[str, ...]
    time: Time | None
    recv: Time | None
    decimal: str
    first: str | None
    last: str | None
    every_s: float | None
    gap_s: float | None
    offset_s: float | None
    out_of_order: float
    duplicates: float
    fields: tuple[FieldProfile, ...]


def profile(source: Source, *, whole: bool) -> Profile:
    """Look at a source's records; with `whole` false, what lies between files and pieces is no gap."""
    event, arrival = times_of(source.records)
    robot = robot_field(source.records)
    if robot is not None and not (source.text or source.path or source.topic or robot.startswith("$.")):
        robot = f"$.{robot}"
    columns = _pairs(source, event) if source.pairs else _columns(source.records)
    decimal = "," if source.text and any(_commas(values) for values in columns.values()) else "."
    known = {time.path for time in (event, arrival) if time is not None} | {
        robot,
        (robot or "").removeprefix("$."),
    }
    fields = _fields({path: values for path, values in columns.items() if path not in known}, source, decimal)
    names = (
        [str(value) for value in _values(source.records, robot)]
        if robot
        else [one.pushed_as for one in source.records]
    )
    ts = _times(source.records, event, decimal)
    recv = _times(source.records, arrival, decimal)
    groups = (
        names
        if whole
        else [
            f"{name}\0{one.pushed_as}\0{one.piece}" for name, one in zip(names, source.records, strict=True)
        ]
    )
    steps = [np.diff(np.unique(part)) for part in _by(groups, ts)] if event else []
    between = np.concatenate(steps) if steps else np.zeros(0, np.int64)
    behind = (recv - ts)[(recv != 0) & (ts != 0)]
    seen = ts[ts != 0]
    kind = _kind(source, event)
    return Profile(
        source=source,
        kind=kind,
        robot=robot,
        robots=tuple(sorted(set(names))) if robot else (),
        time=event,
        recv=arrival,
        decimal=decimal,
        first=_iso(seen.min()) if len(seen) else None,
        last=_iso(seen.max()) if len(seen) else None,
        every_s=float(np.median(between)) / SECOND if len(between) else None,
        gap_s=float(between.max()) / SECOND if len(between) else None,
        offset_s=float(np.median(behind)) / SECOND if len(behind) else None,
        out_of_order=_share([part[1:] < part[:-1] for part in _by(groups, ts)]),
        duplicates=1 - len({repr(one.record) + name for one, name in zip(source.records, names, strict=True)})
        / max(len(source.records), 1),
        fields=fields,
    )  # fmt: skip


def _kind(source: Source, event: Time | None) -> Literal["samples", "events", "facts"]:
    if event is None:
        return "facts"
    if set(source.name.split("_")) & EVENT_WORDS:
        return "events"
    rare = source.listed and source.messages >= FEW and 2 * len(source.records) < source.messages
    return "events" if rare and not source.pairs else "samples"


def _columns(records: Sequence[Record]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {}
    for one in records:
        for path, value in leaves(one.record):
            columns.setdefault(path, []).append(value)
    return columns


def _pairs(source: Source, event: Time | None) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {}
    for one in source.records:
        if isinstance(key := one.record.get("key"), str):
            columns.setdefault(key, []).append(json_value(one.record.get("value")))
    if event is not None:
        columns.pop(event.path, None)
    return columns


def _commas(values: Sequence[Any]) -> bool:
    texts = [value for value in values if isinstance(value, str) and value]
    return bool(texts) and sum(bool(COMMA.fullmatch(value)) for value in texts) > 0.5 * len(texts)


def _fields(columns: dict[str, list[Any]], source: Source, decimal: str) -> tuple[FieldProfile, ...]:
    found: list[FieldProfile] = []
    taken: set[str] = set()
    named_whole = isinstance(source.records[0].record, Row)
    for path, raw in columns.items():
        values = [value for value in raw if value is not None and not (source.text and value == "")]
        if not values or is_time(path, values) or any(isinstance(value, dict | list) for value in values):
            continue
        if decimal == ",":
            values = [
                value.translate(SWAPPED) if isinstance(value, str) and COMMA.fullmatch(value) else value
                for value in values
            ]
        kind = type_of(values, text=source.text)
        words = {str(value) for value in values} if kind == "string" else set()
        if kind == "string" and len(words) > max(FEW, len(values) // 2):
            continue
        most = min(MOST_STATES, max(len(values) // 3, 1))
        short = len(words) <= most and all(len(word) <= LONGEST_STATE for word in words)
        numbers = [one for one in map(number, values) if one is not None] if kind in ("int", "float") else []
        name = identifier(path if named_whole else last_key(path))
        name = identifier(path) if name in taken else name
        if name in taken:
            continue
        taken.add(name)
        found.append(
            FieldProfile(
                name=name,
                path=path,
                type=kind,
                present=len(values) / max(len(source.records), 1),
                least=min(numbers, default=None),
                most=max(numbers, default=None),
                states=tuple(sorted(words)) if short else (),
            )
        )
    return tuple(found)


def _values(records: Sequence[Record], path: str) -> list[Any]:
    at = reader(path)
    return [
        one.record[path]
        if isinstance(one.record, Row) and path in one.record
        else at(one.message, one.record)
        for one in records
    ]


def _times(records: Sequence[Record], time: Time | None, decimal: str) -> Times:
    if time is None:
        return np.zeros(len(records), np.int64)
    values = _values(records, time.path)
    if decimal == ",":
        values = [value.translate(SWAPPED) if isinstance(value, str) else value for value in values]
    return nanoseconds(values, time)


def _by(groups: Sequence[str], ts: Times) -> list[Times]:
    names = np.unique(np.array(groups, dtype=object).astype(str), return_inverse=True)[1]
    return [ts[(names == code) & (ts != 0)] for code in range(names.max(initial=-1) + 1)]


def _share(flags: Sequence[np.ndarray[Any, np.dtype[np.bool_]]]) -> float:
    together = np.concatenate(flags) if flags else np.zeros(0, np.bool_)
    return float(together.mean()) if len(together) else 0.0


def _iso(ns: int) -> str:
    import pyarrow as pa

    return str(pa.scalar(int(ns), pa.int64()).cast(TIMESTAMP).as_py().isoformat(timespec="milliseconds"))
