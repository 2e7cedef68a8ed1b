"""Which robot to look at first: calibrated risk per robot, its state, and the reasons in plain words."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pyarrow as pa

from features.schema import CUTOFF, ROBOT
from reports import words
from reports.durations import nanoseconds
from reports.inputs import ReportInputs
from reports.series import DAY, HOUR, Flags, Series, Times, Trend, by_robot, times

ALERT: Final = "alert"
ALERTED: Final = "alerted"
CALM: Final = "calm"
SILENT: Final = "silent"
CANNOT: Final = "cannot score"


@dataclass(frozen=True, slots=True)
class Robot:
    """A robot's line in the report. Times in ns since the epoch, risks are probabilities.

    `risk` is what it is ranked by: `risk_day`, the mean over the last 24 h of its data, or `risk_now`, at its
    latest cut-off. `risk_peak` is the highest in the same 24 h, `risk_before` the mean of the 24 h before.
    `alerts_day` counts alerts in the 24 h, outside the refractory period. `trend` holds the highest risk of
    each bin of the report's trend, `failed` the bins in which an episode began. `rank` and the risks are None
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
    started = by_robot(found)
    reasons = _reasons(inputs.reasons)
    by, most = inputs.settings["report"]["rank_by"], inputs.settings["report"]["reasons"]
    refractory = nanoseconds(inputs.duration("report", "refractory"))
    scored = [
        _scored(series, index, trend, started.get(name), reasons.get(name, {}), by, most, refractory)
        for index, name in enumerate(series.robots)
    ]
    scored.sort(key=lambda robot: (-(robot.risk or 0.0), robot.robot_id))
    ranked = [replace(robot, rank=place) for place, robot in enumerate(scored, start=1)]
    known = set(_names(inputs)) - set(series.robots)
    return ranked + [_unscored(name, inputs, series, started.get(name)) for name in sorted(known)]


def _scored(
    series: Series,
    index: int,
    trend: Trend,
    started: Times | None,
    reasons: Mapping[int, list[dict[str, Any]]],
    by: str,
    most: int,
    refractory: int,
) -> Robot:
    rows = series.rows(index)
    cutoff, risk, alert = series.cutoff[rows], series.risk[rows], series.alert[rows]
    last = int(cutoff[-1])
    day = cutoff > last - DAY
    before = (cutoff > last - 2 * DAY) & ~day
    peak = int(np.argmax(risk[day]))
    alerts = _alerts(cutoff, alert, refractory, last - DAY)
    status, why = _state(series, last, bool(alert[-1]), alerts)
    mean = float(risk[day].mean())
    shown_at = _shown(reasons, cutoff, risk, last, by)
    started = np.empty(0, dtype=np.int64) if started is None else started
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
        trend=tuple(trend.peaks(cutoff, risk)),
        failed=tuple(int(bin_) for bin_ in place if 0 <= bin_ < trend.bins),
    )


def _state(series: Series, last: int, hot: bool, alerts: int) -> tuple[str, str]:
    """A robot is silent when its latest cut-off lies an hour, or ten usual steps, behind the fleet's."""
    behind = series.as_of - last
    if behind > max(HOUR, 10 * series.step):
        was = "above" if hot else "below"
        return SILENT, f"no data for {words.span(behind / 1e9)}; was {was} the alert threshold"
    if hot:
        return ALERT, "above the alert threshold now"
    if alerts:
        return ALERTED, f"{words.plural(alerts, 'alert')} in the last 24 h, below the threshold now"
    return CALM, "below the alert threshold for 24 h"


def _alerts(cutoff: Times, alert: Flags, refractory: int, after: int) -> int:
    """Alerts later than `after`: hot rows that begin outside the refractory period of the one before."""
    quiet_until, count = None, 0
    for moment in cutoff[alert].tolist():
        if quiet_until is None or moment >= quiet_until:
            quiet_until = moment + refractory
            count += moment > after
    return count


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
    return max(told, key=lambda moment: (at.get(moment, 0.0), moment))


def _reasons(table: pa.Table) -> dict[str, dict[int, list[dict[str, Any]]]]:
    """Robot → cut-off → its reasons, strongest first."""
    found: dict[str, dict[int, list[dict[str, Any]]]] = {}
    moments = times(table.column(CUTOFF)).tolist()
    kept = ("feature", "value", "usual", "unit", "contribution", "words")
    entries = table.select([ROBOT, "rank", *kept]).to_pylist()
    for moment, entry in sorted(zip(moments, entries, strict=True), key=lambda pair: pair[1]["rank"]):
        found.setdefault(entry[ROBOT], {}).setdefault(moment, []).append({key: entry[key] for key in kept})
    return found


def _names(inputs: ReportInputs) -> Iterable[str]:
    for table in (inputs.risk, inputs.failures, inputs.accounting, inputs.join_quality, inputs.facts):
        yield from (name for name in table.column(ROBOT).unique().to_pylist() if name)


def _unscored(name: str, inputs: ReportInputs, series: Series, started: Times | None) -> Robot:
    return Robot(
        robot_id=name,
        rank=None,
        status=CANNOT,
        why=_why_not(name, inputs, series),
        episodes=0 if started is None else len(started),
        last_failure=None if started is None else int(started[-1]),
    )


def _why_not(name: str, inputs: ReportInputs, series: Series) -> str:
    if not inputs.card:
        return "there is no model yet"
    if name in series.unscored:
        return "the model gave no number"
    quality = _sums(inputs.join_quality, name, ("anchors",))
    counted = _sums(inputs.accounting, name, ("accepted", "quarantined"))
    if quality["anchors"]:
        return "observations, but every window before a cut-off was excluded"
    if counted["accepted"]:
        return "records, but no observation could be made of them"
    if counted["quarantined"]:
        return f"all of its {words.count(counted['quarantined'])} records are in quarantine"
    return "no records"


def _sums(table: pa.Table, name: str, columns: tuple[str, ...]) -> dict[str, int]:
    mine = np.array(table.column(ROBOT).to_pylist(), dtype=object) == name
    return {
        column: int(sum(value or 0 for value in table.filter(pa.array(mine)).column(column).to_pylist()))
        for column in columns
    }
