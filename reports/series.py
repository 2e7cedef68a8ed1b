"""The fleet's risk as sorted arrays, because every figure of a robot is a slice of them."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features.schema import CUTOFF, ROBOT, TIMESTAMP, TS

DAY: Final = 86_400 * 10**9
HOUR: Final = DAY // 24
MONTH: Final = 30 * DAY
_MOST_BINS: Final = 60

Times = NDArray[np.int64]
Risks = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Series:
    """Scored cut-offs sorted by robot and time; robot *i* owns `[bounds[i], bounds[i + 1])`.

    `step` is the usual time between a robot's cut-offs and `as_of` the newest cut-off of the fleet, both in
    ns and 0 without any. Rows whose risk is null or no number are left out; `unscored` are the robots that
    lost all rows to that.
    """

    robots: tuple[str, ...]
    bounds: NDArray[np.int64]
    cutoff: Times
    risk: Risks
    alert: Flags
    step: int
    as_of: int
    unscored: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.robots)

    def rows(self, index: int) -> slice:
        """Where robot `index` has its rows."""
        return slice(int(self.bounds[index]), int(self.bounds[index + 1]))

    def raised(self, index: int, refractory: int) -> Times:
        """Alerts of robot `index`: hot cut-offs outside the `refractory` period (ns) of the alert before."""
        rows = self.rows(index)
        quiet_until, found = None, []
        for moment in self.cutoff[rows][self.alert[rows]].tolist():
            if quiet_until is None or moment >= quiet_until:
                quiet_until = moment + refractory
                found.append(moment)
        return np.array(found, np.int64)

    @classmethod
    def of(cls, risk: pa.Table) -> "Series":
        """From `robot_id, cutoff, risk, alert` in any order."""
        known = risk.filter(
            pc.and_(
                pc.is_finite(pc.fill_null(risk.column("risk"), float("nan"))),
                pc.is_valid(risk.column(CUTOFF)),
            )
        )
        names = sorted(pc.unique(known.column(ROBOT)).to_pylist())
        robot = np.asarray(
            pc.index_in(known.column(ROBOT), value_set=pa.array(names, pa.string())).to_numpy()
        )
        cutoff = times(known.column(CUTOFF))
        order = np.lexsort((cutoff, robot))
        robot, cutoff = robot[order], cutoff[order]
        gaps = np.diff(cutoff)[np.diff(robot) == 0]
        gaps = gaps[gaps > 0]
        alert = pc.fill_null(known.column("alert"), False).to_numpy(zero_copy_only=False)
        return cls(
            robots=tuple(names),
            bounds=np.searchsorted(robot, np.arange(len(names) + 1)),
            cutoff=cutoff,
            risk=known.column("risk").to_numpy()[order],
            alert=np.asarray(alert, dtype=bool)[order],
            step=int(np.median(gaps)) if len(gaps) else 0,
            as_of=int(cutoff.max()) if len(cutoff) else 0,
            unscored=tuple(sorted(set(pc.unique(risk.column(ROBOT)).to_pylist()) - set(names) - {None})),
        )


@dataclass(frozen=True, slots=True)
class Trend:
    """Time cut into `bins` equal bins ending at `end`; `width` in ns."""

    end: int
    width: int
    bins: int

    @classmethod
    def over(cls, series: Series) -> "Trend":
        """At most the last 30 days in at most 60 bins, each of whole usual steps."""
        if not len(series.cutoff):
            return cls(0, 1, 0)
        step = max(series.step, 1)
        reach = min(MONTH, series.as_of - int(series.cutoff.min()) + step)
        width = -(-reach // (_MOST_BINS * step)) * step
        return cls(series.as_of, width, -(-reach // width))

    @property
    def start(self) -> int:
        """The first moment shown, in ns."""
        return self.end - self.width * self.bins

    def place(self, moments: Times) -> NDArray[np.int64]:
        """The bin of each moment; a bin is `(start, end]`. Outside the trend it is below 0 or beyond."""
        return self.bins - 1 - (self.end - moments) // self.width

    def peaks(self, moments: Times, risks: Risks) -> list[float | None]:
        """The highest risk of each bin, null where there is none; `moments` ascend."""
        place = self.place(moments)
        shown = place >= 0
        found: list[float | None] = [None] * self.bins
        if shown.any():
            place, risks = place[shown], risks[shown]
            first = np.flatnonzero(np.diff(place, prepend=-1))
            for index, peak in zip(place[first], np.maximum.reduceat(risks, first), strict=True):
                found[int(index)] = float(peak)
        return found


def times(column: pa.ChunkedArray) -> Times:
    """A timestamp column without nulls as int64 ns since the epoch."""
    return np.asarray(column.cast(TIMESTAMP).cast(pa.int64()).to_numpy(), dtype=np.int64)


def by_robot(found: pa.Table) -> dict[str, Times]:
    """Robot → times of its rows (`robot_id`, `ts`) in ns, ascending."""
    order = found.sort_by([(ROBOT, "ascending"), (TS, "ascending")])
    names, first = np.unique(np.array(order.column(ROBOT).to_pylist(), dtype=object), return_index=True)
    return (
        dict(zip(names.tolist(), np.split(times(order.column(TS)), first[1:]), strict=True))
        if len(names)
        else {}
    )
