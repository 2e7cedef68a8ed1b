"""Windows, failures and facts become labelled rows in one order, whatever order they came in."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from features import labels
from features.errors import DataError
from features.schema import CODE, CUTOFF, IS_FAILURE_CUTOFF, LATEST_USED, ROBOT, TIMESTAMP, TS
from models.encode import joined
from models.settings import TrainSettings

Times = NDArray[np.int64]
Codes = NDArray[np.int32]
Flags = NDArray[np.bool_]
Index = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Episodes:
    """Failure episodes: robot code, start in ns, and the code of the first failure."""

    robot: Codes
    start: Times
    code: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.start)

    def take(self, keep: Flags) -> "Episodes":
        """The episodes where `keep` holds."""
        chosen = tuple(code for code, kept in zip(self.code, keep, strict=True) if kept)
        return Episodes(self.robot[keep], self.start[keep], chosen)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Labelled rows sorted by robot, cut-off and kind.

    `robots` names the robot codes; `cutoff` is ns since the epoch; `grid` marks the continuous stream
    (False: a look-back cut-off of a known failure); `table` holds the features. `step` is the usual time
    between neighbouring grid rows of a robot in ns, which gives each row its share of observed time.
    """

    robots: tuple[str, ...]
    robot: Codes
    cutoff: Times
    label: Flags
    grid: Flags
    table: pa.Table
    episodes: Episodes
    step: int
    grid_times: Times
    counts: Mapping[str, int]

    def __len__(self) -> int:
        return len(self.cutoff)


def gather(
    windows: pa.Table,
    failures: pa.Table,
    facts: pa.Table | None,
    settings: TrainSettings,
    seen: Mapping[str, int] | None = None,
) -> Dataset:
    """Label every window and join the facts; rows whose horizon is not yet observed are counted and left.

    `windows`, `failures` and `facts` as in `features.schema` and docs/architecture.md. A robot is observed
    until its last cut-off or failure, or as `seen` says (robot → ns, exclusive), whichever is latest. Raises
    `DataError` when a key column is missing.
    """
    _require(windows)
    robots = tuple(
        sorted(set(pc.unique(windows[ROBOT]).to_pylist()) | set(pc.unique(failures[ROBOT]).to_pylist()))
    )
    place = pa.array(robots, pa.string())
    robot = _codes(windows[ROBOT], place)
    cutoff = nanos(windows[CUTOFF])
    grid = ~windows[IS_FAILURE_CUTOFF].to_numpy().astype(bool)
    order = np.lexsort((~grid, cutoff, robot))
    found = labels.episodes(failures.select([ROBOT, TS, CODE]), settings.episode_gap)
    episodes = Episodes(
        _codes(found[ROBOT], place), nanos(found[TS]), tuple(found[CODE].cast(pa.string()).to_pylist())
    )
    grid_times = np.sort(cutoff[grid])
    until = _observed(len(robots), robot, cutoff, episodes)
    for name, end in (seen or {}).items():
        if name in robots:
            until[robots.index(name)] = max(until[robots.index(name)], end - 1)
    label = _label(windows, found, until, robots, settings)
    known = np.asarray(label.is_valid().to_numpy(zero_copy_only=False), dtype=bool)
    rows = order[known[order]]
    robot, cutoff, grid = robot[rows], cutoff[rows], grid[rows]
    return Dataset(
        robots=robots,
        robot=robot,
        cutoff=cutoff,
        label=np.asarray(pc.fill_null(label, False).to_numpy(zero_copy_only=False), dtype=bool)[rows],
        grid=grid,
        table=joined(windows.take(pa.array(rows)), facts),
        episodes=episodes,
        step=_step(robot[grid], cutoff[grid]),
        grid_times=grid_times,
        counts={
            "windows": len(known),
            "labelled": int(known.sum()),
            "horizon not observed": int((~known).sum()),
            "look-back cut-offs": int((~grid).sum()),
            "failures": failures.num_rows,
            "episodes": len(episodes),
            "robots": len(robots),
        },
    )


def nanos(column: pa.ChunkedArray) -> Times:
    """A timestamp column as int64 ns since the epoch; nulls become the smallest int64."""
    values = column.cast(TIMESTAMP).cast(pa.int64())
    return np.asarray(pc.fill_null(values, np.iinfo(np.int64).min).to_numpy(), dtype=np.int64)


def _label(
    windows: pa.Table, found: pa.Table, until: Times, robots: tuple[str, ...], settings: TrainSettings
) -> pa.Array:
    observed = {name: np.datetime64(int(last) + 1, "ns") for name, last in zip(robots, until, strict=True)}
    cutoffs = windows.select([ROBOT, CUTOFF])
    return labels.label(cutoffs, found, settings.lead, settings.horizon, observed)["label"].combine_chunks()


def _observed(size: int, robot: Codes, cutoff: Times, episodes: Episodes) -> Times:
    """The last sign of life of each robot: its last cut-off or episode start, ns."""
    last = np.zeros(size, dtype=np.int64)
    np.maximum.at(last, robot, cutoff)
    np.maximum.at(last, episodes.robot, episodes.start)
    return last


def _codes(column: pa.ChunkedArray, place: pa.Array) -> Codes:
    return np.asarray(pc.index_in(column.cast(pa.string()), value_set=place).to_numpy(), dtype=np.int32)


def _step(robot: Codes, cutoff: Times) -> int:
    gaps = np.diff(cutoff)[np.diff(robot) == 0]
    gaps = gaps[gaps > 0]
    return int(np.median(gaps)) if len(gaps) else 0


def _require(windows: pa.Table) -> None:
    missing = [n for n in (ROBOT, CUTOFF, LATEST_USED, IS_FAILURE_CUTOFF) if n not in windows.column_names]
    if missing:
        raise DataError(
            "windows lack key columns", got=", ".join(windows.column_names[:8]), expected=", ".join(missing)
        )
