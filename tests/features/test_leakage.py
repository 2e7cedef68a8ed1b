"""Nothing that became known after a cut-off may change a feature of it, whichever stream it is in."""

from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from features.events import look_back_events
from features.join import nearest_join
from features.lookback import look_back
from features.schema import TIMESTAMP

WINDOWS = [timedelta(seconds=3), timedelta(seconds=20)]
SECOND = 10**9


def stream(random: np.random.Generator, rows: int) -> pa.Table:
    ts = np.sort(random.choice(400, rows, replace=False)) * SECOND // 4
    return pa.table(
        {
            "robot_id": pa.array(random.choice(["a", "b"], rows)),
            "ts": pa.array(ts, TIMESTAMP),
            "recv_ts": pa.array(ts + random.integers(0, 8, rows) * SECOND // 2, TIMESTAMP),
            "x": random.normal(size=rows),
            "n": random.integers(0, 4, rows),
            "state": random.choice(["on", "off"], rows),
        }
    )


def moved(random: np.random.Generator, table: pa.Table, cutoff: int) -> pa.Table:
    """Other values in every record that happened or arrived after the cut-off."""
    ts, recv = (table.column(name).to_numpy().astype(np.int64) for name in ("ts", "recv_ts"))
    late = pa.array(np.maximum(ts, recv) > cutoff)
    other = random.permutation(table.num_rows)
    columns = {
        name: pc.if_else(late, table.column(name).take(pa.array(other)), table.column(name))
        if name in ("x", "n", "state")
        else table.column(name)
        for name in table.column_names
    }
    return pa.table(columns)


@pytest.mark.parametrize("seed", range(60))
def test_what_comes_after_a_cut_off_changes_nothing(seed: int) -> None:
    random = np.random.default_rng(seed)
    anchor, samples, events = stream(random, 150), stream(random, 120), stream(random, 30)
    cutoff = int(random.integers(20, 90)) * SECOND + int(random.integers(0, 2)) * SECOND // 4
    cutoffs = pa.table({"robot_id": ["a", "b"], "cutoff": pa.array([cutoff, cutoff], TIMESTAMP)})

    def features(anchor: pa.Table, samples: pa.Table, events: pa.Table) -> tuple[pa.Table, pa.Table]:
        observed = nearest_join(anchor, {"s": samples}, tolerance=timedelta(seconds=2))
        found = look_back(observed, cutoffs, windows=WINDOWS, states={"state": ["on"]}).features
        counted = look_back_events({"e": events}, cutoffs, windows=WINDOWS, cap=timedelta(minutes=1))
        return found, counted

    before = features(anchor, samples, events)
    after = features(*(moved(random, table, cutoff) for table in (anchor, samples, events)))
    assert after == before
    for table in before:
        latest = table.column("latest_used").cast(pa.int64())
        assert pc.all(pc.less_equal(latest, cutoff)).as_py() is not False
        assert latest.null_count < 2


def test_a_row_known_only_later_is_left_out_until_then() -> None:
    observed = pa.table(
        {
            "robot_id": ["a", "a"],
            "ts": pa.array([1 * SECOND, 2 * SECOND], TIMESTAMP),
            "available_at": pa.array([9 * SECOND, 2 * SECOND], TIMESTAMP),
            "x": [10.0, 20.0],
        }
    )
    cutoffs = pa.table({"robot_id": ["a"] * 2, "cutoff": pa.array([9 * SECOND - 1, 9 * SECOND], TIMESTAMP)})
    found = look_back(observed, cutoffs, windows=[timedelta(minutes=1)], statistics=["count", "mean"])
    assert found.features.column("x__count__1m").to_pylist() == [1, 2]
    assert found.features.column("x__mean__1m").to_pylist() == [20.0, 15.0]
    assert found.features.column("latest_used").cast(pa.int64()).to_pylist() == [2 * SECOND, 9 * SECOND]


def test_streaming_and_sampled_cut_offs_agree() -> None:
    random = np.random.default_rng(5)
    observed = nearest_join(stream(random, 300), {"s": stream(random, 200)}, tolerance=timedelta(seconds=2))
    every = observed.select(["robot_id", "ts"]).rename_columns(["robot_id", "cutoff"])
    some = every.take(pa.array(random.choice(len(every), 20, replace=False)))
    streaming = look_back(observed, every, windows=WINDOWS).features
    sampled = look_back(observed, some, windows=WINDOWS).features
    assert (
        streaming.join(some, ["robot_id", "cutoff"], join_type="left semi")
        .sort_by([("robot_id", "ascending"), ("cutoff", "ascending")])
        .select(sampled.column_names)
        .equals(sampled)
    )
