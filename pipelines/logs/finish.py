"""A stream's checked records as its table: sorted, exact repeats once, everything counted."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.schema import RECV_TS, ROBOT, TIMESTAMP, TS
from pipelines.config import StreamSection
from pipelines.logs.columns import ARROW
from pipelines.logs.part import Part, concatenate
from pipelines.logs.quarantine import Ledger

UNIT: Final = "unit"


def finish(name: str, spec: StreamSection, parts: list[Part], ledger: Ledger) -> pa.Table:
    """Records by (robot_id, ts), and those of one time as they arrived, then as they stand in the input.

    An unknown arrival counts as the event time. Of exact repeats the last to arrive stays.
    """
    if not any(len(part) for part in parts):
        return _schema(spec).empty_table()
    part = _sorted(concatenate([part for part in parts if len(part)]))
    repeats = _repeats(part)
    for duplicate, codes in ((True, part.codes[repeats]), (False, np.delete(part.codes, repeats))):
        for code, count in enumerate(np.bincount(codes, minlength=len(part.names)).tolist()):
            if count:
                counts = {"duplicates": count} if duplicate else {"accepted": count}
                ledger.count("record", name, part.names[code], **counts)
    if len(repeats):
        part = part.take(np.delete(np.arange(len(part)), repeats))
    return _table(part, spec)


def _sorted(part: Part) -> Part:
    keys = [part.codes] if part.ts is None else [part.codes, part.ts]
    if part.ts is not None and part.recv is not None and part.known is not None:
        keys.append(np.where(part.known, part.recv, part.ts))
    falls = equal = np.ones(len(part) - 1, np.bool_)
    falls = np.zeros(len(part) - 1, np.bool_)
    for key in keys:
        falls |= equal & (key[1:] < key[:-1])
        equal = equal & (key[1:] == key[:-1])
    return part.take(np.lexsort(keys[::-1])) if falls.any() else part


def _repeats(part: Part) -> npt.NDArray[np.int64]:
    """Rows that say what a later one of the same robot and time says; arrival times are no part of it."""
    same = part.codes[1:] == part.codes[:-1]
    if part.ts is not None:
        same &= part.ts[1:] == part.ts[:-1]
    if not same.any():
        return np.zeros(0, np.int64)
    shared = np.append(same, False) | np.insert(same, 0, False)
    rows = np.flatnonzero(shared)
    some = part.take(rows)
    values: list[list[Any]] = [column.to_pylist() for column in some.columns]
    keys = zip(
        some.codes.tolist(), [0] * len(rows) if some.ts is None else some.ts.tolist(), *values, strict=True
    )
    last: dict[tuple[Any, ...], int] = {}
    repeats = []
    for row, key in zip(rows.tolist(), keys, strict=True):
        if key in last:
            repeats.append(last[key])
        last[key] = row
    return np.array(sorted(repeats), np.int64)


def _schema(spec: StreamSection) -> pa.Schema:
    fields = [pa.field(ROBOT, pa.string())]
    if spec.time is not None:
        fields.append(pa.field(TS, TIMESTAMP))
    if spec.recv is not None:
        fields.append(pa.field(RECV_TS, TIMESTAMP))
    for name, field in spec.fields.items():
        fields.append(pa.field(name, ARROW[field.type], metadata={UNIT: field.unit} if field.unit else None))
    return pa.schema(fields)


def _table(part: Part, spec: StreamSection) -> pa.Table:
    columns: list[pa.Array] = [pa.array(part.names, pa.string()).take(pa.array(part.codes))]
    if part.ts is not None:
        columns.append(pa.array(part.ts).view(TIMESTAMP))
    if part.recv is not None and part.known is not None:
        unknown = None if part.known.all() else ~part.known
        columns.append(pa.array(part.recv, mask=unknown).view(TIMESTAMP))
    return pa.table([*columns, *part.columns], _schema(spec))
