"""Which robot to look at first: calibrated risk per robot, its state, and the reasons in plain words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pyarrow as pa

from features.schema import CODE, CUTOFF, ROBOT
from reports import words
from reports.durations import nanoseconds
from reports.inputs import ReportInputs
from reports.series import DAY, HOUR, Flags, Series, Times, Trend, by_robot, times

ALERT: Final = "alert"
ALERTED: Final = "alerted"
CALM: Final = "calm"
FAILED: Final = "failed"
SILENT: Final = "silent"
CANNOT: Final = "cannot score"

_NONE: Final = np.empty(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Robot:
    """A robot's line in the report. Times in ns since the epoch, risks are probabilities.

    `risk` is what it is ranked by: `risk_day`, the mean over the last 24 h of its data, or `risk_now`, at its
    latest cut-off. `risk_peak` is the highest in the same 24 h, `risk_before` the mean of the 24 h before.
    `alerts_day` counts alerts in the 24 h, outside the refractory period. `trend` holds the highest risk of
    each bin of the report's trend, `failed` the bins in which an episode began. `similar` are the nearest
    earlier failures to what it was like at `reasons_at`; `alert_since` is when its risk last rose to the
    threshold, None when it is below. `rank` and the risks are None
    where the robot cannot be scored; `why` is the state in words.
    """

    robot_id: str
    rank: int | None
    status: str
    why: str
    risk: float | None = None
    risk_now: float | None = None
    risk_day: float | None = None
    risk_before: float | None = None
    risk_peak: float | None = None
    peak_at: int | None = None
    last_cutoff: int | None = None
    alerts_day: int = 0
    episodes: int = 0
    last_failure: int | None = None
    reasons: tuple[Mapping[str, Any], ...] = ()
    reasons_at: int | None = None
    similar: tuple[Mapping[str, Any], ...] = ()
    unlike_anything_seen: bool = False
    alert_since: int | None = None
    trend: tuple[float | None, ...] = ()
    failed: tuple[int, ...] = ()

    @property
    def told(self) -> str | None:
        """The reasons on one line, strongest first; None without any."""
        return " | ".join(str(reason["words"]) for reason in self.reasons) or None


def rank(inputs: ReportInputs, series: Series, trend: Trend, found: pa.Table) -> list[Robot]:
    """Every robot anything is known of: the scored by falling risk (then by id), then the others by id.

    `found` are the failure episodes (`robot_id`, `ts`).
    """
    started, failed = by_robot(found), by_robot(inputs.failures)
    window = nanoseconds(max(inputs.windows))
    reasons = _reasons(inputs.reasons)
    cases = _cases(inputs.similar)
    by, most = inputs.settings["report"]["rank_by"], inputs.settings["report"]["reasons"]
    refractory = nanoseconds(inputs.duration("report", "refractory"))
    scored = [
        _scored(
            series,
            index,
            trend,
            started.get(name, _NONE),
            reasons.get(name, {}),
            cases.get(name, {}),
            by=by,
            most=most,
            refractory=refractory,
            failed_within=bool((failed.get(name, _NONE) >= series.as_of - window).any()),
            missing=inputs.missing.robot(name),
        )
        for index, name in enumerate(series.robots)
    ]
    scored.sort(key=lambda robot: (-(robot.risk or 0.0), robot.robot_id))
    ranked = [replace(robot, rank=place) for place, robot in enumerate(scored, start=1)]
    return ranked + _unscored(inputs, series, started)


def _scored(
    series: Series,
    index: int,
    trend: Trend,
    started: Times,
    reasons: Mapping[int, list[dict[str, Any]]],
    cases: Mapping[int, list[dict[str, Any]]],
    *,
    by: str,
    most: int,
    refractory: int,
    failed_within: bool,
    missing: Sequence[tuple[str, str]],
) -> Robot:
    rows = series.rows(index)
    cutoff, risk, alert = series.cutoff[rows], series.risk[rows], series.alert[rows]
    last = int(cutoff[-1])
    day = cutoff > last - DAY
    before = (cutoff > last - 2 * DAY) & ~day
    peak = int(np.argmax(risk[day]))
    alerts = int((series.raised(index, refractory) > last - DAY).sum())
    status, why = _state(series, last, alerts, hot=bool(alert[-1]), failed=failed_within)
    if missing and missing[0][1] >= str(words.iso(last))[:10]:
        status, why = SILENT, f"not up to date: {_given_up(missing)}"
    elif missing:
        why = f"{why}; {_given_up(missing)}"
    mean = float(risk[day].mean())
    shown_at = _shown(reasons, cutoff, risk, last, by)
    like = cases.get(shown_at or 0, []) if shown_at is not None else cases.get(last, [])
    place = np.unique(trend.place(started))
    return Robot(
        robot_id=series.robots[index],
        rank=None,
        status=status,
        why=why,
        risk=mean if by == "day" else float(risk[-1]),
        risk_now=float(risk[-1]),
        risk_day=mean,
        risk_before=float(risk[before].mean()) if before.any() else None,
        risk_peak=float(risk[day][peak]),
        peak_at=int(cutoff[day][peak]),
        last_cutoff=last,
        alerts_day=alerts,
        episodes=len(started),
        last_failure=int(started[-1]) if len(started) else None,
        reasons=tuple(reasons[shown_at][:most]) if shown_at is not None else (),
        reasons_at=shown_at,
        similar=tuple(like),
        unlike_anything_seen=bool(like) and all(case["unlike_anything_seen"] for case in like),
        alert_since=_since(cutoff, alert),
        trend=tuple(trend.peaks(cutoff, risk)),
        failed=tuple(int(bin_) for bin_ in place if 0 <= bin_ < trend.bins),
    )


def _state(series: Series, last: int, alerts: int, *, hot: bool, failed: bool) -> tuple[str, str]:
    """The state, and the state in words.

    A robot whose latest cut-off lies an hour, or ten usual steps, behind the fleet's has `failed` when the
    longest window before the newest cut-off holds a failure of it, which excludes its windows; else it is
    `silent`.
    """
    behind = series.as_of - last
    if behind > max(HOUR, 10 * series.step):
        if failed:
            return FAILED, f"not scored for {words.span(behind / 1e9)}: its windows hold a failure"
        was = "above" if hot else "below"
        return SILENT, f"no data for {words.span(behind / 1e9)}; was {was} the alert threshold"
    if hot:
        return ALERT, "above the alert threshold now"
    if alerts:
        return ALERTED, f"{words.plural(alerts, 'alert')} in the last 24 h, below the threshold now"
    return CALM, "below the alert threshold for 24 h"


def _given_up(missing: Sequence[tuple[str, str]]) -> str:
    """Which step failed on the newest day of a robot that is missing."""
    step, day = missing[0]
    return f"step {step} failed on its data" + (f" of {day}" if day != "all" else "")


def _since(cutoff: Times, alert: Flags) -> int | None:
    """When the run of hot cut-offs that lasts to the end began."""
    if not alert[-1]:
        return None
    calm = np.flatnonzero(~alert)
    return int(cutoff[calm[-1] + 1 if len(calm) else 0])


def _shown(
    reasons: Mapping[int, list[dict[str, Any]]], cutoff: Times, risk: np.ndarray, last: int, by: str
) -> int | None:
    """The cut-off whose reasons speak for the robot: the latest, or the riskiest of the last 24 h."""
    told = [moment for moment in reasons if last - DAY < moment <= last]
    if not told:
        return None
    if by == "now":
        return max(told)
    at = dict(zip(cutoff[np.isin(cutoff, told)].tolist(), risk[np.isin(cutoff, told)].tolist(), strict=False))
    return max(told, key=lambda moment: (at.get(moment, 0.0), -moment))


def _reasons(table: pa.Table) -> dict[str, dict[int, list[dict[str, Any]]]]:
    """Robot → cut-off → its reasons, strongest first."""
    found: dict[str, dict[int, list[dict[str, Any]]]] = {}
    moments = times(table.column(CUTOFF)).tolist()
    kept = ("feature", "value", "usual", "unit", "contribution", "words")
    entries = table.select([ROBOT, "rank", *kept]).to_pylist()
    for moment, entry in sorted(zip(moments, entries, strict=True), key=lambda pair: pair[1]["rank"]):
        found.setdefault(entry[ROBOT], {}).setdefault(moment, []).append({key: entry[key] for key in kept})
    return found


def _cases(table: pa.Table) -> dict[str, dict[int, list[dict[str, Any]]]]:
    """Robot → cut-off → the failures nearest to it; `ahead_s` is from that case to its failure."""
    found: dict[str, dict[int, list[dict[str, Any]]]] = {}
    at, case, failure = (times(table.column(name)) for name in (CUTOFF, "case_cutoff", "case_failure"))
    kept = ("case_robot_id", CODE, "distance", "unlike_anything_seen")
    for row, entry in enumerate(table.select([ROBOT, "rank", *kept]).to_pylist()):
        cases = found.setdefault(entry[ROBOT], {}).setdefault(int(at[row]), [])
        told = {"failed_at": words.iso(int(failure[row])), "ahead_s": int(failure[row] - case[row]) / 1e9}
        cases.append({name: entry[name] for name in ("rank", *kept)} | told)
    for cases_of in found.values():
        for cases in cases_of.values():
            cases.sort(key=lambda entry: entry["rank"])
    return found


def _names(inputs: ReportInputs) -> Iterable[str]:
    for table in (inputs.risk, inputs.failures, inputs.accounting, inputs.join_quality, inputs.facts):
        yield from (name for name in table.column(ROBOT).unique().to_pylist() if name)


def _unscored(inputs: ReportInputs, series: Series, started: Mapping[str, Times]) -> list[Robot]:
    anchors = _sums(inputs.join_quality, "anchors")
    accepted, refused = (_sums(inputs.accounting, name) for name in ("accepted", "quarantined"))

    def why_not(name: str) -> str:
        if lost := inputs.missing.robot(name):
            return _given_up(lost)
        if not inputs.card:
            return "there is no model yet"
        if name in series.unscored:
            return "the model gave no number"
        if anchors.get(name):
            return "observations, but every window before a cut-off was excluded"
        if accepted.get(name):
            return "records, but no observation could be made of them"
        if refused.get(name) == 1:
            return "its only record is in quarantine"
        if refused.get(name):
            return f"all of its {words.count(refused[name])} records are in quarantine"
        return "no records"

    return [
        Robot(
            robot_id=name,
            rank=None,
            status=CANNOT,
            why=why_not(name),
            episodes=len(started.get(name, ())),
            last_failure=int(started[name][-1]) if name in started else None,
        )
        for name in sorted({*_names(inputs), *(lost[1] for lost in inputs.missing.lost)} - set(series.robots))
    ]


def _sums(table: pa.Table, column: str) -> dict[str, int]:
    """Robot → its sum of a column."""
    sums = table.group_by(ROBOT).aggregate([(column, "sum")])
    return {
        name: total or 0
        for name, total in zip(
            sums.column(ROBOT).to_pylist(), sums.column(f"{column}_sum").to_pylist(), strict=True
        )
    }
