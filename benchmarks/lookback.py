"""Look-back windows at every row: 6 columns, 8 statistics, 3 windows, next to three other engines.

    python -m benchmarks.lookback                      # 1 million rows; duckdb on 50,000
    python -m benchmarks.lookback --rows 100000 --peers polars --duckdb 0

duckdb takes a minute for a million rows, so it has a run of its own on fewer, beside forewarn on as many.
CPU seconds of all threads, the least of some rounds. The copy is a numpy copy of the result's bytes.
"""

import argparse
from collections.abc import Callable, Sequence
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from benchmarks import measure
from features.lookback import look_back
from features.schema import TIMESTAMP

SECOND = 10**9
WINDOWS = (10, 42, 120)
STATISTICS = ("count", "mean", "std", "min", "max", "first", "last", "p50")
NAMES = {"p50": "median"}


def observations(rows: int, columns: int) -> pa.Table:
    """One robot at about 5 Hz: steps of 0.1 to 0.3 s, values that wander."""
    random = np.random.default_rng(0)
    ts = np.cumsum(random.integers(SECOND // 10, 3 * SECOND // 10, rows)) + 1_772_323_200 * SECOND
    values = {f"c{i}": np.cumsum(random.normal(size=rows)) for i in range(columns)}
    return pa.table({"robot_id": pa.array(["robot"] * rows), "ts": pa.array(ts, TIMESTAMP), **values})


def pandas(table: pa.Table, statistics: Sequence[str]) -> Callable[[], object]:
    frame = table.drop_columns(["robot_id"]).to_pandas().set_index("ts")

    def compute() -> dict[str, object]:
        found = {}
        for seconds in WINDOWS:
            windows = frame.rolling(f"{seconds}s", closed="left")
            for name in statistics:
                found[f"{name}__{seconds}"] = getattr(windows, NAMES.get(name, name))()
        return found

    return compute


def polars(table: pa.Table, statistics: Sequence[str]) -> Callable[[], object]:
    import polars as pl

    frame = pl.from_arrow(table.drop_columns(["robot_id"]))
    columns = [name for name in frame.columns if name != "ts"]

    def compute() -> list[object]:
        return [
            frame.rolling("ts", period=f"{seconds}s", closed="left").agg(
                getattr(pl.col(column), NAMES.get(name, name))().alias(f"{column}__{name}")
                for column in columns
                for name in statistics
            )
            for seconds in WINDOWS
        ]

    return compute


def duckdb(table: pa.Table, statistics: Sequence[str]) -> Callable[[], object]:
    import duckdb as engine

    calls = {"count": "count", "mean": "avg", "std": "stddev_samp", "p50": "median"}
    connection = engine.connect()
    connection.execute("set threads = 1")
    counted = table.set_column(table.column_names.index("ts"), "ts", table.column("ts").cast(pa.int64()))
    connection.register("observations", counted)
    columns = [
        f"{calls.get(name, name)}({column}) over w{seconds}"
        for column in table.column_names[2:]
        for name in statistics
        for seconds in WINDOWS
    ]
    frames = [
        f"w{seconds} as (order by ts range between {seconds * SECOND} preceding and 1 preceding)"
        for seconds in WINDOWS
    ]
    query = f"select {', '.join(columns)} from observations window {', '.join(frames)}"
    return lambda: connection.sql(query).to_arrow_table()


PEERS = {"pandas": pandas, "polars": polars, "duckdb": duckdb}


def largest_difference(ours: pa.Table, theirs: dict[str, object]) -> float:
    """Between forewarn and pandas, over all statistics and windows, relative to the size of the values."""
    worst = 0.0
    for key, frame in theirs.items():
        name, seconds = key.split("__")
        text = {120: "2m"}.get(int(seconds), f"{seconds}s")
        for column in frame.columns:  # type: ignore[attr-defined]
            mine = pc.fill_null(
                ours.column(f"{column}__{name}__{text}").cast(pa.float64()), np.nan
            ).to_numpy()
            other = frame[column].to_numpy()  # type: ignore[index]
            gap = np.abs(mine - other) / np.maximum(1.0, np.abs(mine))
            worst = max(worst, float(np.nanmax(gap)), float((np.isnan(mine) != np.isnan(other))[2:].any()))
    return worst


def run(table: pa.Table, statistics: Sequence[str], rounds: int, peers: list[str], least: float) -> None:
    cutoffs = table.select(["robot_id", "ts"]).rename_columns(["robot_id", "cutoff"])
    windows = [timedelta(seconds=seconds) for seconds in WINDOWS]

    def compute() -> pa.Table:
        return look_back(table, cutoffs, windows=windows, statistics=statistics).features

    look_back(table.slice(0, 999), cutoffs.slice(0, 999), windows=windows, statistics=statistics)
    rise = measure.peak_bytes(compute)
    seconds = {"forewarn": measure.cpu_seconds(compute, rounds)}
    result = compute()
    seconds["copy"] = measure.copy_seconds(result, rounds)
    for name in peers:
        peer = PEERS[name](table, statistics)
        seconds[name] = measure.cpu_seconds(peer, 1 if name == "duckdb" else 2)
    print(f"\n{table.num_rows:,} rows, {table.num_columns - 2} columns, {len(WINDOWS)} windows:")
    print(f"{', '.join(statistics)}")
    for name, value in seconds.items():
        print(f"  {name:9} {value:8.3f} s   {value / seconds['forewarn']:6.2f} x forewarn")
    for name in ("pandas", "polars"):
        if name in seconds:
            measure.verdict(
                f"times as fast as {name}", seconds[name] / seconds["forewarn"], least, at_least=True
            )
    if rise is not None and table.num_rows >= measure.SETTLED:
        held = (table.nbytes + rise) / (table.nbytes + result.get_total_buffer_size())
        measure.verdict("peak memory over input and output", held, 2.5, at_least=False)
    if "pandas" in peers:
        difference = largest_difference(result, pandas(table, statistics)())  # type: ignore[arg-type]
        print(f"  largest relative difference from pandas: {difference:.1e}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", nargs="*", default=["polars", "pandas"], choices=list(PEERS))
    parser.add_argument("--duckdb", type=int, default=50_000, help="rows of duckdb's run; 0: none")
    options = parser.parse_args()
    measure.head("look-back windows at every row", "numpy", "numba", "pyarrow", "duckdb", *options.peers)
    given = observations(options.rows, options.columns)
    for statistics, least in ((STATISTICS, 4), (STATISTICS[:-1], 6)):
        run(given, statistics, options.rounds, options.peers, least)
        if options.duckdb:
            run(observations(options.duckdb, options.columns), statistics, options.rounds, ["duckdb"], least)
