"""The report as one value: every number the page shows stands here first, so that machines read the same."""

from dataclasses import fields
from typing import Any, Final

import numpy as np

from features.labels import episodes
from features.schema import TS
from reports import accounts, words
from reports.analytics import analytics
from reports.clocks import clocks
from reports.failures import newest
from reports.headline import headline
from reports.inputs import ReportInputs
from reports.ranking import ALERT, ALERTED, CANNOT, FAILED, SILENT, Robot, rank
from reports.series import DAY, Series, Trend, times
from reports.trust import dependence, trust
from reports.watch import watch

SCHEMA: Final = 1


def summarize(inputs: ReportInputs) -> tuple[dict[str, Any], list[Robot]]:
    """The summary as JSON values (floats to six significant digits), and the robots in full precision.

    `inputs` must be `conformed`. Nothing depends on the clock: `as_of` is the newest cut-off in the data.
    """
    series = Series.of(inputs.risk)
    trend = Trend.over(series)
    found = episodes(inputs.failures, inputs.duration("labels", "episode_gap"))
    robots = rank(inputs, series, trend, found)
    model = trust(inputs.judged, inputs.card) | {"dependence": dependence(inputs.dependence)}
    figures = model.pop("figures")
    labels, settings = inputs.settings["labels"], inputs.settings["report"]
    summary = {
        "schema": SCHEMA,
        "project": inputs.settings["project"]["name"],
        "title": settings["title"] or "Failure risk",
        "as_of": words.iso(series.as_of) if len(series) else None,
        "rank_by": settings["rank_by"],
        "question": {
            "lead_s": inputs.duration("labels", "lead").total_seconds(),
            "horizon_s": inputs.duration("labels", "horizon").total_seconds(),
            "episode_gap_s": inputs.duration("labels", "episode_gap").total_seconds(),
            "windows_s": [window.total_seconds() for window in inputs.windows],
            "windows": list(labels["windows"]),
        },
        "since": None,
        "taken": None,
        "missing": inputs.missing.summary,
        "fleet": _fleet(series, robots, found),
        "trend": {
            "start": words.iso(trend.start) if trend.bins else None,
            "end": words.iso(trend.end) if trend.bins else None,
            "bins": trend.bins,
            "bin_s": trend.width / 1e9,
            "risk": _fleet_trend(series, trend),
        },
        "robots": [_robot(robot, series.as_of) for robot in robots],
        "verdict": model["verdict"],
        "figures": figures,
        "model": model,
        "excluded": accounts.exclusions(inputs.excluded),
        "accounting": accounts.accounting(inputs.accounting),
        "quarantine": accounts.quarantine(inputs.quarantine),
        "join": accounts.join_quality(inputs.join_quality),
        "clocks": clocks(
            inputs.clocks,
            inputs.duration("clock", "beyond").total_seconds(),
            correct=inputs.settings["clock"]["correct"],
        ),
        "analytics": analytics(inputs, series, found),
        "failures": newest(inputs, series, found),
        "watch": watch(inputs, series, found),
        "provenance": dict(sorted(inputs.provenance.items())),
    }
    rounded = words.significant(summary)
    assert isinstance(rounded, dict)  # noqa: S101 (narrows the type)
    return rounded | {"headline": headline(rounded)}, robots


def _fleet(series: Series, robots: list[Robot], found: Any) -> dict[str, Any]:
    """The fleet's figures; `risk_*` are means over robots with data in the fleet's last, or former, 24 h."""
    scored = [robot for robot in robots if robot.rank is not None]
    fresh = [
        robot.risk_now
        for robot in scored
        if robot.status not in (SILENT, FAILED) and robot.risk_now is not None
    ]
    recent = times(found.column(TS)) > series.as_of - DAY if len(series) else np.zeros(0, dtype=bool)
    return {
        "robots": len(robots),
        "scored": len(scored),
        "cannot_score": sum(robot.status == CANNOT for robot in robots),
        "alert_now": sum(robot.status == ALERT for robot in robots),
        "alerted_day": sum(robot.status in (ALERT, ALERTED) for robot in robots),
        "failed": sum(robot.status == FAILED for robot in robots),
        "silent": sum(robot.status == SILENT for robot in robots),
        "risk_now": float(np.mean(fresh)) if fresh else None,
        "risk_day": _mean(series, series.as_of - DAY, series.as_of),
        "risk_before": _mean(series, series.as_of - 2 * DAY, series.as_of - DAY),
        "episodes": found.num_rows,
        "episodes_day": int(recent.sum()),
        "failed_robots": sum(robot.episodes > 0 for robot in robots),
    }


def _mean(series: Series, after: int, until: int) -> float | None:
    """Mean over robots of each one's mean risk in `(after, until]`; None without a row."""
    rows = (series.cutoff > after) & (series.cutoff <= until)
    robot = np.repeat(np.arange(len(series)), np.diff(series.bounds))[rows]
    count = np.bincount(robot, minlength=len(series))
    total = np.bincount(robot, weights=series.risk[rows], minlength=len(series))
    return float((total[count > 0] / count[count > 0]).mean()) if count.any() else None


def _fleet_trend(series: Series, trend: Trend) -> list[float | None]:
    """Mean risk of all cut-offs in each bin of the trend."""
    place = trend.place(series.cutoff)
    shown = (place >= 0) & (place < trend.bins)
    count = np.bincount(place[shown], minlength=trend.bins)
    total = np.bincount(place[shown], weights=series.risk[shown], minlength=trend.bins)
    return [float(t / n) if n else None for t, n in zip(total, count, strict=True)]


def _robot(robot: Robot, as_of: int) -> dict[str, Any]:
    moments = ("peak_at", "last_cutoff", "last_failure", "reasons_at", "alert_since")
    value = {field.name: getattr(robot, field.name) for field in fields(robot)}
    value |= {name: words.iso(value[name]) for name in moments}
    day, before = robot.risk_day, robot.risk_before
    return value | {
        "change": None if day is None or before is None else day - before,
        "behind_s": None if robot.last_cutoff is None else (as_of - robot.last_cutoff) / 1e9,
    }
