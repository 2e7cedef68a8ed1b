"""One failure: what the model had said before it, what came just before, and which others are like it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa

from features.errors import NotFoundError, UsageError
from features.schema import CODE, CUTOFF, TS
from reports import words
from reports.dashboard import windows
from reports.dashboard.source import Report, Source
from reports.dashboard.timeline import events
from reports.failures import Said, said
from reports.series import HOUR, times
from reports.words import iso

BEFORE: Final = 600 * 10**9
SHOWN: Final = 12
MICROSECOND: Final = 1_000
"""What a moment in an address is exact to."""


@dataclass(frozen=True)
class Failure:
    """A failure of a robot. Moments are ISO 8601.

    `reasons` and `similar` are those the model gave last before it, at `reasons_at`; `events` those of the
    ten minutes before, newest last; `alike` other failures of the same code, newest first; `worked_again`
    the next moment the robot worked, None where that is unknown or did not come that day or the next.
    """

    code: str
    said: Said
    sentence: str
    reasons_at: str | None
    reasons: Sequence[str]
    similar: Sequence[Mapping[str, Any]]
    events: Sequence[Mapping[str, Any]]
    alike: Sequence[Mapping[str, Any]]
    worked_again: str | None
    down_s: float | None


def read(source: Source, report: Report, robot: str, at: str) -> Failure:
    """The failure of a robot at a moment. Raises NotFoundError for none, UsageError for no moment."""
    moment = _moment(at)
    question = report.summary["question"]
    lead, horizon = (round(question[name] * 1e9) for name in ("lead_s", "horizon_s"))
    window = windows.read(source, robot, moment - max(lead + horizon, BEFORE), moment + MICROSECOND)
    codes = [row[CODE] for row in _rows(window.failures, TS, moment, moment + MICROSECOND)]
    if not codes:
        raise NotFoundError(f"no failure of {robot} at {at}", hint="see the page Failures")
    scored = _ordered(window.risk)
    found = said(*scored, moment, lead=lead, horizon=horizon)
    told_at, reasons, similar = _told(source, robot, moment, lead + horizon)
    again = _worked(source, robot, moment)
    return Failure(
        code=codes[0] or "no code",
        said=found,
        sentence=_sentence(found, report.summary["model"].get("threshold"), question),
        reasons_at=iso(told_at),
        reasons=[row["words"] for row in reasons],
        similar=similar,
        events=_events(window, moment),
        alike=[
            row
            for row in report.summary["failures"]["rows"]
            if (row[CODE] or "no code") == (codes[0] or "no code")
            and (row["robot_id"], row["at"]) != (robot, iso(moment))
        ][:SHOWN],
        worked_again=iso(again),
        down_s=None if again is None else (again - moment) / 1e9,
    )


def _moment(at: str) -> int:
    try:
        found = datetime.fromisoformat(at)
    except ValueError as error:
        raise UsageError("a moment cannot be read", got=at, expected="ISO 8601 with an offset") from error
    if found.tzinfo is None:
        raise UsageError("a moment cannot be read", got=at, expected="ISO 8601 with an offset")
    return windows.nanoseconds(found)


def _sentence(found: Said, threshold: float | None, question: Mapping[str, Any]) -> str:
    horizon = words.span(question["lead_s"] + question["horizon_s"])
    if found.warned is None:
        return f"The model gave no risk in the {horizon} before: no window could be scored."
    peak = words.percent(found.risk_peak)
    level = (
        "" if threshold is None or threshold >= 1 else f"; the alert threshold is {words.percent(threshold)}"
    )
    if found.warned:
        first = words.span(found.lead_s)
        return f"Warned of: the first alert came {first} before, the risk rose to {peak}{level}."
    return f"Not warned of: in the {horizon} before, the risk was at most {peak}{level}."


def _told(
    source: Source, robot: str, moment: int, reach: int
) -> tuple[int | None, list[dict[str, Any]], list[dict[str, Any]]]:
    """The last explained cut-off before the failure, its reasons, and the failures like it."""
    after = moment - reach - HOUR
    tables: dict[str, list[dict[str, Any]]] = {"reasons": [], "similar": []}
    for day in windows.days(after, moment + 1):
        for kind in ("reasons", "similar"):
            table = source.table(kind, robot, day)
            if table is not None:
                tables[kind] += _rows([table], CUTOFF, after, moment + 1)
    at = max((row["ns"] for row in tables["reasons"]), default=None)
    reasons = sorted((row for row in tables["reasons"] if row["ns"] == at), key=lambda row: row["rank"])
    similar = sorted((row for row in tables["similar"] if row["ns"] == at), key=lambda row: row["rank"])
    return at, reasons, [row | {"failed_at": iso(_ns(row["case_failure"]))} for row in similar]


def _worked(source: Source, robot: str, moment: int) -> int | None:
    """The next moment the robot worked, within the day of the failure or the day after."""
    found = []
    for day in windows.days(moment, moment + 86_400 * 10**9):
        table = source.table("operation", robot, day)
        for row in [] if table is None else table.column("working").to_pylist():
            found += [_ns(one) for one in row or () if _ns(one) > moment]
    return min(found, default=None)


def _events(window: windows.Window, moment: int) -> list[dict[str, Any]]:
    return [event for event in events(window) if moment - BEFORE <= event["at"] * 1e9][-SHOWN:]


def _rows(tables: Sequence[pa.Table], column: str, start: int, end: int) -> list[dict[str, Any]]:
    found = []
    for table in tables:
        at = times(table.column(column))
        kept = (at >= start) & (at < end)
        rows = table.filter(pa.array(kept)).to_pylist()
        found += [row | {"ns": ns} for row, ns in zip(rows, at[kept].tolist(), strict=True)]
    return found


def _ordered(tables: Sequence[pa.Table]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cut-offs (ns), risks and alerts in time order; those without a risk are left out."""
    rows = [row for row in _rows(tables, CUTOFF, -(2**62), 2**62) if row["risk"] is not None]
    rows.sort(key=lambda row: row["ns"])
    return (
        np.array([row["ns"] for row in rows], np.int64),
        np.array([row["risk"] for row in rows], np.float64),
        np.array([bool(row["alert"]) for row in rows], bool),
    )


def _ns(moment: datetime) -> int:
    return windows.nanoseconds(moment)
