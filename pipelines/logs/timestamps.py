"""Times as logs write them, to int64 nanoseconds: by the declared unit, never guessed per value."""

import re
from datetime import datetime
from typing import Any, Final

import numpy as np
import pandas as pd

Refused = dict[int, tuple[str, str]]
UNIT_NS: Final = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
OFFSET: Final = re.compile(r"(?:Z|[+-]\d\d:?\d\d)$")
MISSING: Final = ("time_missing", "no time in the record")


def to_nanoseconds(
    values: list[Any], unit: str, zone: str, earliest: int, latest: int
) -> tuple[np.ndarray, Refused]:
    """Nanoseconds since the epoch (0 where refused), and row → (reason, detail) of the refused.

    `earliest` and `latest` bound plausible times, in nanoseconds, inclusive and exclusive.
    """
    found = np.zeros(len(values), np.int64)
    refused: Refused = {}
    if unit == "iso8601":
        _from_text(values, zone, found, refused)
    elif set(map(type, values)) == {int} and _fits(values, UNIT_NS[unit]):
        np.multiply(np.array(values, np.int64), UNIT_NS[unit], out=found)
    else:
        _from_numbers(values, UNIT_NS[unit], found, refused)
    for row in np.flatnonzero((found < earliest) | (found >= latest)).tolist():
        refused.setdefault(row, ("time_out_of_range", str(values[row])[:80]))
    return found, refused


def _fits(values: list[int], factor: int) -> bool:
    limit = (2**63 - 1) // factor
    return -limit <= min(values) and max(values) <= limit


def _from_numbers(values: list[Any], factor: int, found: np.ndarray, refused: Refused) -> None:
    for row, value in enumerate(values):
        if value is None:
            refused[row] = MISSING
        elif type(value) is int:
            exact = value * factor
            if abs(exact) < 2**63:
                found[row] = exact
            else:
                refused[row] = ("time_out_of_range", str(value)[:80])
        elif type(value) is float and np.isfinite(value) and abs(value) * factor < 2**63:
            whole = int(value // 1)
            found[row] = whole * factor + round((value - whole) * factor)
        else:
            refused[row] = ("time_invalid", f"{value!r}"[:80])


def _from_text(values: list[Any], zone: str, found: np.ndarray, refused: Refused) -> None:
    """ISO 8601; white space and quotes around a time are no part of it (spreadsheets add both)."""
    offset: list[int] = []
    local: list[int] = []
    for row, value in enumerate(values):
        if isinstance(value, str):
            value = values[row] = value.strip(' "')
        if value is None or value == "":
            refused[row] = MISSING
        elif isinstance(value, datetime):
            (local if value.tzinfo is None else offset).append(row)
        elif isinstance(value, str):
            (offset if OFFSET.search(value) else local).append(row)
        else:
            refused[row] = ("time_invalid", f"{value!r}"[:80])
    if local and not zone:
        refused |= {row: ("time_zone_missing", f"{values[row]!r}; declare time_zone"[:80]) for row in local}
        local = []
    for rows, tz in ((offset, None), (local, zone)):
        if rows:
            _convert(rows, values, tz, found, refused)


def _convert(
    rows: list[int], values: list[Any], zone: str | None, found: np.ndarray, refused: Refused
) -> None:
    texts = pd.Series([str(values[row]) for row in rows])
    if zone is None:
        times = pd.to_datetime(texts, format="ISO8601", utc=True, errors="coerce")
    else:
        naive = pd.to_datetime(texts, format="ISO8601", errors="coerce")
        times = naive.dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT").dt.tz_convert("UTC")
    valid = times.notna().to_numpy()
    index = np.array(rows)
    found[index[valid]] = times[valid].dt.as_unit("ns").astype("int64").to_numpy()
    refused |= {int(row): ("time_invalid", repr(values[row])[:80]) for row in index[~valid]}
