"""The fleet's reliability and work: hours, failures, rates, repairs, and which cohorts differ."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.operation import DAY as DAY_OF
from features.schema import CODE, ROBOT
from models.drift import adjusted
from reports.durations import nanoseconds
from reports.exposure import HOUR_NS, Exposure, exposures
from reports.inputs import ReportInputs
from reports.rates import Rate, apart, differ, rate
from reports.series import DAY, Series, by_robot
from reports.survival import Survival, kaplan_meier
from reports.words import iso
from reports.work import COMPARED, Work, parts, told, told_of_one, work

_MOST_COHORTS: Final = 12
_MOST_POINTS: Final = 200
_WEEK: Final = 7 * DAY
_MONDAY: Final = 4 * DAY
"""1970-01-05, the first Monday of the epoch."""


def analytics(inputs: ReportInputs, series: Series, found: pa.Table) -> dict[str, Any]:
    """The fleet, each robot, each cohort, and each day or week, as JSON values.

    `found` are the failure episodes. Rates are episodes per hour of observed operation (`reports.exposure`),
    given per 1,000 h, and hours per episode as MTBF; `work` is what `reports.work` tells, null where the
    fleet has no such stream.
    """
    watched = exposures(series, by_robot(found), nanoseconds(max(inputs.windows)))
    done = work(watched, found, inputs.operation)
    whole = {name: each.sums() for name, each in done.items()}
    fleet = Robots(watched, done, whole)
    return {
        "fleet": fleet.line(list(watched))
        | {
            "robots": len(watched),
            "outside": found.num_rows - sum(len(each.episodes) for each in watched.values()),
            "survival": _curve(_survival(list(watched.values()))),
        },
        "robots": [
            {ROBOT: name} | _line([each]) | {"work": told_of_one(whole[name])}
            for name, each in watched.items()
        ],
        "codes": _codes(found),
        "cohorts": cohorts(fleet, _facts(inputs)),
        "periods": _periods(fleet),
    }


@dataclass(frozen=True, slots=True)
class Robots:
    """Every scored robot: how long it was watched, what it did, and that added up."""

    watched: Mapping[str, Exposure]
    done: Mapping[str, Work]
    whole: Mapping[str, Mapping[str, float]]

    def line(self, names: list[str]) -> dict[str, Any]:
        """Rate and work of some of them together."""
        return _line([self.watched[name] for name in names]) | {"work": told([self.whole[n] for n in names])}


def cohorts(fleet: Robots, facts: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Robots compared by each fact of 2 to 12 known values that is not unique to robots.

    `tests`: for the failure rate `reports.rates.differ`, for what else is known `reports.rates.apart`.
    `p_adjusted` is corrected for the number of tests of all facts together (Benjamini & Hochberg 1995).
    """
    names = sorted({fact for known in facts.values() for fact in known} - {ROBOT})
    compared = []
    for fact in names:
        values = {name: _text(facts.get(name, {}).get(fact)) for name in fleet.watched}
        kinds = sorted(set(values.values()))
        if 2 <= len(kinds) <= _MOST_COHORTS and len(kinds) < len(values):
            compared.append(_compared(fact, kinds, values, fleet))
    tests = [test for entry in compared for test in entry["tests"]]
    for test, raised in zip(tests, adjusted([test["p_value"] for test in tests]), strict=True):
        test["p_adjusted"] = float(raised)
    return compared


def _facts(inputs: ReportInputs) -> dict[str, dict[str, Any]]:
    """Robot → what is known of it: its facts, and the cohorts that streams told last."""
    known = {row[ROBOT]: dict(row) for row in inputs.facts.to_pylist()}
    rows = inputs.operation.select([ROBOT, DAY_OF, "cohorts"]).sort_by(DAY_OF).to_pylist()
    for row in rows:
        known.setdefault(row[ROBOT], {}).update(row["cohorts"] or ())
    return known


def _compared(fact: str, kinds: list[str], values: Mapping[str, str], fleet: Robots) -> dict[str, Any]:
    groups = {kind: [name for name in fleet.watched if values[name] == kind] for kind in kinds}
    return {
        "fact": fact,
        "groups": [
            {"value": kind, "robots": len(group)}
            | fleet.line(group)
            | {"survival": _curve(_survival([fleet.watched[name] for name in group]))}
            for kind, group in groups.items()
        ],
        "tests": _tests(np.array([kinds.index(values[name]) for name in fleet.watched]), fleet),
    }


def _tests(cohort: NDArray[np.int64], fleet: Robots) -> list[dict[str, Any]]:
    watched, whole = list(fleet.watched.values()), list(fleet.whole.values())
    episodes, hours = (
        np.array([of(each) for each in watched]) for of in (lambda e: len(e.episodes), lambda e: e.hours)
    )
    found = [{"figure": "failure_rate", "p_value": differ(episodes, hours, cohort)}]
    for figure in COMPARED:
        above, below = parts(whole, figure)
        if len(np.unique(cohort[below > 0])) > 1:
            found.append({"figure": figure, "p_value": apart(above, below, cohort)})
    return found


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


def _periods(fleet: Robots) -> dict[str, Any]:
    """Rates and work per UTC day, or per week from Monday when the record is longer than 14 days.

    Each is half-open; a failure on the very end of the record belongs to the last.
    """
    watched = fleet.watched
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
        did = told([each.sums(begin, end) for each in fleet.done.values()])
        rows.append({"start": iso(begin)} | as_json(rate(failed, seen / HOUR_NS)) | {"work": did})
    return {"unit": "day" if length == DAY else "week", "rows": rows}


def _text(value: object) -> str:
    return "unknown" if value is None else str(value)
