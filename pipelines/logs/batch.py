"""Raw records of one stream, column by column, and their passage into a checked, sorted table."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa

from features.schema import RECV_TS, ROBOT, TIMESTAMP, TS
from pipelines.config import LimitsSection, StreamSection
from pipelines.logs.columns import ARROW, to_column
from pipelines.logs.quarantine import Ledger
from pipelines.logs.timestamps import MISSING, Refused, to_nanoseconds

NO_TIME: Final = np.iinfo(np.int64).min


@dataclass(frozen=True)
class Origin:
    """Where a record came from, for the quarantine."""

    raw: bytes
    member: str = ""
    line: int | None = None


@dataclass
class Batch:
    """Records as they were read: one list a column; `text` when values come from a table without types."""

    name: str
    spec: StreamSection
    text: bool = False
    robots: list[Any] = field(default_factory=list)
    times: list[Any] = field(default_factory=list)
    recv: list[Any] = field(default_factory=list)
    fields: dict[str, list[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.spec.fields:
            self.fields.setdefault(name, [])


def finish(batch: Batch, limits: LimitsSection, ledger: Ledger, origin: Callable[[int], Origin]) -> pa.Table:
    """The accepted records, sorted by (robot_id, ts, recv_ts, position), exact repeats once.

    Refused records go to the ledger with what `origin` tells of their row; every record is counted once.
    """
    spec, refused = batch.spec, Refused()
    robots = _robots(batch.robots)
    refused |= {row: ("robot_missing", "no robot id") for row, robot in enumerate(robots) if robot is None}
    bounds = (
        int(np.datetime64(limits.earliest.rstrip("Z"), "ns").astype(np.int64)),
        int(np.datetime64(limits.latest.rstrip("Z"), "ns").astype(np.int64)),
    )
    columns: dict[str, pa.Array] = {}
    timed = spec.kind != "facts" or spec.time is not None
    ts, bad = to_nanoseconds(batch.times, spec.unit, spec.time_zone, *bounds) if timed else (None, {})
    refused |= bad
    recv = _arrivals(batch, bounds, refused)
    for name, field_spec in spec.fields.items():
        values, bad = to_column(batch.fields[name], field_spec, name, text=batch.text)
        refused |= bad
        columns[name] = pa.array(values, ARROW[field_spec.type])
    kept = np.ones(len(robots), bool)
    kept[list(refused)] = False
    for row, (reason, detail) in sorted(refused.items()):
        told = origin(row)
        ledger.refuse(
            reason,
            told.raw,
            member=told.member,
            line=told.line,
            stream=batch.name,
            robot=robots[row],
            detail=detail,
        )
        ledger.count("record", batch.name, robots[row] or "", refused=1)
    table = _table(batch, robots, ts, recv, columns).filter(pa.array(kept))
    return _without_repeats(_sorted(table, timed=timed), batch.name, ledger)


def _robots(values: list[Any]) -> list[str | None]:
    if set(map(type, values)) == {str}:
        names = {value: _robot(value) for value in set(values)}
        return [names[value] for value in values]
    return [_robot(value) for value in values]


def _robot(value: Any) -> str | None:
    if value is None or value == "" or isinstance(value, bool | dict | list):
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _arrivals(batch: Batch, bounds: tuple[int, int], refused: Refused) -> pa.Array | None:
    spec = batch.spec
    if spec.recv is None:
        return None
    times, bad = to_nanoseconds(batch.recv, spec.recv_unit or spec.unit, spec.time_zone, *bounds)
    refused |= {row: why for row, why in bad.items() if why != MISSING}
    unknown = np.zeros(len(times), bool)
    unknown[list(bad)] = True
    return pa.array(times, pa.int64(), mask=unknown).cast(TIMESTAMP)


def _table(
    batch: Batch,
    robots: list[Any],
    ts: np.ndarray | None,
    recv: pa.Array | None,
    columns: dict[str, pa.Array],
) -> pa.Table:
    found: list[tuple[pa.Field, pa.Array]] = [(pa.field(ROBOT, pa.string()), pa.array(robots, pa.string()))]
    if ts is not None:
        found.append((pa.field(TS, TIMESTAMP), pa.array(ts).cast(TIMESTAMP)))
    if recv is not None:
        found.append((pa.field(RECV_TS, TIMESTAMP), recv))
    for name, values in columns.items():
        unit = batch.spec.fields[name].unit
        found.append((pa.field(name, values.type, metadata={"unit": unit} if unit else None), values))
    return pa.table([values for _, values in found], pa.schema([kind for kind, _ in found]))


def _sorted(table: pa.Table, *, timed: bool) -> pa.Table:
    codes = table.column(ROBOT).combine_chunks().dictionary_encode()
    ranks = np.argsort(np.argsort(np.array(codes.dictionary.to_pylist(), object)))
    keys = [np.arange(table.num_rows)]
    if timed and RECV_TS in table.column_names:
        keys.append(table.column(RECV_TS).cast(pa.int64()).fill_null(NO_TIME).to_numpy())
    if timed:
        keys.append(table.column(TS).cast(pa.int64()).to_numpy())
    if table.num_rows:
        keys.append(ranks[codes.indices.to_numpy()])
    return table.take(pa.array(np.lexsort(keys)))


def _without_repeats(table: pa.Table, stream: str, ledger: Ledger) -> pa.Table:
    """Drop records that say the same of the same robot at the same time; the first to arrive stays."""
    repeats: list[int] = []
    keys = [name for name in (ROBOT, TS) if name in table.column_names]
    values = table.select([name for name in table.column_names if name != RECV_TS])
    seen: set[tuple[Any, ...]] = set()
    last: tuple[Any, ...] = ()
    for row in _candidates(table, keys):
        record = tuple(column[row].as_py() for column in values.columns)
        if record[: len(keys)] != last:
            seen, last = set(), record[: len(keys)]
        if record in seen:
            repeats.append(row)
        seen.add(record)
    kept = np.ones(table.num_rows, bool)
    kept[repeats] = False
    robots = table.column(ROBOT).combine_chunks()
    for duplicate, rows in (
        (True, robots.take(pa.array(repeats, pa.int64()))),
        (False, robots.filter(pa.array(kept))),
    ):
        for count in rows.value_counts().to_pylist():
            number = count["counts"]
            ledger.count(
                "record",
                stream,
                count["values"],
                **({"duplicates": number} if duplicate else {"accepted": number}),
            )
    return table.filter(pa.array(kept))


def _candidates(table: pa.Table, keys: list[str]) -> list[int]:
    """Rows whose key equals a neighbour's."""
    if table.num_rows < 2:
        return []
    equal = np.ones(table.num_rows - 1, bool)
    for name in keys:
        column = table.column(name).combine_chunks()
        values = column.cast(pa.int64()) if name == TS else column.dictionary_encode().indices
        codes = values.to_numpy()
        equal &= codes[1:] == codes[:-1]
    near = np.zeros(table.num_rows, bool)
    near[1:] |= equal
    near[:-1] |= equal
    return np.flatnonzero(near).tolist()
