"""However the input is cut, shuffled, repeated or spread over workers, tables are the same to the byte."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from features.join import deduplicate, nearest_join
from features.lookback import look_back
from features.schema import TIMESTAMP

HOUR = 3_600 * 10**9
DAY = 24 * HOUR
START = 20_513 * DAY - 3 * HOUR
SPAN = 6 * HOUR
TOLERANCE = timedelta(seconds=90)
WINDOWS = [timedelta(seconds=42), timedelta(minutes=7), timedelta(hours=1)]
Random = np.random.Generator


def stream(random: Random, rows: int) -> pa.Table:
    ts = START + random.choice(SPAN // 10**9, rows, replace=False) * 10**9 + random.integers(0, 10**9, rows)
    return pa.table(
        {
            "robot_id": pa.array(random.choice(["r1", "r2", "r10"], rows)),
            "ts": pa.array(ts, TIMESTAMP),
            "recv_ts": pa.array(ts + random.integers(0, 5 * 10**9, rows), TIMESTAMP),
            "level": pa.array(random.normal(1e6, 1.0, rows), mask=random.random(rows) < 0.1),
            "count": pa.array(random.integers(0, 5, rows), mask=random.random(rows) < 0.1),
            "state": pa.array(random.choice(["idle", "drive", "dock"], rows)).dictionary_encode(),
        }
    )


def parquet(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    encoded: bytes = sink.getvalue().to_pybytes()
    return encoded


def ipc(table: pa.Table) -> bytes:
    """The buffers themselves, so also what lies beneath nulls."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    encoded: bytes = sink.getvalue().to_pybytes()
    return encoded


def scrambled(random: Random, table: pa.Table) -> pa.Table:
    """The same records cut into pieces, out of order, some of them twice."""
    rows = random.permutation(np.concatenate([np.arange(len(table)), random.integers(0, len(table), 20)]))
    pieces = np.array_split(rows, random.integers(1, 6))
    return pa.concat_tables(table.take(pa.array(piece)) for piece in pieces)


def between(table: pa.Table, start: int, end: int, name: str = "ts") -> pa.Table:
    times = table.column(name).cast(pa.int64())
    return table.filter(pc.and_(pc.greater_equal(times, start), pc.less(times, end)))


def borders(random: Random) -> list[int]:
    """Cuts by day, by hour or at random."""
    every = random.choice([DAY, HOUR, 0])
    inner = (
        np.arange(START // every + 1, (START + SPAN) // every + 1) * every
        if every
        else np.sort(random.integers(START, START + SPAN, 4))
    )
    return [START - DAY, *inner.tolist(), START + SPAN + DAY]


def in_pieces(random: Random, workers: int, piece: Callable[[int, int], pa.Table]) -> pa.Table:
    """Each piece of time on its own, then all of them in order of robot and time."""
    cuts = borders(random)
    with ThreadPoolExecutor(workers) as pool:
        tables = list(pool.map(piece, cuts[:-1], cuts[1:]))
    whole = pa.concat_tables(tables, promote_options="default").unify_dictionaries()
    return (
        deduplicate(whole).table
        if "ts" in whole.column_names
        else whole.sort_by([("robot_id", "ascending"), ("cutoff", "ascending")]).combine_chunks()
    )


@pytest.mark.parametrize("seed", range(200))
def test_tables_are_the_same_to_the_byte(seed: int) -> None:
    random = np.random.default_rng(seed)
    anchor, beside = stream(random, 120), stream(random, 150)
    failures = stream(random, 4)
    cutoffs = anchor.select(["robot_id", "ts"]).rename_columns(["robot_id", "cutoff"])

    joined = nearest_join(anchor, {"s": beside}, tolerance=TOLERANCE)
    shuffled = nearest_join(scrambled(random, anchor), {"s": scrambled(random, beside)}, tolerance=TOLERANCE)
    assert parquet(shuffled) == parquet(joined)
    assert ipc(shuffled) == ipc(joined)

    reach = int(TOLERANCE.total_seconds() * 1e9)
    shuffled_beside = scrambled(random, beside)

    def join_piece(start: int, end: int) -> pa.Table:
        near = between(shuffled_beside, start - reach, end + reach + 1)
        return nearest_join(between(anchor, start, end), {"s": near}, tolerance=TOLERANCE)

    workers = 8 if seed % 10 == 0 else 1
    assert parquet(in_pieces(random, workers, join_piece)) == parquet(joined)

    found = look_back(joined, cutoffs, windows=WINDOWS, failures=failures)
    again = look_back(
        scrambled(random, joined),
        scrambled(random, cutoffs),
        windows=WINDOWS,
        failures=scrambled(random, failures),
    )
    assert ipc(again.features) == ipc(found.features)
    assert ipc(again.excluded) == ipc(found.excluded)

    def look_back_piece(start: int, end: int) -> pa.Table:
        near = between(joined, start - HOUR, end)
        asked = between(cutoffs, start, end, "cutoff")
        return look_back(near, asked, windows=WINDOWS, failures=between(failures, start - HOUR, end)).features

    assert parquet(in_pieces(random, workers, look_back_piece)) == parquet(found.features)
