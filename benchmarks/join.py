"""Nearest-time join: four streams beside an anchor, for one robot and for many, next to three other engines.

    python -m benchmarks.join                       # 10 million anchor rows; duckdb on 50,000
    python -m benchmarks.join --rows 1000000 --peers polars --duckdb 0

duckdb takes 40 to 80 s for 10 million rows, so it has a run of its own on fewer, beside forewarn on as many.
CPU seconds of all threads, the least of some rounds. The copy is a numpy copy of the result's bytes.
"""

import argparse
from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pyarrow as pa

from benchmarks import measure
from features.join import nearest_join
from features.schema import TIMESTAMP

SECOND = 10**9
TOLERANCE = timedelta(seconds=2.5)
STREAMS = {"s1": 0.2, "s2": 0.5, "s3": 1.0, "s4": 2.0}  # seconds between records; the anchor has 0.2
Tables = dict[str, pa.Table]


def stream(rows: int, robots: int, every: float, seed: int) -> pa.Table:
    """Records of robots one after the other, steps of half to one and a half times `every` seconds."""
    random, step = np.random.default_rng(seed), int(every * SECOND)
    each = rows // robots
    steps = random.integers(step // 2, step * 3 // 2, (robots, each))
    names = pa.array([f"robot-{i:04d}" for i in range(robots)])
    return pa.table(
        {
            "robot_id": names.take(pa.array(np.repeat(np.arange(robots), each))),
            "ts": pa.array((np.cumsum(steps, axis=1) + 1_772_323_200 * SECOND).ravel(), TIMESTAMP),
            "value": random.normal(size=robots * each),
        }
    )


def polars(anchor: pa.Table, streams: Tables) -> Callable[[], object]:
    import polars as pl

    by = "robot_id" if anchor["robot_id"].chunk(0)[0] != anchor["robot_id"].chunk(0)[-1] else None
    left = pl.from_arrow(anchor)
    keys = ["ts"] if by is None else ["robot_id", "ts"]
    right = {
        name: pl.from_arrow(table).select(*keys, pl.col("value").alias(name))
        for name, table in streams.items()
    }

    def join() -> object:
        joined = left
        for table in right.values():
            joined = joined.join_asof(
                table, on="ts", by=by, strategy="nearest", tolerance="2500ms", check_sortedness=False
            )
        return joined

    return join


def pandas(anchor: pa.Table, streams: Tables) -> Callable[[], object]:
    import pandas as pd

    left = anchor.to_pandas()
    right = {name: table.to_pandas().rename(columns={"value": name}) for name, table in streams.items()}

    def join() -> object:
        joined = left.sort_values("ts")
        for table in right.values():
            joined = pd.merge_asof(
                joined,
                table.sort_values("ts"),
                on="ts",
                by="robot_id",
                direction="nearest",
                tolerance=pd.Timedelta(TOLERANCE),
            )
        return joined

    return join


def duckdb(anchor: pa.Table, streams: Tables) -> Callable[[], object]:
    """ASOF joins look one way only: both ways, then the nearer. Times as integers, for it subtracts no ns."""
    import duckdb as engine

    connection = engine.connect()
    connection.execute("set threads = 1")
    connection.register("anchor", _counted(anchor))
    columns, joins = ["anchor.*"], []
    for name, table in streams.items():
        connection.register(name, _counted(table))
        columns.append(
            f"case when b_{name}.ts is not null and (f_{name}.ts is null "
            f"or anchor.ts - b_{name}.ts <= f_{name}.ts - anchor.ts) "
            f"then case when anchor.ts - b_{name}.ts <= 2500000000 then b_{name}.value end "
            f"else case when f_{name}.ts - anchor.ts <= 2500000000 "
            f"then f_{name}.value end end {name}"
        )
        joins += [
            f"asof left join {name} {side}_{name} on anchor.robot_id = {side}_{name}.robot_id "
            f"and anchor.ts {sign} {side}_{name}.ts"
            for side, sign in (("b", ">="), ("f", "<="))
        ]
    query = f"select {', '.join(columns)} from anchor {' '.join(joins)}"
    return lambda: connection.sql(query).to_arrow_table()


def _counted(table: pa.Table) -> pa.Table:
    return table.set_column(table.column_names.index("ts"), "ts", table.column("ts").cast(pa.int64()))


PEERS = {"polars": polars, "pandas": pandas, "duckdb": duckdb}


def run(rows: int, robots: int, rounds: int, peers: list[str]) -> None:
    anchor = stream(rows, robots, 0.2, 0)
    streams = {
        name: stream(int(rows * 0.2 / every), robots, every, seed)
        for seed, (name, every) in enumerate(STREAMS.items(), 1)
    }

    def join() -> pa.Table:
        return nearest_join(anchor, streams, tolerance=TOLERANCE)

    nearest_join(anchor.slice(0, 9), {"s1": streams["s1"].slice(0, 9)}, tolerance=TOLERANCE)
    given = anchor.nbytes + sum(table.nbytes for table in streams.values())
    rise = measure.peak_bytes(join)
    seconds = {"forewarn": measure.cpu_seconds(join, rounds)}
    seconds["copy"] = measure.copy_seconds(join(), rounds)
    for name in peers:
        seconds[name] = measure.cpu_seconds(
            PEERS[name](anchor, streams), 1 if name == "duckdb" else min(rounds, 3)
        )
    print(f"\n{rows:,} anchor rows, {robots:,} robot(s), {len(streams)} streams, tolerance 2.5 s")
    for name, value in seconds.items():
        print(f"  {name:9} {value:8.3f} s   {value / seconds['forewarn']:6.2f} x forewarn")
    if rows >= measure.SETTLED:
        measure.verdict("times the copy", seconds["forewarn"] / seconds["copy"], 4, at_least=False)
    if "polars" in seconds:
        faster = seconds["polars"] / seconds["forewarn"]
        measure.verdict("times as fast as polars", faster, 1 if robots == 1 else 4, at_least=True)
    if rise is not None and rows >= measure.SETTLED:
        measure.verdict("peak memory over input", (given + rise) / given, 2.5, at_least=False)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=10_000_000, help="anchor rows")
    parser.add_argument("--robots", type=int, nargs="+", default=[1, 1_000])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--peers", nargs="*", default=["polars", "pandas"], choices=list(PEERS))
    parser.add_argument("--duckdb", type=int, default=50_000, help="anchor rows of duckdb's run; 0: none")
    options = parser.parse_args()
    measure.head("nearest-time join", "numpy", "numba", "pyarrow", "duckdb", *options.peers)
    for robots in options.robots:
        run(options.rows, robots, options.rounds, options.peers)
        if options.duckdb:
            run(options.duckdb, robots, options.rounds, ["duckdb"])
