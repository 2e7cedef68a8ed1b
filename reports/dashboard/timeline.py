"""A robot's streams around a moment: what was recorded, where nothing was, and the risk."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.schema import AVAILABLE_AT, CODE, CUTOFF, ROBOT, TS

POINTS: Final = 3_000
GAP_STEPS: Final = 5
_GAP: Final = "__gap_s"


def timeline(
    observations: Sequence[pa.Table],
    failures: Sequence[pa.Table],
    risk: Sequence[pa.Table],
    start: int,
    end: int,
) -> dict[str, Any]:
    """Everything within `[start, end)` (ns since the epoch) as JSON values, times in seconds.

    `streams`: column → values, null where nothing matched; `distances`: stream → signed seconds to its
    nearest record; both beside `x`. Beyond 1,500 rows each bucket of time shows its lowest and highest
    value, so a spike is never lost. `gaps` are pauses of over five usual steps: the curves break there.
    """
    table = _within(observations, TS, start, end)
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
    failed, scored = _within(failures, TS, start, end), _within(risk, CUTOFF, start, end)
    return {
        "start": start / 1e9,
        "end": end / 1e9,
        "x": x.tolist(),
        "streams": {name: _json(column) for name, column in columns.items() if not name.endswith(_GAP)},
        "distances": {
            name.removesuffix(_GAP): _json(column) for name, column in columns.items() if name.endswith(_GAP)
        },
        "gaps": [[first / 1e9, last / 1e9] for first, last in gaps],
        "failures": [
            {"at": at / 1e9, "code": code}
            for at, code in zip(_ns(failed, TS).tolist(), _list(failed, CODE), strict=True)
        ],
        "risk": {
            "x": (_ns(scored, CUTOFF) / 1e9).tolist(),
            "risk": _list(scored, "risk"),
            "alert": _list(scored, "alert"),
        },
    }


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
