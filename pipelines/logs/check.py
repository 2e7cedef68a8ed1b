"""From raw records to checked ones: each fits what is declared in type, time and robot id, or is refused."""

from collections.abc import Callable
from contextvars import ContextVar
from datetime import datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pipelines.config import LimitsSection
from pipelines.logs.columns import is_unicode, to_column
from pipelines.logs.part import Ints, Part
from pipelines.logs.quarantine import Ledger
from pipelines.logs.rows import Column, Rows
from pipelines.logs.scan.cells import Cells
from pipelines.logs.scan.tree import STRING
from pipelines.logs.timestamps import EPOCH, MISSING, Refused, as_list, to_nanoseconds

NOBODY: Final = -1
witness: ContextVar[Callable[[Rows, Part], None] | None] = ContextVar("witness", default=None)
"""Who wants to see raw records beside the checked ones, row by row: see `pipelines.logs.find`."""


def check(rows: Rows, limits: LimitsSection, ledger: Ledger) -> Part:
    """The records that fit, in their order; the others go to the ledger, each counted once."""
    spec = rows.spec
    names, codes = _robots(rows.robots, len(rows))
    nobody = np.flatnonzero(codes == NOBODY).tolist()
    refused: Refused = dict.fromkeys(nobody, ("robot_missing", "no robot id"))
    bounds = _instant(limits.earliest), _instant(limits.latest)
    recv = known = ts = None
    if spec.recv is not None:
        recv, bad = to_nanoseconds(rows.recv, spec.recv_unit or spec.unit, spec.time_zone, *bounds)
        known = np.ones(len(rows), np.bool_)
        known[list(bad)] = False
        refused |= {row: why for row, why in bad.items() if why != MISSING}
    if spec.time is not None:
        ts, bad = to_nanoseconds(rows.times, spec.unit, spec.time_zone, *bounds)
        if spec.pairs and recv is not None and known is not None:
            bad = _from_arrival(ts, bad, recv, known)
        refused |= bad
    columns = []
    for name, field in spec.fields.items():
        values, bad = to_column(rows.fields[name], field, name, text=rows.text)
        refused |= bad
        columns.append(values)
    part = Part(rows.places, names, codes, ts, recv, known, tuple(columns))
    if (look := witness.get()) is not None:
        look(rows, part)
    if not refused:
        return part
    for row, (reason, detail) in sorted(refused.items()):
        told = rows.origin(row)
        robot = names[codes[row]] if codes[row] != NOBODY else None
        ledger.refuse_record(rows.name, robot, reason, told, detail)
    kept = np.ones(len(rows), np.bool_)
    kept[list(refused)] = False
    return part.take(kept)


def _from_arrival(ts: Ints, bad: Refused, recv: Ints, known: npt.NDArray[np.bool_]) -> Refused:
    """Pairs without a time of their own happened when their message arrived."""
    for row in [row for row, why in bad.items() if why == MISSING and known[row]]:
        ts[row] = recv[row]
        del bad[row]
    return bad


def _instant(text: str) -> int:
    since = datetime.fromisoformat(text) - EPOCH
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000


def _robots(column: Column | str | None, rows: int) -> tuple[tuple[str, ...], Ints]:
    """Robot ids, and which of them each row has (NOBODY for none)."""
    if column is None:
        return (), np.full(rows, NOBODY)
    if isinstance(column, str):
        return (column,), np.zeros(rows, np.int64)
    if isinstance(column, Cells) and column.found == {STRING}:
        words = column.strings().dictionary_encode()
        told, codes = words.dictionary.to_pylist(), words.indices.to_numpy()
    else:
        ids = [_robot(value) for value in as_list(column)]
        told = list(dict.fromkeys(ids))
        place = {name: index for index, name in enumerate(told)}
        codes = np.array([place[name] for name in ids], np.int64)
    names = tuple(sorted({name for value in told if (name := _robot(value)) is not None}))
    code = {name: index for index, name in enumerate(names)}
    return names, np.array([code.get(_robot(value) or "", NOBODY) for value in told], np.int64)[codes]


def _robot(value: Any) -> str | None:
    """A robot id as text: numbers as they are written when whole."""
    if value is None or value == "" or isinstance(value, bool | dict | list):
        return None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = str(value)
    return text if is_unicode(text) else None
