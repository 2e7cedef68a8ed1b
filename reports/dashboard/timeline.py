"""A robot's streams around a moment: what was recorded, where nothing was, and the risk."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.schema import AVAILABLE_AT, CODE, CUTOFF, RECV_TS, ROBOT, TS
from reports.dashboard.windows import Window

POINTS: Final = 3_000
RUNS: Final = 3_000
EVENTS: Final = 500
GAP_STEPS: Final = 5
_GAP: Final = "__gap_s"


def timeline(window: Window) -> dict[str, Any]:
    """Everything within a window as JSON values, times in seconds since the epoch.

    `streams`: column → values, null where nothing matched; `distances`: stream → signed seconds to its
    nearest record; both beside `x`. Beyond 1,500 rows each bucket of time shows its lowest and highest
    value, so a spike is never lost. `gaps` are pauses of over five usual steps: the curves break there, as
    that of the risk does where windows were excluded. `states`: column → runs `[start, end, text]` of texts,
    without columns of over 3,000 runs. `events` are at most 500, the last.
    """
    start, end = window.start, window.end
    table = _within(window.observations, TS, start, end)
    moments = _ns(table, TS)
    names = [
        field.name
        for field in table.schema
        if field.name not in (ROBOT, TS, AVAILABLE_AT) and _numeric(field.type)
    ]
    values = {name: _floats(table.column(name)) for name in names}
    gaps = _gaps(moments, start, end)
    x, columns = _thinned(moments, values, start, end)
    x, columns = _broken(x, columns, gaps)
    failed = _within(window.failures, TS, start, end)
    return {
        "start": start / 1e9,
        "end": end / 1e9,
        "x": x.tolist(),
        "streams": {name: _json(column) for name, column in columns.items() if not name.endswith(_GAP)},
        "distances": {
            name.removesuffix(_GAP): _json(column) for name, column in columns.items() if name.endswith(_GAP)
        },
        "states": _states(table, moments, gaps),
        "events": events(window),
        "gaps": [[first / 1e9, last / 1e9] for first, last in gaps],
        "failures": [
            {"at": at / 1e9, "code": code}
            for at, code in zip(_ns(failed, TS).tolist(), _list(failed, CODE), strict=True)
        ],
        "interventions": _interventions(window),
        "risk": _risk(_within(window.risk, CUTOFF, start, end)),
    }


def _risk(scored: pa.Table) -> dict[str, list[Any]]:
    at = _ns(scored, CUTOFF)
    risk = np.array(_list(scored, "risk"), np.float64)
    steps = np.diff(at)
    wide = np.flatnonzero(steps > GAP_STEPS * np.median(steps)) if len(steps) else np.zeros(0, np.int64)
    x, columns = _broken(at / 1e9, {"risk": risk}, [(int(at[i]), int(at[i + 1])) for i in wide])
    return {"x": x.tolist(), "risk": _json(columns["risk"])}


def _states(table: pa.Table, moments: np.ndarray, gaps: Sequence[tuple[int, int]]) -> dict[str, list[Any]]:
    found = {}
    opened = np.isin(moments, [last for _, last in gaps])
    for field in table.schema:
        if field.name == ROBOT or not pa.types.is_string(field.type):
            continue
        texts = table.column(field.name).to_pylist()
        begins = [i for i, text in enumerate(texts) if i == 0 or opened[i] or text != texts[i - 1]]
        if texts and len(begins) <= RUNS:
            ends = [*(moments[i - 1] if opened[i] else moments[i] for i in begins[1:]), moments[-1]]
            runs = zip(begins, ends, strict=True)
            found[field.name] = [
                [int(moments[i]) / 1e9, int(until) / 1e9, texts[i]]
                for i, until in runs
                if texts[i] is not None
            ]
    return found


def events(window: Window) -> list[dict[str, Any]]:
    """The last 500 events of a window in time order: `at` (s since the epoch), `stream`, `text`."""
    found = []
    for stream, tables in window.events.items():
        table = _within(tables, TS, window.start, window.end)
        told = [name for name in table.column_names if name not in (ROBOT, TS, RECV_TS)]
        rows = table.select(told).to_pylist()
        for at, row in zip(_ns(table, TS).tolist(), rows, strict=True):
            text = ", ".join(str(value) for value in row.values() if value is not None)
            found.append({"at": at / 1e9, "stream": stream, "text": text})
    return sorted(found, key=lambda event: (event["at"], event["stream"]))[-EVENTS:]


def _interventions(window: Window) -> list[float]:
    lists = [row for table in window.operation for row in table.column("interventions").to_pylist() if row]
    moments = [round(at.timestamp() * 1e9) for row in lists for at in row]
    return [at / 1e9 for at in sorted(moments) if window.start <= at < window.end]


def _within(tables: Sequence[pa.Table], column: str, start: int, end: int) -> pa.Table:
    tables = [table for table in tables if table.num_rows]
    if not tables:
        return pa.table({})
    table = pa.concat_tables(tables, promote_options="permissive").sort_by(column)
    moments = _ns(table, column)
    low, high = np.searchsorted(moments, [start, end])
    return table.slice(low, high - low)


def _ns(table: pa.Table, column: str) -> np.ndarray:
    if column not in table.column_names:
        return np.zeros(0, np.int64)
    return np.asarray(table.column(column).cast(pa.timestamp("ns", tz="UTC")).cast(pa.int64()).to_numpy())


def _list(table: pa.Table, column: str) -> list[Any]:
    return list(table.column(column).to_pylist()) if column in table.column_names else []


def _numeric(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind))


def _floats(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(pc.cast(column, pa.float64()).to_numpy(), np.float64)


def _gaps(moments: np.ndarray, start: int, end: int) -> list[tuple[int, int]]:
    if len(moments) < 2:
        return [(start, end)] if not len(moments) else []
    steps = np.diff(moments)
    limit = GAP_STEPS * max(float(np.median(steps)), 1.0)
    edges = np.concatenate(([start], moments, [end]))
    wide = np.flatnonzero(np.diff(edges) > limit)
    return [(int(edges[index]), int(edges[index + 1])) for index in wide]


def _thinned(
    moments: np.ndarray, values: Mapping[str, np.ndarray], start: int, end: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    buckets = POINTS // 2
    if len(moments) <= buckets:
        return moments / 1e9, dict(values)
    width = (end - start) / buckets
    place = np.minimum(((moments - start) / width).astype(np.int64), buckets - 1)
    used, first = np.unique(place, return_index=True)
    x = (start + (np.repeat(used, 2) + np.tile([0.25, 0.75], len(used))) * width) / 1e9
    columns = {}
    for name, column in values.items():
        low = np.minimum.reduceat(np.where(np.isnan(column), np.inf, column), first)
        high = np.maximum.reduceat(np.where(np.isnan(column), -np.inf, column), first)
        both = np.column_stack([low, high]).ravel()
        columns[name] = np.where(np.isfinite(both), both, np.nan)
    return x, columns


def _broken(
    x: np.ndarray, columns: Mapping[str, np.ndarray], gaps: Sequence[tuple[int, int]]
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    middles = np.array([(first + last) / 2e9 for first, last in gaps])
    order = np.argsort(np.concatenate([x, middles]), kind="stable")
    missing = np.full(len(middles), np.nan)
    return (
        np.concatenate([x, middles])[order],
        {name: np.concatenate([column, missing])[order] for name, column in columns.items()},
    )


def _json(column: np.ndarray) -> list[float | None]:
    return [float(f"{value:.6g}") if np.isfinite(value) else None for value in column.tolist()]
