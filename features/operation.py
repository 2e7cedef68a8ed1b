"""What a robot did in a day, because failures mean little without the work they interrupted."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.contract import Int64s
from features.deduplicate import deduplicate
from features.labels import Edge, find_failures
from features.schema import ROBOT, TIMESTAMP, TS
from features.times import nanoseconds

DAY: Final = "day"
OPERATION: Final = pa.schema(
    [
        (ROBOT, pa.string()),
        (DAY, pa.string()),
        ("working", pa.list_(TIMESTAMP)),
        ("interventions", pa.list_(TIMESTAMP)),
        ("succeeded", pa.int64()),
        ("failed", pa.int64()),
        ("distance_m", pa.float64()),
        ("charge_drawn", pa.float64()),
        ("discharging_s", pa.float64()),
        ("charge_lowest", pa.float64()),
        ("health", pa.float64()),
        ("cohorts", pa.map_(pa.string(), pa.string())),
    ]
)
_DAY_NS: Final = 86_400 * 10**9
_BUCKET_NS: Final = 300 * 10**9

COUNTED: Final = ("succeeded", "failed")

Numbers = npt.NDArray[np.float64]
Streams = Mapping[str, pa.Table]
Rules = Mapping[str, Any]
Found = dict[int, dict[str, Any]]


def operation(robot: str, streams: Streams, rules: Rules, failures: pa.Table, gap: timedelta) -> pa.Table:
    """One row a UTC day (`OPERATION`) of one robot with a record of a stream that a rule names.

    `rules`, each optional: `working`, `intervention`, `succeeded` and `failed` (`stream`, `when`, `edge` as
    `features.labels.find_failures` reads them), `distance` (`stream` and either `speed` in m/s or `x` and `y`
    in m), `charge` and `health` (`stream`, `field`, and `full`, its value at 100 %), and `cohorts`
    (`stream.field`, …).

    `working`: the first moment of the day at which the rule holds, and the first after each of `failures`
    (`robot_id`, `ts`); whoever looks for the next working moment after a failure finds the true one.
    `distance_m`: |speed| by the trapezoid rule, or the way between positions. `charge_drawn`: falls between
    neighbouring 5-minute means as a share of full, `discharging_s` the time they took; `charge_lowest` and
    `health` (the last told) are shares of full. `cohorts`: the last known text of each, by
    `<stream>__<field>`. Records farther apart than `gap` tell nothing of the time
    between, and nothing is added up across midnight. Null: no rule, or no record of its stream on that day.
    Raises DataError when a stream breaks its contract or a rule does not fit it.
    """
    found: Found = {}
    for name in (*COUNTED, "intervention", "working"):
        if rule := rules.get(name):
            _moments(found, name, streams[rule["stream"]], rule, failures)
    limit = nanoseconds(gap, "gap")
    for name, measure in (("distance", _distance), ("charge", _charge), ("health", _health)):
        if rule := rules.get(name):
            times, columns = _numbers(streams[rule["stream"]], rule)
            for day, part in _days(times):
                measured = measure(times[part], [column[part] for column in columns], rule, limit)
                found.setdefault(day, {}).update(measured)
    for name in rules.get("cohorts", ()):
        _last_told(found, name, streams)
    rows = [{ROBOT: robot, DAY: str(np.datetime64(day, "D")), **found[day]} for day in sorted(found)]
    return pa.Table.from_pylist(rows, schema=OPERATION)


def _moments(found: Found, name: str, stream: pa.Table, rule: Rules, failures: pa.Table) -> None:
    """Add what happened at moments: a count of missions, or the moments themselves."""
    edge: Edge = "each" if name == "working" else rule.get("edge", "rising")
    moments = _ns(find_failures(stream, rule["when"], edge=edge))
    if name == "working":
        days = np.unique(moments // _DAY_NS) * _DAY_NS
        places = np.searchsorted(moments, np.concatenate([days, _ns(failures) + 1]))
        moments = moments[np.unique(places[places < len(moments)])]
    column = "interventions" if name == "intervention" else name
    for day in np.unique(_ns(stream) // _DAY_NS).tolist():
        first, last = np.searchsorted(moments, [day * _DAY_NS, (day + 1) * _DAY_NS]).tolist()
        own = moments[first:last]
        found.setdefault(day, {})[column] = len(own) if name in COUNTED else own.tolist()


def _last_told(found: Found, name: str, streams: Streams) -> None:
    stream, _, field = name.partition(".")
    rows = deduplicate(streams[stream]).table
    rows = rows.filter(pc.is_valid(rows.column(field)))
    for day, part in _days(_ns(rows)):
        told = rows.column(field)[part.stop - 1].as_py()
        found.setdefault(day, {}).setdefault("cohorts", {})[f"{stream}__{field}"] = str(told)


def _numbers(stream: pa.Table, rule: Rules) -> tuple[Int64s, list[Numbers]]:
    """Times in order, and the rule's columns beside them; records without a number are left out."""
    rows = deduplicate(stream).table
    names = [rule[key] for key in ("speed", "x", "y", "field") if rule.get(key)]
    columns = [rows.column(name).cast(pa.float64()).to_numpy() for name in names]
    known = np.isfinite(columns).all(axis=0)
    return _ns(rows)[known], [column[known] for column in columns]


def _days(times: Int64s) -> Iterator[tuple[int, slice]]:
    """Each UTC day (days since the epoch) and where its records lie; `times` ascend."""
    days, first = np.unique(times // _DAY_NS, return_index=True)
    ends = np.append(first, len(times))[1:]
    for day, start, end in zip(days.tolist(), first.tolist(), ends.tolist(), strict=True):
        yield day, slice(start, end)


def _ns(table: pa.Table) -> Int64s:
    return np.asarray(table.column(TS).cast(TIMESTAMP).cast(pa.int64()).to_numpy(), np.int64)


def _distance(times: Int64s, columns: list[Numbers], rule: Rules, limit: int) -> dict[str, float]:
    steps = np.diff(times)
    if rule.get("speed"):
        speed = np.abs(columns[0])
        ways = (speed[1:] + speed[:-1]) / 2 * (steps / 1e9)
    else:
        ways = np.hypot(*(np.diff(column) for column in columns))
    return {"distance_m": float(ways[steps <= limit].sum())}


def _charge(times: Int64s, columns: list[Numbers], rule: Rules, limit: int) -> dict[str, float]:
    charge = columns[0] / rule["full"]
    bucket, first = np.unique(times // _BUCKET_NS, return_index=True)
    means = np.add.reduceat(charge, first) / np.diff(np.append(first, len(charge)))
    fall = -np.diff(means)
    drawn = fall[(np.diff(bucket) * _BUCKET_NS <= max(limit, _BUCKET_NS)) & (fall > 0)]
    return {
        "charge_drawn": float(drawn.sum()),
        "discharging_s": len(drawn) * _BUCKET_NS / 1e9,
        "charge_lowest": float(charge.min()),
    }


def _health(_times: Int64s, columns: list[Numbers], rule: Rules, _limit: int) -> dict[str, float]:
    return {"health": float(columns[0][-1] / rule["full"])}
