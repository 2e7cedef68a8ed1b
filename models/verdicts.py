"""What people said of alerts, as labels: a failure nobody recorded, or that there was none.

A verdict is about the alert of a robot at a cut-off *c*, which foretold a failure in
`[c + lead, c + lead + horizon)`. *true* and *repaired* say that it came, or would have: where the logs tell
of no failure there, one is added at `c + lead`, the earliest moment it was foretold for. *false alarm* says
the robot was seen to run without failing to the end of that interval.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from features.errors import DataError
from features.schema import CODE, CUTOFF, FAILURES, ROBOT, TS
from features.times import instant, nanoseconds
from models.dataset import nanos

FAILED: Final = ("true", "repaired")
CLEARED: Final = "false alarm"
TOLD: Final = "told by people"
"""Code of the failures that verdicts add."""


@dataclass(frozen=True)
class Judged:
    """Windows and failures with verdicts taken in.

    excluded: windows left out because a failure people told of lies in their look-back. seen: robot → moment
    (ns) until which, exclusive, it is known to have run without a failure. notes: what was done, in words.
    """

    windows: pa.Table
    failures: pa.Table
    excluded: int
    seen: Mapping[str, int]
    notes: tuple[str, ...]


def judged(
    windows: pa.Table,
    failures: pa.Table,
    verdicts: Iterable[Mapping[str, Any]],
    *,
    lead: timedelta,
    horizon: timedelta,
    lookback: timedelta,
) -> Judged:
    """Take verdicts (`robot_id`, `at` in ISO 8601, `verdict`) into windows and failures.

    Verdicts closer together than the horizon speak of one failure. Without a verdict windows and failures
    come back as they are. Raises DataError for a verdict that cannot be read.
    """
    said = sorted({_read(verdict) for verdict in verdicts})
    ahead, length = nanoseconds(lead, "lead"), nanoseconds(horizon, "horizon")
    known = _by_robot(failures)
    added: dict[str, list[int]] = {}
    for robot, cutoff, verdict in said:
        if verdict == CLEARED:
            continue
        first = cutoff + ahead
        recorded = known.get(robot, np.empty(0, np.int64))
        near = added.setdefault(robot, [])
        if ((recorded >= first) & (recorded < first + length)).any() or (near and first < near[-1] + length):
            continue
        near.append(first)
    kept = _kept(windows, added, nanoseconds(lookback, "lookback"))
    cleared = [(robot, cutoff + ahead + length) for robot, cutoff, verdict in said if verdict == CLEARED]
    new = sum(map(len, added.values()))
    told = (
        f"people closed {len(said)} alerts: {new} failures added to the recorded ones, {len(cleared)} cleared"
    )
    return Judged(
        windows=windows if kept.all() else windows.filter(pa.array(kept)),
        failures=pa.concat_tables([failures, _failures(added)]) if new else failures,
        excluded=int((~kept).sum()),
        seen={robot: max(end for name, end in cleared if name == robot) for robot, _ in cleared},
        notes=(told,) if said else (),
    )


def _read(verdict: Mapping[str, Any]) -> tuple[str, int, str]:
    try:
        at = datetime.fromisoformat(verdict["at"])
        cutoff = instant(at if at.tzinfo else at.replace(tzinfo=UTC), "at")
        robot, said = str(verdict["robot_id"]), str(verdict["verdict"])
    except (KeyError, ValueError) as error:
        raise DataError("a verdict cannot be read", got=dict(verdict)) from error
    if said not in (*FAILED, CLEARED):
        raise DataError("an unknown verdict", got=said, expected=", ".join((*FAILED, CLEARED)))
    return robot, cutoff, said


def _by_robot(failures: pa.Table) -> dict[str, NDArray[np.int64]]:
    times: dict[str, list[int]] = {}
    for robot, at in zip(failures[ROBOT].to_pylist(), nanos(failures[TS]).tolist(), strict=True):
        times.setdefault(robot, []).append(at)
    return {robot: np.array(found, np.int64) for robot, found in times.items()}


def _kept(windows: pa.Table, added: Mapping[str, list[int]], lookback: int) -> NDArray[np.bool_]:
    """Windows without an added failure in `[cutoff − lookback, cutoff)`."""
    kept = np.ones(windows.num_rows, dtype=bool)
    if not any(added.values()):
        return kept
    cutoff, robots = nanos(windows[CUTOFF]), np.asarray(windows[ROBOT].to_pylist(), dtype=object)
    for robot, moments in added.items():
        mine = robots == robot
        for moment in moments:
            kept &= ~(mine & (cutoff - lookback <= moment) & (moment < cutoff))
    return kept


def _failures(added: Mapping[str, list[int]]) -> pa.Table:
    rows = [(robot, moment) for robot, moments in sorted(added.items()) for moment in moments]
    columns = {ROBOT: [robot for robot, _ in rows], TS: [at for _, at in rows], CODE: [TOLD] * len(rows)}
    return pa.table({name: pa.array(columns[name], FAILURES.field(name).type) for name in FAILURES.names})
