"""Compile every kernel once, so that a worker's first datum is as fast as its next.

Compiled code is cached on disk (beside the sources, or in `NUMBA_CACHE_DIR`): the first call on a machine
takes about a minute, later ones load it in about a second.
"""

from datetime import timedelta

import numpy as np
import pyarrow as pa

from features.events import look_back_events
from features.join import nearest_join
from features.labels import episodes, find_failures, label
from features.lookback import look_back
from features.schema import CUTOFFS, ROBOT, TIMESTAMP, TS
from features.signals import look_back_signals


def warm_up() -> None:
    """Run every public function of this package once on a few rows of each kind of column."""
    ts = pa.array(np.repeat(np.arange(20), 2)[:30] * 10**9, TIMESTAMP)
    sorted_rows = pa.table(
        {
            ROBOT: pa.array(["a"] * 20 + ["b"] * 10),
            TS: pa.array(np.arange(30) * 10**9, TIMESTAMP),
            "number": np.arange(30.0),
            "whole": np.arange(30),
            "natural": np.arange(30, dtype=np.uint64),
            "patchy": pa.array([0.0, 1.0, None] * 10),
            "state": pa.array(["x", "y", None] * 10),
        }
    )
    unsorted = (
        sorted_rows.set_column(1, TS, ts).append_column("recv_ts", ts).take(pa.array(np.arange(30)[::-1]))
    )
    second, minute = timedelta(seconds=1), timedelta(minutes=1)
    joined = nearest_join(sorted_rows, {"s": unsorted}, tolerance=second)
    every = pa.table([sorted_rows.column(ROBOT), sorted_rows.column(TS)], schema=CUTOFFS)
    failures = find_failures(unsorted, {"state": "x"})
    for observed, cutoffs in ((joined, every), (joined, every.slice(0, 1)), (unsorted, every)):
        look_back(observed, cutoffs, windows=[minute], failures=failures, states={"state": ["x"]})
    look_back_signals(joined, every, windows=[minute], every=second, max_gap=minute)
    look_back_events({"e": unsorted}, every, windows=[minute], cap=minute)
    label(every, episodes(failures, minute), second, minute, np.datetime64(0, "ns"))
