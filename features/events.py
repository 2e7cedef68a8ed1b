"""Look-back features of things that happen rather than last: how many lately, and how long ago the last."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import pyarrow as pa

from features.columns import column, later
from features.contract import arrivals, require_table
from features.errors import UsageError
from features.order import Order, latest_arrivals, order_rows
from features.schema import CUTOFF, LATEST_USED, ROBOT, TIMESTAMP
from features.spans import asked, window_lengths
from features.spans import windows as windows_of
from features.times import Duration, nanoseconds, window_text

COUNT: Final = "count"
SINCE_LAST: Final = "since_last_s"


def look_back_events(
    events: Mapping[str, pa.Table], cutoffs: pa.Table, *, windows: Sequence[Duration], cap: Duration
) -> pa.Table:
    """Counts of events in `[c − w, c)` and the time since the last, for each cut-off c and window length w.

    `events`: stream name → `robot_id`, `ts`, optionally `recv_ts` (timestamp[ns, UTC]), in any order, and
    deduplicated first (see `deduplicate`). An event counts when it happened before c and had arrived by c.
    `cutoffs`: `robot_id`, `cutoff`; repeats count once, other columns unused.

    Returns, sorted, `robot_id`, `cutoff`, `latest_used` (the latest event or arrival time used, ≤ cutoff,
    null when none), then per stream `<stream>__count__<window>` (int64) and `<stream>__since_last_s` (float64
    seconds, at most `cap`, and `cap` where no event is nearer). None is null.
    Raises DataError when a table breaks its contract, UsageError for windows or a cap that are not positive.
    """
    lengths = window_lengths(windows)
    reach = nanoseconds(cap, "cap")
    if reach <= 0:
        raise UsageError("cap is not above zero", got=cap)
    when = asked(cutoffs)
    latest = pa.nulls(len(when), TIMESTAMP)
    made: dict[str, pa.Array] = {}
    for name, stream in events.items():
        used, columns = _one_stream(name, require_table(stream, name), when, lengths, reach)
        latest = later(latest, used)
        made |= columns
    keys = {ROBOT: when.robot_ids(), CUTOFF: pa.array(when.times, TIMESTAMP), LATEST_USED: latest}
    return pa.table(keys | made)


def _one_stream(
    name: str, stream: pa.Table, cutoffs: Order, lengths: Sequence[int], cap: int
) -> tuple[pa.Array, dict[str, pa.Array]]:
    """What the features of one event stream used, and the features."""
    arrival = arrivals(stream, name)
    order = latest_arrivals(order_rows(stream, name), arrival)
    available = np.maximum(order.times, order.arrange(arrival))
    columns = {}
    for length in lengths:
        count = windows_of(order, available, cutoffs, length).all_rows.count
        columns[f"{name}__{COUNT}__{window_text(length)}"] = column(count, pa.int64())
    longest = windows_of(order, available, cutoffs, max(lengths))
    capped = windows_of(order, available, cutoffs, cap)
    present = capped.all_rows
    since = np.full(len(cutoffs), cap)
    near = present.count > 0
    since[near] = cutoffs.times[near] - order.times[present.foot[near]]
    columns[f"{name}__{SINCE_LAST}"] = column(since / 1e9, pa.float64())
    last = column(present.foot, pa.int64(), present.found)
    return later(longest.latest_used(), column(available, TIMESTAMP).take(last)), columns
