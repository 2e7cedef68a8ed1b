"""Failures beside the work they interrupt: time to repair, availability, missions, distance, battery."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.labels import END
from features.schema import ROBOT, TS
from reports.exposure import HOUR_NS, Exposure
from reports.series import Times, by_robot, times

_DRAWS: Final = 400
_FEWEST: Final = 5
_ENDLESS: Final = 2**62
_COLUMNS: Final = ("succeeded", "failed", "distance_m", "charge_drawn", "discharging_s", "health")

RATIOS: Final[Mapping[str, tuple[str, str, float]]] = {
    "mttr_h": ("repaired_h", "repaired", 1.0),
    "availability": ("up_h", "accounted_h", 1.0),
    "mission_success": ("succeeded", "missions", 1.0),
    "km_per_h": ("km", "driven_h", 1.0),
    "interventions_per_1000_h": ("interventions", "asked_h", 1_000.0),
    "charge_per_h": ("charge_drawn", "discharging_h", 1.0),
    "battery_health": ("health", "healths", 1.0),
}
"""Figure → what it is a ratio of, summed over robots, and its unit."""
COMPARED: Final = ("mttr_h", "availability", "mission_success", "charge_per_h")

Sums = Mapping[str, float]
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Work:
    """What one robot did. `down` and `up` are when each outage began and ended, ns; an open one has no end.

    `days` are the starts (ns) of the UTC days `counts` speaks of; a count nobody told is NaN. `watched` are
    the observed stretches; `told` says whether working and interventions are known at all.
    """

    watched: Exposure
    down: Times
    up: Times
    interventions: Times
    days: Times
    counts: Mapping[str, Numbers]
    lowest: Numbers
    told: frozenset[str]

    def sums(self, start: int = -_ENDLESS, end: int = _ENDLESS) -> dict[str, float]:
        """Everything added up within `[start, end)`; NaN where it is unknown."""
        nan = float("nan")
        watched = self.watched.within(start, end)[0] / HOUR_NS
        found = {
            "watched_h": watched,
            "driven_h": nan,
            "asked_h": nan,
            **dict.fromkeys(("outages", "open", "repaired", "repaired_h", "up_h", "accounted_h"), nan),
        }
        if "working" in self.told:
            found |= self._outages(start, end, watched)
        if "interventions" in self.told:
            inside = (self.interventions >= start) & (self.interventions < end)
            found |= {"interventions": float(inside.sum()), "asked_h": watched}
        rows = (self.days >= start) & (self.days < end)
        counted = {name: _known(column[rows]) for name, column in self.counts.items()}
        health = self.counts["health"][rows]
        health = health[np.isfinite(health)]
        return found | {
            "interventions": found.get("interventions", nan),
            "succeeded": counted["succeeded"],
            "missions": counted["succeeded"] + counted["failed"],
            "km": counted["distance_m"] / 1_000,
            "driven_h": nan if np.isnan(counted["distance_m"]) else watched,
            "charge_drawn": counted["charge_drawn"],
            "discharging_h": counted["discharging_s"] / 3_600,
            "charge_lowest": _least(self.lowest[rows]),
            "health": float(health[-1]) if len(health) else nan,
            "healths": 1.0 if len(health) else nan,
        }

    def _outages(self, start: int, end: int, watched: float) -> dict[str, float]:
        began = (self.down >= start) & (self.down < end)
        closed = began & (self.up < _ENDLESS)
        last = int(self.watched.end[-1]) if len(self.watched.end) else 0
        first, until = np.maximum(self.down, start), np.minimum(np.minimum(self.up, max(last, 0)), end)
        spans = [(a, b) for a, b in zip(first.tolist(), until.tolist(), strict=True) if b > a]
        down = sum(b - a for a, b in spans) / HOUR_NS
        seen = sum(self.watched.within(a, b)[0] for a, b in spans) / HOUR_NS
        return {
            "outages": float(began.sum()),
            "open": float(began.sum() - closed.sum()),
            "repaired": float(closed.sum()),
            "repaired_h": float((self.up[closed] - self.down[closed]).sum()) / HOUR_NS,
            "up_h": watched - seen,
            "accounted_h": watched - seen + down,
        }


def work(watched: Mapping[str, Exposure], found: pa.Table, table: pa.Table) -> dict[str, Work]:
    """Robot → its work, from the failure episodes `found` (`robot_id, ts, end`).

    `table` holds the rows of `features.operation.operation`.
    An outage lasts from an episode's start to the first working moment after its last failure; episodes
    without one between them are one outage.
    """
    rows: dict[str, list[dict[str, Any]]] = {}
    plain = table.drop_columns(["working", "interventions", "cohorts"])
    moments = {name: _moments(table.column(name)) for name in ("working", "interventions")}
    for index, row in enumerate(plain.to_pylist()):
        rows.setdefault(row[ROBOT], []).append(row | {name: of[index] for name, of in moments.items()})
    started = by_robot(found)
    ended = by_robot(found.select([ROBOT, END]).rename_columns([ROBOT, TS])) if found.num_rows else {}
    nothing = np.zeros(0, np.int64)
    return {
        name: _work(
            exposure,
            started.get(name, nothing),
            ended.get(name, nothing),
            sorted(rows.get(name, []), key=lambda row: row["day"] or ""),
        )
        for name, exposure in watched.items()
    }


def _work(exposure: Exposure, started: Times, ended: Times, rows: Sequence[Mapping[str, Any]]) -> Work:
    kept = np.isin(started, exposure.episodes)
    working, interventions = (
        np.sort(
            np.concatenate([np.zeros(0, np.int64), *(row[name] for row in rows if row[name] is not None)])
        )
        for name in ("working", "interventions")
    )
    place = np.searchsorted(working, ended[kept], side="right")
    up = np.append(working, _ENDLESS)[place]
    up, first = np.unique(up, return_index=True)
    days = np.array([np.datetime64(row["day"], "ns").astype(np.int64) for row in rows], np.int64)
    columns = {
        name: np.array([row[name] for row in rows], np.float64) for name in (*_COLUMNS, "charge_lowest")
    }
    told = {name for name in ("working", "interventions") if any(row[name] is not None for row in rows)}
    return Work(
        watched=exposure,
        down=started[kept][first],
        up=up,
        interventions=interventions.astype(np.int64),
        days=days,
        counts={name: columns[name] for name in _COLUMNS},
        lowest=columns["charge_lowest"],
        told=frozenset(told),
    )


def told(group: Iterable[Sums]) -> dict[str, Any]:
    """The figures of robots together, as the summary writes them.

    Ratios carry a 95 % interval by redrawing robots (percentiles of 400 draws), null below five robots that
    tell; a figure is null where no robot tells.
    """
    columns = _columns(list(group))
    sums = {name: _known(column) for name, column in columns.items()}
    counts = {name: sums.get(name, float("nan")) for name in ("outages", "open", "missions", "interventions")}
    return {
        **{name: None if np.isnan(count) else int(count) for name, count in counts.items()},
        "km": sums.get("km"),
        "battery_cycles": sums.get("charge_drawn"),
        "charge_lowest": _least(columns["charge_lowest"]) if columns else None,
        **{name: _ratio(columns, *of) for name, of in RATIOS.items()},
    }


def told_of_one(sums: Sums) -> dict[str, Any]:
    """The figures of one robot, of which no interval is known."""
    found = told([sums])
    return found | {name: found[name]["value"] for name in RATIOS}


def parts(group: Sequence[Sums], figure: str) -> tuple[Numbers, Numbers]:
    """Numerators and denominators of a figure, a robot each; 0 and 0 where it does not tell."""
    top, bottom, _ = RATIOS[figure]
    pair = np.array([[each[top], each[bottom]] for each in group], np.float64).reshape(-1, 2)
    pair[~np.isfinite(pair).all(axis=1)] = 0.0
    return pair[:, 0], pair[:, 1]


def _columns(group: Sequence[Sums]) -> dict[str, Numbers]:
    return {name: np.array([each[name] for each in group], np.float64) for name in group[0]} if group else {}


def _ratio(columns: Mapping[str, Numbers], top: str, bottom: str, unit: float) -> dict[str, float | None]:
    nothing: dict[str, float | None] = {"value": None, "low": None, "high": None}
    if not columns:
        return nothing
    above, below = columns[top], columns[bottom]
    known = np.isfinite(above) & np.isfinite(below)
    above, below = above[known] * unit, below[known]
    if not below.sum():
        return nothing
    value = float(above.sum() / below.sum())
    if (below > 0).sum() < _FEWEST:
        return nothing | {"value": value}
    weights = _redrawn(len(below))
    drawn, base = weights @ above, weights @ below
    low, high = np.percentile(drawn[base > 0] / base[base > 0], [2.5, 97.5])
    return {"value": value, "low": float(low), "high": float(high)}


@cache
def _redrawn(robots: int) -> Numbers:
    """How often each robot is in each of the draws."""
    generator = np.random.default_rng(robots)
    return generator.multinomial(robots, np.full(robots, 1 / robots), size=_DRAWS).astype(np.float64)


def _moments(column: pa.ChunkedArray) -> list[Times | None]:
    """Lists of timestamps as ns; None where nothing is known."""
    return [None if one.values is None else times(pa.chunked_array([one.values])) for one in column]


def _known(values: Numbers) -> float:
    """The sum of what is known; NaN when nothing is."""
    known = values[np.isfinite(values)]
    return float(known.sum()) if len(known) else float("nan")


def _least(values: Numbers) -> float:
    known = values[np.isfinite(values)]
    return float(known.min()) if len(known) else float("nan")
