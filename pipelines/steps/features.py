"""Step features: look-back windows before every cut-off of a robot-day.

Cut-offs are the ends of the grid cells of `lookback.every` (aligned to the epoch) that hold an observation no
older than the shortest window, so that silence is not scored and a day's cut-offs do not depend on how the
data was cut; and, for training, `episode start − lead` of every failure episode that starts in the day.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.events import look_back_events
from features.labels import episodes, failure_cutoffs
from features.lookback import look_back
from features.schema import CUTOFF, CUTOFFS, IS_FAILURE_CUTOFF, LATEST_USED, ROBOT, TIMESTAMP, TS
from features.signals import look_back_signals
from features.statistics import is_numeric
from pipelines.durations import parse_duration
from pipelines.steps.cut import nanoseconds, within
from pipelines.steps.files import (
    decode,
    parquet_files,
    read_settings,
    read_table,
    read_tables,
    run,
    write_table,
)

Settings = dict[str, Any]


def main(pfs: Path) -> None:
    """Read `day` and `halo` of one robot-day of the join; write its windows and its excluded cut-offs."""
    settings, out = read_settings(pfs, "features"), pfs / "out"
    gap = parse_duration(settings["episode_gap"])
    for folder in sorted((pfs / "day" / "observations").glob("*/*")):
        robot, day = folder.parent.name, folder.name
        halo = pfs / "halo" / "halo" / robot / day
        observations = _with_halo(folder, halo, "observations.parquet")
        failures = _with_halo(folder, halo, "failures.parquet")
        events = {
            decode(path.stem): _with_halo(folder, halo, f"events/{path.name}")
            for path in parquet_files(folder / "events")
        }
        stream = _grid(read_table(folder / "observations.parquet"), settings["lookback"])
        starts = within(episodes(failures, gap), day)
        classic = failure_cutoffs(starts, parse_duration(settings["lookback"]["lead"]))
        results = [
            _windows(cutoffs, observations, events, failures, settings, is_failure=is_failure)
            for cutoffs, is_failure in ((stream, False), (classic, True))
        ]
        write_table(
            pa.concat_tables([windows for windows, _ in results]), out / "windows" / robot / f"{day}.parquet"
        )
        write_table(
            pa.concat_tables([excluded for _, excluded in results]),
            out / "excluded" / robot / f"{day}.parquet",
        )


def _with_halo(folder: Path, halo: Path, name: str) -> pa.Table:
    return read_tables([path for path in (halo / name, folder / name) if path.is_file()])


def _grid(observations: pa.Table, lookback: Settings) -> pa.Table:
    step = nanoseconds_of(lookback["every"])
    fresh = min(step, *(nanoseconds_of(text) for text in lookback["windows"]))
    ts = nanoseconds(observations)
    cells = np.unique(ts[step - ts % step <= fresh] // step)
    robots = observations.column(ROBOT).slice(0, 1).to_pylist() * len(cells)
    return pa.table(
        [pa.array(robots, pa.string()), pa.array((cells + 1) * step).cast(TIMESTAMP)], schema=CUTOFFS
    )


def nanoseconds_of(text: str) -> int:
    """A duration of the settings in nanoseconds."""
    return parse_duration(text) // timedelta(microseconds=1) * 1_000


def _windows(
    cutoffs: pa.Table,
    observations: pa.Table,
    events: dict[str, pa.Table],
    failures: pa.Table,
    settings: Settings,
    *,
    is_failure: bool,
) -> tuple[pa.Table, pa.Table]:
    lookback = settings["lookback"]
    windows = [parse_duration(text) for text in lookback["windows"]]
    expected = lookback["expected_every"]
    found = look_back(
        observations.drop_columns(
            [name for name in observations.column_names if _named(name, lookback["exclude"])]
        ),
        cutoffs,
        windows=windows,
        failures=failures.select([ROBOT, TS]),
        statistics=tuple(lookback["statistics"]),
        states=settings["states"],
        min_coverage=lookback["min_coverage"],
        expected_every=parse_duration(expected) if expected else None,
    )
    kept = found.features.select([ROBOT, CUTOFF])
    tables = [found.features]
    if lookback["signals"]:
        every = parse_duration(lookback["signal_every"])
        tables.append(
            look_back_signals(
                observations,
                kept,
                windows=windows,
                every=every,
                max_gap=parse_duration(lookback["signal_gap"]) if lookback["signal_gap"] else 5 * every,
                columns=_signal_columns(observations, lookback),
                signals=lookback["signals"],
            )
        )
    counted = look_back_events(
        {name: rows for name, rows in events.items() if not _named(name, lookback["exclude"])},
        kept,
        windows=windows,
        cap=parse_duration(lookback["event_cap"]),
    )
    return _beside([*tables, counted], is_failure=is_failure), found.excluded


def _signal_columns(observations: pa.Table, lookback: Settings) -> list[str]:
    """The columns named for signals that are observed, or every number that makes features."""
    named = lookback["signal_columns"]
    return [
        field.name
        for field in observations.schema
        if is_numeric(field.type)
        and (field.name in named if named else not _named(field.name, lookback["exclude"]))
    ]


def _named(name: str, excluded: list[str]) -> bool:
    """Whether a column is excluded by its name, or by the name of its stream."""
    return name in excluded or name.partition("__")[0] in excluded


def _beside(tables: list[pa.Table], *, is_failure: bool) -> pa.Table:
    """Features of the same cut-offs side by side; `latest_used` is the latest of all."""
    used = [table.column(LATEST_USED).cast(pa.int64()) for table in tables]
    keys = {name: tables[0].column(name) for name in (ROBOT, CUTOFF)}
    keys[LATEST_USED] = pc.max_element_wise(*used).cast(TIMESTAMP)
    keys[IS_FAILURE_CUTOFF] = pa.repeat(is_failure, tables[0].num_rows)
    found = {name: table.column(name) for table in tables for name in table.column_names if name not in keys}
    return pa.table(keys | found)


if __name__ == "__main__":
    run(main)
