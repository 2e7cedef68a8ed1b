"""The newest failures and what the model had said before each: the first question after one."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa

from features.schema import CODE, ROBOT, TS
from reports.durations import nanoseconds
from reports.inputs import ReportInputs
from reports.series import Flags, Risks, Series, Times, times
from reports.words import iso

MOST: Final = 200


@dataclass(frozen=True, slots=True)
class Said:
    """What the model said at the cut-offs whose horizon held a failure.

    `warned` is None where none of them was scored; `alert_at` is the first with an alert, `lead_s` from there
    to the failure, `risk_peak` the highest risk, `scored` their number.
    """

    scored: int
    warned: bool | None
    alert_at: int | None
    lead_s: float | None
    risk_peak: float | None


def said(cutoff: Times, risk: Risks, alert: Flags, at: int, *, lead: int, horizon: int) -> Said:
    """From one robot's scored cut-offs (ns, ascending), those with `0 ≤ at − (cutoff + lead) < horizon`."""
    first, last = np.searchsorted(cutoff, [at - lead - horizon, at - lead], side="right")
    hot = cutoff[first:last][alert[first:last]]
    if first == last:
        return Said(0, None, None, None, None)
    begun = int(hot[0]) if len(hot) else None
    return Said(
        scored=int(last - first),
        warned=begun is not None,
        alert_at=begun,
        lead_s=None if begun is None else (at - begun) / 1e9,
        risk_peak=float(risk[first:last].max()),
    )


def newest(inputs: ReportInputs, series: Series, found: pa.Table) -> dict[str, Any]:
    """The newest 200 of the episodes `found`, newest first, as JSON, and how many of those were warned of."""
    lead, horizon = (nanoseconds(inputs.duration("labels", name)) for name in ("lead", "horizon"))
    shown = found.take(np.argsort(times(found.column(TS)), kind="stable")[::-1][:MOST])
    place = {name: index for index, name in enumerate(series.robots)}
    rows = [
        {ROBOT: name, "at": iso(at), CODE: code, "failures": failures}
        | as_json(_said(series, place.get(name), at, lead, horizon))
        for name, at, code, failures in zip(
            shown.column(ROBOT).to_pylist(),
            times(shown.column(TS)).tolist(),
            shown.column(CODE).to_pylist(),
            shown.column("failures").to_pylist(),
            strict=True,
        )
    ]
    return {
        "shown": len(rows),
        "scored": sum(row["warned"] is not None for row in rows),
        "warned": sum(row["warned"] is True for row in rows),
        "rows": rows,
    }


def as_json(found: Said) -> dict[str, Any]:
    """As the summary writes it."""
    return {
        "warned": found.warned,
        "alert_at": iso(found.alert_at),
        "lead_s": found.lead_s,
        "risk_peak": found.risk_peak,
        "cutoffs": found.scored,
    }


def _said(series: Series, index: int | None, at: int, lead: int, horizon: int) -> Said:
    rows = slice(0, 0) if index is None else series.rows(index)
    return said(series.cutoff[rows], series.risk[rows], series.alert[rows], at, lead=lead, horizon=horizon)
