"""From records to truth: what failed, when an episode began, and which cut-offs came before one.

All intervals are half-open and all times exact (ns). Tables made here are sorted by (robot_id, time) whatever
the order of the input.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa

from features import kernels
from features.columns import ranks, take
from features.contract import Int64s, one_chunk, require_columns, require_table
from features.errors import UsageError
from features.order import Order, order_rows
from features.predicate import holds
from features.schema import CODE, CUTOFF, CUTOFFS, FAILURES, ROBOT, TIMESTAMP, TS
from features.times import Duration, Instant, instant, nanoseconds, shifted

Edge = Literal["rising", "each"]
END: Final = "end"
LABEL: Final = "label"
EPISODES: Final = pa.schema(
    [(ROBOT, pa.string()), (TS, TIMESTAMP), (END, TIMESTAMP), (CODE, pa.string()), ("failures", pa.int64())]
)
SILENCE_NS: Final = 24 * 3_600 * 10**9


def find_failures(
    stream: pa.Table,
    when: Mapping[str, Any],
    *,
    edge: Edge = "rising",
    code: str = "",
    code_field: str | None = None,
) -> pa.Table:
    """The failures a stream tells of: records that satisfy `when` (see `features.predicate`).

    With edge `each` every such record is a failure. With `rising` (for levels repeated in every record) only
    those whose predecessor, the robot's record before, does not satisfy `when`; a robot's first record and
    one after more than 24 h of silence count as newly risen. Records of one robot and time count together:
    the level is up when any of them says so.

    `code` names the failure; `code_field` takes the name from that field instead, as text, null where the
    field is null. Returns `robot_id, ts, code` (`schema.FAILURES`) without repeats. Raises DataError when the
    stream breaks its contract or `when` does not fit it, UsageError for another edge.
    """
    require_table(stream, "stream")
    if edge not in ("rising", "each"):
        raise UsageError("edge is unknown", got=repr(edge), expected=["rising", "each"])
    order = order_rows(stream, "stream")
    up = order.arrange(holds(stream, when, "stream"))
    if edge == "rising":
        up = kernels.rises(order.times, order.bounds, up, SILENCE_NS)
    found = order.subset(up)
    if code_field is None:
        codes = pa.repeat(pa.scalar(code, pa.string()), len(found))
    else:
        require_columns(stream, [code_field], "stream")
        codes = one_chunk(stream.column(code_field)).take(pa.array(found.rows)).cast(pa.string())
    return _distinct(pa.table([found.robot_ids(), pa.array(found.times, TIMESTAMP), codes], schema=FAILURES))


def episodes(failures: pa.Table, episode_gap: Duration) -> pa.Table:
    """Failures of a robot closer together than `episode_gap`, each to the next, as one episode.

    `failures`: `robot_id`, `ts`, `code`; repeats count once. Returns `robot_id`, `ts` (the first failure:
    where the episode starts), `end` (the last failure), `code` (of the first; of several at once the least by
    name), `failures` (int64, how many). Raises DataError when `failures` breaks its contract, UsageError for
    a negative gap.
    """
    require_table(failures, "failures")
    require_columns(failures, [CODE], "failures")
    gap = nanoseconds(episode_gap, "episode_gap")
    if gap < 0:
        raise UsageError("episode_gap is negative", got=episode_gap, expected="zero or more")
    order_rows(failures, "failures")
    failures = _distinct(failures.select([ROBOT, TS, CODE]))
    order = order_rows(failures, "failures")
    begins = kernels.begins(order.times, order.bounds, gap)
    first = np.flatnonzero(begins)
    last = np.append(first[1:], len(order)) - 1 if len(first) else first
    starts = failures.take(pa.array(first))
    return pa.table(
        [
            starts.column(ROBOT),
            starts.column(TS),
            pa.array(order.times[last], TIMESTAMP),
            starts.column(CODE).cast(pa.string()),
            pa.array(last - first + 1, pa.int64()),
        ],
        schema=EPISODES,
    )


def failure_cutoffs(episodes: pa.Table, lead: Duration) -> pa.Table:
    """The classic cut-offs, `episode start − lead`: `robot_id`, `cutoff` (`schema.CUTOFFS`), sorted.

    `episodes`: `robot_id`, `ts` of each start, as `episodes` gives them.
    Raises DataError when it breaks its contract.
    """
    require_table(episodes, "episodes")
    order = order_rows(episodes, "episodes")
    cutoffs = pa.array(shifted(order.times, -nanoseconds(lead, "lead")), TIMESTAMP)
    return pa.table([order.robot_ids(), cutoffs], schema=CUTOFFS)


def label(
    cutoffs: pa.Table,
    episodes: pa.Table,
    lead: Duration,
    horizon: Duration,
    observed_until: Instant | Mapping[str, Instant],
) -> pa.Table:
    """Whether an episode of the robot starts in `[cutoff + lead, cutoff + lead + horizon)`.

    `cutoffs`: `robot_id`, `cutoff` and any other columns; `episodes`: `robot_id`, `ts` as `episodes` returns
    them. Failures are known before `observed_until` (exclusive), of all robots or per robot id. Returns
    `cutoffs` as given with a bool column `label`: null when the interval is not observed to its end and its
    observed part shows no start. Raises DataError when a table breaks its contract, UsageError for a horizon
    that is not positive or a robot missing from `observed_until`.
    """
    require_table(cutoffs, "cutoffs")
    ahead, length = nanoseconds(lead, "lead"), nanoseconds(horizon, "horizon")
    if length <= 0:
        raise UsageError("horizon is not above zero", got=horizon)
    order = order_rows(cutoffs, "cutoffs", time=CUTOFF)
    starts = order_rows(require_table(episodes, "episodes"), "episodes")
    until = _observed(observed_until, order)
    begin = shifted(order.times, ahead)
    end = shifted(begin, length)
    first, last = starts.segments(order.robots)
    positive = kernels.any_between(order.bounds, begin, np.minimum(end, until), starts.times, first, last)
    unknown = ~positive & (end > until)
    result, hidden = np.empty_like(positive), np.empty_like(unknown)
    rows = slice(None) if order.rows is None else order.rows
    result[rows], hidden[rows] = positive, unknown
    return cutoffs.append_column(pa.field(LABEL, pa.bool_()), pa.array(result, mask=hidden))


def _observed(observed_until: Instant | Mapping[str, Instant], order: Order) -> Int64s:
    """`observed_until` of every cut-off, in ns."""
    if not isinstance(observed_until, Mapping):
        return np.full(len(order), instant(observed_until, "observed_until"))
    missing = [robot for robot in order.robots if robot not in observed_until]
    if missing:
        raise UsageError("observed_until misses robots", got=sorted(observed_until), expected=missing)
    each = [instant(observed_until[robot], f"observed_until of {robot}") for robot in order.robots]
    return np.repeat(np.array(each, dtype=np.int64), np.diff(order.bounds))


def _distinct(failures: pa.Table) -> pa.Table:
    """The failures sorted by (robot_id, ts, code), each once."""
    failures = take(failures, None)
    return failures.take(pa.array(np.unique(ranks(failures), return_index=True)[1]))
