"""The fleet's reliability: hours, failures, rates, time to failure, and which cohorts fail more."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa

from features.schema import CODE, ROBOT
from models.drift import adjusted
from reports.durations import nanoseconds
from reports.exposure import HOUR_NS, Exposure, exposures
from reports.inputs import ReportInputs
from reports.rates import Rate, differ, rate
from reports.series import DAY, Series, by_robot
from reports.survival import Survival, kaplan_meier
from reports.words import iso

_MOST_COHORTS: Final = 12
_MOST_POINTS: Final = 200
_WEEK: Final = 7 * DAY
_MONDAY: Final = 4 * DAY
"""1970-01-05, the first Monday of the epoch."""

Watched = Mapping[str, Exposure]


def analytics(inputs: ReportInputs, series: Series, found: pa.Table) -> dict[str, Any]:
    """The fleet, each robot, each cohort of a fact, and each day or week, as JSON values.

    `found` are the failure episodes. Rates are episodes per hour of observed operation (`reports.exposure`),
    given per 1,000 h, and hours per episode as MTBF.
    """
    watched = exposures(series, by_robot(found), nanoseconds(max(inputs.windows)))
    return {
        "fleet": _line(list(watched.values()))
        | {
            "robots": len(watched),
            "outside": found.num_rows - sum(len(each.episodes) for each in watched.values()),
            "survival": _curve(_survival(list(watched.values()))),
        },
        "robots": [{ROBOT: name} | _line([each]) for name, each in watched.items()],
        "codes": _codes(found),
        "cohorts": cohorts(watched, inputs.facts),
        "periods": _periods(watched),
    }


def cohorts(watched: Watched, facts: pa.Table) -> list[dict[str, Any]]:
    """Robots compared by each fact of 2 to 12 known values that is not unique to robots.

    `p_value` is `reports.rates.differ`, `p_adjusted` the same corrected for the number of facts compared
    (Benjamini & Hochberg 1995).
    """
    told = {row[ROBOT]: row for row in facts.to_pylist()}
    compared = []
    for fact in sorted(set(facts.column_names) - {ROBOT}):
        values = {name: _text(told.get(name, {}).get(fact)) for name in watched}
        kinds = sorted(set(values.values()))
        if 2 <= len(kinds) <= _MOST_COHORTS and len(kinds) < len(watched):
            compared.append(_compared(fact, kinds, values, watched))
    raised = adjusted([entry["p_value"] for entry in compared])
    return [entry | {"p_adjusted": float(p)} for entry, p in zip(compared, raised, strict=True)]


def _compared(fact: str, kinds: list[str], values: Mapping[str, str], watched: Watched) -> dict[str, Any]:
    groups = {kind: [each for name, each in watched.items() if values[name] == kind] for kind in kinds}
    return {
        "fact": fact,
        "groups": [
            {"value": kind, "robots": len(group)} | _line(group) | {"survival": _curve(_survival(group))}
            for kind, group in groups.items()
        ],
        "p_value": differ(
            np.array([len(each.episodes) for each in watched.values()]),
            np.array([each.hours for each in watched.values()]),
            np.array([kinds.index(values[name]) for name in watched]),
        ),
    }


def _line(group: list[Exposure]) -> dict[str, Any]:
    return as_json(
        rate(sum(len(each.episodes) for each in group), sum(each.total for each in group) / HOUR_NS)
    )


def as_json(value: Rate) -> dict[str, Any]:
    """A rate as the summary writes it: counts, episodes per 1,000 h and MTBF in hours, with intervals."""
    kilo = [None if part is None else part * 1_000 for part in (value.per_hour, value.low, value.high)]
    return {
        "episodes": value.failures,
        "hours": value.hours,
        "per_1000_h": dict(zip(("value", "low", "high"), kilo, strict=True)),
        "mtbf_h": {"value": value.mtbf, "low": value.mtbf_low, "high": value.mtbf_high},
    }


def _survival(group: list[Exposure]) -> Survival:
    parts = [each.durations() for each in group]
    hours = np.concatenate([part[0] for part in parts]) if parts else np.empty(0)
    failed = np.concatenate([part[1] for part in parts]) if parts else np.empty(0, dtype=bool)
    return kaplan_meier(hours, failed)


def _curve(curve: Survival) -> dict[str, Any]:
    """The curve, thinned to at most 200 points, its first and last kept."""
    count = len(curve.time)
    chosen = np.unique(np.linspace(0, max(count - 1, 0), min(count, _MOST_POINTS)).round().astype(int))
    low, high = curve.median_interval
    points = [
        {"hours": curve.time[i], "share": curve.share[i], "low": curve.low[i], "high": curve.high[i]}
        | {"at_risk": curve.at_risk[i]}
        for i in chosen
    ]
    return {
        "durations": curve.durations,
        "failures": curve.observed,
        "censored": curve.durations - curve.observed,
        "end_h": curve.end,
        "median_h": {"value": curve.median, "low": low, "high": high},
        "points": points,
    }


def _codes(found: pa.Table) -> list[dict[str, Any]]:
    """Episodes per failure code (of their first failure), most frequent first."""
    codes, counts = np.unique([code or "" for code in found.column(CODE).to_pylist()], return_counts=True)
    pairs = sorted(zip(codes.tolist(), counts.tolist(), strict=True), key=lambda pair: (-pair[1], pair[0]))
    return [{"code": code, "episodes": number} for code, number in pairs]


def _periods(watched: Watched) -> dict[str, Any]:
    """Rates per UTC day, or per week from Monday when the record is longer than 14 days.

    Each is half-open; a failure on the very end of the record belongs to the last.
    """
    starts = [int(each.start[0]) for each in watched.values() if len(each.start)]
    ends = [int(each.end[-1]) for each in watched.values() if len(each.end)]
    if not starts:
        return {"unit": "day", "rows": []}
    first, last = min(starts), max(*ends, min(starts) + 1)
    length, origin = (DAY, 0) if last - first <= 14 * DAY else (_WEEK, _MONDAY)
    rows = []
    for begin in range(first - (first - origin) % length, last, length):
        end = begin + length if begin + length < last else last + 1
        parts = [each.within(begin, end) for each in watched.values()]
        seen, failed = (sum(part[i] for part in parts) for i in (0, 1))
        rows.append({"start": iso(begin)} | as_json(rate(failed, seen / HOUR_NS)))
    return {"unit": "day" if length == DAY else "week", "rows": rows}


def _text(value: object) -> str:
    return "unknown" if value is None else str(value)
