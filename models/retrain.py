"""When a model is taught anew: at every commit, after so many robot-hours, or when the fleet drifted."""

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.schema import CUTOFF, IS_FAILURE_CUTOFF, ROBOT
from models.artifact import Model
from models.dataset import nanos
from models.drift import DRIFTED, compare

EVERY_COMMIT = "every_commit"
ON_DRIFT = "on_drift"
_DRIFTED_SHARE = 0.1
_DAY = 86_400 * 10**9


def due(
    rule: str | timedelta, champion: Model, windows: pa.Table, facts: pa.Table | None
) -> tuple[bool, str]:
    """Whether a challenger is taught, and why (not), in a sentence.

    `rule`: `every_commit`; robot-hours of windows beyond those the champion was taught with; or `on_drift`,
    when the newest day's risk, or a tenth of the features, drifted from what the champion was taught (PSI
    above 0.25).
    """
    if isinstance(rule, timedelta):
        more = _hours(windows) - _taught(champion, windows)
        wanted = rule.total_seconds() / 3_600
        return more >= wanted, f"{more:.1f} robot-hours more than it was taught, {wanted:g} asked for"
    if rule == ON_DRIFT:
        cutoff = nanos(windows[CUTOFF])
        newest = windows.filter(pa.array(cutoff > cutoff.max(initial=0) - _DAY))
        rows = compare(champion, newest, facts).to_pylist()
        moved = sum(row["state"] == DRIFTED for row in rows if row["feature"] != "risk")
        risk = any(row["state"] == DRIFTED for row in rows if row["feature"] == "risk")
        told = f"{moved} of {len(rows) - 1} features drifted, the risk {'did' if risk else 'did not'}"
        return risk or moved >= _DRIFTED_SHARE * max(len(rows) - 1, 1), told
    return True, "a model is taught at every commit"


def _hours(windows: pa.Table) -> float:
    return float(_grid(windows).num_rows * _step(windows) / 3.6e12)


def _taught(champion: Model, windows: pa.Table) -> float:
    known = champion.card["population"]
    return float((known["windows"] - known["look-back cut-offs"]) * _step(windows) / 3.6e12)


def _grid(windows: pa.Table) -> pa.Table:
    return windows.filter(pc.invert(windows[IS_FAILURE_CUTOFF]))


def _step(windows: pa.Table) -> float:
    """Usual time between a robot's cut-offs, ns."""
    order = _grid(windows).select([ROBOT, CUTOFF]).sort_by([(ROBOT, "ascending"), (CUTOFF, "ascending")])
    gaps = np.diff(nanos(order[CUTOFF]))
    gaps = gaps[gaps > 0]
    return float(np.median(gaps)) if len(gaps) else 0.0
