"""Guesses a person would make at names and values: which field is a time, in what unit, of what type."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np

from features.errors import DataError
from pipelines.config.logs import TimeUnit
from pipelines.inspect.source import Record, identifier, last_key, leaves
from pipelines.logs.paths import ENVELOPE, ROOT, keys
from pipelines.logs.recordings.message import PUBLISH_TIME
from pipelines.logs.timestamps import UNIT_NS, stamp_ns, to_nanoseconds

EARLIEST: Final = 946_684_800_000_000_000
LATEST: Final = 4_102_444_800_000_000_000
TIME_WORDS: Final = {"ts", "time", "timestamp", "stamp", "date", "datetime", "epoch", "t", "at", "when"}
ARRIVAL_WORDS: Final = {
    "recv",
    "receive",
    "received",
    "arrival",
    "arrived",
    "ingest",
    "ingested",
    "log",
    "logged",
}
ROBOT_WORDS: Final = (
    *("robot_id", "robotid", "robot", "robot_name", "amr_id", "agv_id", "serial_number", "vehicle_id"),
    *("device_id", "machine_id", "agent_id", "vehicle", "machine", "device", "serial", "unit_id", "thing_id"),
    *("dev_id", "asset_id", "asset", "robot_no", "machine_no", "vehicle_no"),
    *("roboter", "roboter_nr", "fahrzeug", "fahrzeug_nr", "maschine", "maschine_nr", "anlage", "anlage_nr"),
)
ISO: Final = re.compile(r'[\s"]*\d{4}-\d\d-\d\d[T ]\d\d:\d\d')
OFFSET: Final = re.compile(r'(Z|[+-]\d\d:?\d\d)[\s"]*$')
ENOUGH: Final = 0.9
STALE: Final = 0.3
JUDGED: Final = 400
FITTING: Final = 0.99
UNITS: Final[tuple[TimeUnit, ...]] = ("s", "ms", "us", "ns")
NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Time:
    """A field that holds times: its path (`$.`: the message's root), its unit, a zone where none is told."""

    path: str
    unit: TimeUnit
    zone: str = ""


def times_of(records: Sequence[Record]) -> tuple[Time | None, Time | None]:
    """The most likely event time and arrival time of a source; None where there is none.

    A record's own time goes before the message's, a plain name before `start_ts`, and a time that most
    records repeat comes last: it tells when something else began. What is named an arrival is no event's.
    """
    records = _few(records)
    found: list[tuple[int, Time]] = []
    own = _columns(one.record for one in records)
    root = _columns(one.message for one in records if one.message is not one.record)
    for prefix, values in (("", own), (ROOT, root)):
        for path, column in values.items():
            words = set(identifier(path).split("_"))
            if path == PUBLISH_TIME:
                continue
            time = _time(path if path.startswith(ENVELOPE) else prefix + path, column)
            if time is not None and (words & (TIME_WORDS | ARRIVAL_WORDS) or time.unit not in ("s", "ms")):
                named = identifier(last_key(path)) in TIME_WORDS
                depth = len(keys(path) or [path]) - 1
                stale = len({repr(value) for value in column}) < STALE * len(column)
                rank = 2 * bool(prefix) + depth + 4 * (not named) + 8 * stale
                found.append((rank + 100 * bool(words & ARRIVAL_WORDS), time))
    events = sorted((one for one in found if one[0] < 100), key=lambda one: one[0])
    arrivals = sorted((one for one in found if one[0] >= 100), key=lambda one: one[0])
    if not events:
        return (arrivals[0][1], None) if arrivals else (None, None)
    return events[0][1], arrivals[0][1] if arrivals else None


def _few(records: Sequence[Record]) -> Sequence[Record]:
    """Enough records to judge names and kinds of values by, from first to last."""
    return records[:: max(len(records) // JUDGED, 1)]


def _columns(records: Iterable[dict[str, Any]]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {}
    for record in records:
        for path, value in leaves(record):
            if value is not None and value != "":
                columns.setdefault(path, []).append(value)
    return columns


def _time(path: str, values: Sequence[Any]) -> Time | None:
    if isinstance(values[0], dict):
        return Time(path, "ns") if stamp_ns(values[0]) is not None else None
    if _most(values, lambda value: isinstance(value, datetime)):
        return Time(path, "iso8601", "UTC")
    if _most(values, lambda value: isinstance(value, str) and ISO.match(value)):
        told = _most(values, lambda value: isinstance(value, str) and OFFSET.search(value))
        return Time(path, "iso8601", "" if told else "UTC")
    numbers = [value for value in map(number, values) if value is not None]
    if len(numbers) < ENOUGH * len(values):
        return None
    middle = float(np.median(numbers))
    fitting = (unit for unit in UNITS if EARLIEST <= middle * UNIT_NS[unit] < LATEST)
    unit = next(fitting, None)
    return None if unit is None else Time(path, unit)


def _most(values: Sequence[Any], test: Any) -> bool:
    return sum(bool(test(value)) for value in values) >= ENOUGH * len(values)


def number(value: Any) -> int | float | None:
    """The number a value is, or that its text spells; None for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if isinstance(value, str) and NUMBER.fullmatch(value.strip()):
        return float(value) if set(value) & set(".eE") else int(value)
    return None


def type_of(values: Sequence[Any], *, text: bool) -> str:
    """`bool`, `int`, `float` or `string`: the narrowest that holds nearly all (of a text, what it spells).

    A few values may not fit: broken records are what the quarantine is for.
    """
    few = (1 - FITTING) * len(values)
    words = {value.strip().lower() for value in values if isinstance(value, str)}
    if all(isinstance(value, bool) for value in values) or (text and words and words <= {"true", "false"}):
        return "bool"
    numbers = [number(value) if text or not isinstance(value, str) else None for value in values]
    if sum(one is None for one in numbers) > few:
        flags = sum(isinstance(value, bool) for value in values)
        return "bool" if flags >= len(values) - few else "string"
    whole = all(isinstance(one, int) and abs(one) < 2**63 for one in numbers if one is not None)
    return "int" if whole else "float"


def is_time(name: str, values: Sequence[Any]) -> bool:
    """Whether a field is a time by its name and its values."""
    return bool(set(identifier(name).split("_")) & TIME_WORDS) and _time(name, values) is not None


def nanoseconds(values: Sequence[Any], time: Time) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Times of a field in nanoseconds, 0 where it holds none."""
    told = [number(value) if isinstance(value, str) and time.unit != "iso8601" else value for value in values]
    try:
        found, _ = to_nanoseconds(told, time.unit, time.zone, EARLIEST, LATEST)
    except DataError:
        return np.zeros(len(values), np.int64)
    return np.where((found < EARLIEST) | (found >= LATEST), 0, found)


def robot_field(records: Sequence[Record]) -> str | None:
    """The field that names the robot, in the record or at the message's root; None where none does."""
    records = _few(records)
    own = {identifier(path): path for one in records for path, _ in leaves(one.record)}
    root = {
        identifier(path): path
        for one in records
        if one.message is not one.record
        for path, _ in leaves(one.message)
    }
    for prefix, names in (("", own), (ROOT, root)):
        for word in ROBOT_WORDS:
            if word in names:
                return prefix + names[word]
    return None
