"""Times as logs write them, to int64 nanoseconds: by the declared unit, never guessed per value.

A stamp as ROS writes it, seconds and nanoseconds side by side, says its unit itself.
"""

from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from pipelines.logs.isotimes import EXACT, INVALID, LOCAL, iso_times
from pipelines.logs.rows import Column
from pipelines.logs.scan.cells import Cells
from pipelines.logs.scan.tree import FLOAT, INT, PADDING, STRING

Refused = dict[int, tuple[str, str]]
Ints = npt.NDArray[np.int64]
UNIT_NS: Final = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MISSING: Final = ("time_missing", "no time in the record")
STAMPS: Final = ({"sec", "nanosec"}, {"sec", "nsec"}, {"secs", "nsecs"})


def to_nanoseconds(values: Column, unit: str, zone: str, earliest: int, latest: int) -> tuple[Ints, Refused]:
    """Nanoseconds since the epoch (0 where refused), and row → (reason, detail) of the refused.

    `earliest` and `latest` bound plausible times, in nanoseconds, inclusive and exclusive. A time with a
    fraction is rounded to the nanosecond, half to even; a local time is of `zone`, and refused without one.
    """
    found = np.zeros(len(values), np.int64)
    refused: Refused = {}
    if unit == "iso8601":
        _from_text(values, zone, found, refused)
    elif not (isinstance(values, Cells) and _at_once(values, UNIT_NS[unit], found)):
        _from_numbers(as_list(values), UNIT_NS[unit], found, refused)
    for row in np.flatnonzero((found < earliest) | (found >= latest)).tolist():
        if row not in refused:
            refused[row] = ("time_out_of_range", str(value_at(values, row))[:80])
    return found, refused


def stamp_ns(value: Any) -> int | None:
    """Nanoseconds of a ROS stamp such as {"sec": 5, "nanosec": 1}; None for anything else."""
    if not isinstance(value, dict) or set(value) not in STAMPS:
        return None
    seconds, rest = value.values() if next(iter(value)).startswith("sec") else reversed(value.values())
    return seconds * UNIT_NS["s"] + rest if type(seconds) is type(rest) is int else None


def as_list(values: Column) -> list[Any]:
    """Python values of a column."""
    return values.tolist() if isinstance(values, Cells) else values


def value_at(values: Column, row: int) -> Any:
    """One Python value of a column."""
    return values.take(np.array([row])).tolist()[0] if isinstance(values, Cells) else values[row]


def _at_once(cells: Cells, factor: int, found: Ints) -> bool:
    """Convert numbers that are all whole, or all not, and within range; false leaves it to the slow way."""
    if cells.found == {INT}:
        limit = (2**63 - 1) // factor
        if -limit <= cells.values.min() and cells.values.max() <= limit:
            np.multiply(cells.values, factor, out=found)
            return True
    if cells.found == {FLOAT} and float(np.abs(cells.floats).max()) * factor < 2**62:
        whole = np.floor(cells.floats)
        np.multiply(whole.astype(np.int64), factor, out=found)
        found += np.rint((cells.floats - whole) * factor).astype(np.int64)
        return True
    return False


def _from_numbers(values: list[Any], factor: int, found: Ints, refused: Refused) -> None:
    for row, value in enumerate(values):
        exact = value * factor if type(value) is int else stamp_ns(value)
        if value is None:
            refused[row] = MISSING
        elif exact is not None:
            if abs(exact) < 2**63:
                found[row] = exact
            else:
                refused[row] = ("time_out_of_range", str(value)[:80])
        elif type(value) is float and np.isfinite(value) and abs(value) * factor < 2**62:
            whole = int(value // 1)
            found[row] = whole * factor + round((value - whole) * factor)
        else:
            refused[row] = ("time_invalid", f"{value!r}"[:80])


def _from_text(values: Column, zone: str, found: Ints, refused: Refused) -> None:
    kinds = np.full(len(found), INVALID)
    if isinstance(values, Cells) and values.found == {STRING}:
        iso_times(values.text, values.values, found, kinds)
        odd = np.flatnonzero(kinds == INVALID)
        _from_values(odd, values.take(odd).tolist(), found, kinds, refused)
    else:
        _from_values(np.arange(len(found)), as_list(values), found, kinds, refused)
    for row in np.flatnonzero(kinds == INVALID).tolist():
        if row not in refused:
            refused[row] = ("time_invalid", repr(value_at(values, row))[:80])
    local = np.flatnonzero(kinds == LOCAL)
    if len(local) and not zone:
        for row in local.tolist():
            refused[row] = ("time_zone_missing", f"{value_at(values, row)!r}; declare time_zone"[:80])
    elif len(local) and zone != "UTC":
        _localize(local, zone, found, refused)


def _from_values(places: Ints, values: list[Any], found: Ints, kinds: Ints, refused: Refused) -> None:
    """Strings (without the white space and quotes spreadsheets put around them) and datetimes."""
    rows, texts = [], []
    for row, value in zip(places.tolist(), values, strict=True):
        if isinstance(value, str):
            value = value.strip(' "')
        if value is None or value == "":
            refused[row] = MISSING
        elif isinstance(value, str):
            rows.append(row)
            texts.append(value if value.isascii() else "?")
        elif (stamp := stamp_ns(value)) is not None and abs(stamp) < 2**63:
            kinds[row], found[row] = EXACT, stamp
        elif isinstance(value, datetime):
            kinds[row] = LOCAL if value.tzinfo is None else EXACT
            since = (value if value.tzinfo else value.replace(tzinfo=UTC)) - EPOCH
            found[row] = ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 1_000
    sizes = np.fromiter(map(len, texts), np.int64, len(texts))
    text = np.frombuffer("".join(texts).encode() + bytes(PADDING), np.uint8)
    some, kind = np.zeros((2, len(texts)), np.int64)
    iso_times(text, (np.cumsum(sizes) - sizes) << 32 | sizes, some, kind)
    found[rows], kinds[rows] = some, kind


def _localize(rows: Ints, zone: str, found: Ints, refused: Refused) -> None:
    """Local times of a zone to UTC; those a clock change repeats or leaves out are refused."""
    import pandas as pd

    local = pd.DatetimeIndex(found[rows].view("M8[ns]"))
    times = local.tz_localize(zone, ambiguous="NaT", nonexistent="NaT").tz_convert("UTC")
    valid = np.asarray(times.notna())
    found[rows[valid]] = times[valid].as_unit("ns").asi8
    for row, when in zip(rows[~valid].tolist(), local[~valid], strict=True):
        refused[row] = ("time_ambiguous", f"{when} in {zone}")
