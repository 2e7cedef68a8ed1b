"""Look-back features: what the robot's observations said in the windows before each moment of decision.

A feature row may use nothing that was not known at its cut-off. That is checked row by row (`available_at`)
and certified per row (`latest_used`), and the values depend on the rows inside the window alone, so that a
score made live, a training set and a rebuild of history agree to the last bit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

import numpy as np
import pyarrow as pa

from features.categories import Categories
from features.columns import gather
from features.contract import require_table
from features.errors import DataError, UsageError
from features.kernels import any_between
from features.numbers import Numbers, alike
from features.order import Order, order_rows
from features.schema import (
    AVAILABLE_AT,
    CUTOFF,
    EXCLUDED,
    FAILURE_IN_WINDOW,
    INSUFFICIENT_DATA,
    LATEST_USED,
    RECV_TS,
    ROBOT,
    TIMESTAMP,
    TS,
)
from features.spans import Flags, Windows, asked, observed, window_lengths
from features.spans import windows as windows_of
from features.statistics import STATISTICS, is_categorical, is_numeric
from features.times import Duration, nanoseconds, shifted, window_text

KEYS = (ROBOT, TS, RECV_TS, AVAILABLE_AT)


@dataclass(frozen=True)
class LookBack:
    """`features`: one row per cut-off kept; `excluded`: `robot_id, cutoff, reason` of the others."""

    features: pa.Table
    excluded: pa.Table


def look_back(
    observations: pa.Table,
    cutoffs: pa.Table,
    *,
    windows: Sequence[Duration],
    failures: pa.Table | None = None,
    columns: Sequence[str] | None = None,
    statistics: Sequence[str] = STATISTICS,
    states: Mapping[str, Sequence[str | bool | int]] | None = None,
    min_coverage: float = 0.0,
    expected_every: Duration | None = None,
) -> LookBack:
    """Statistics of the observations in `[c − w, c)` known by `c`, for each cut-off c and window length w.

    `observations`: `robot_id`, `ts`, optionally `available_at` (timestamp[ns, UTC], never null; without it
    the later of `ts` and any `recv_ts`), then columns; any order. Rows alike in everything count once; other
    rows of one robot and time are all used, ordered by `available_at`, then by their values.
    `cutoffs`: `robot_id`, `cutoff` (timestamp[ns, UTC]); any order, repeats count once, other columns unused.
    `failures`: `robot_id`, `ts`, to exclude windows by. `columns`: those to make features of; all numeric,
    text and bool columns by default. `states`: for `share`, column → the states it may take; an integer
    column listed here is categorical; columns that are not observed are passed over.

    `features`: `robot_id`, `cutoff`, `latest_used` (the largest `available_at` used, ≤ cutoff, null when the
    longest window holds no row), then `<column>__<statistic>__<window>`, `share` as
    `<column>__share_<state>__<window>`; a window is written `42s`, `2m`, `500ms` (see `times.window_text`).
    Statistics and their types and nulls: see `features.statistics`; `slope` is per second.
    `excluded`: cut-offs whose longest window w holds a failure, `c − w ≤ t < c` (`failure_in_window`), else
    whose longest window uses fewer than `min_coverage` of the `w / expected_every` rows expected
    (`insufficient_data`). Both tables are sorted by (robot_id, cutoff) and do not depend on the order or
    partition of the input.

    Raises DataError when a table breaks its contract or a column cannot be summarised, UsageError for no
    windows, repeated or not positive ones, an unknown statistic, or `min_coverage` without `expected_every`.
    """
    lengths = window_lengths(windows)
    longest = max(lengths)
    unknown = [name for name in statistics if name not in STATISTICS]
    if unknown:
        raise UsageError("statistics are unknown", got=unknown, expected=STATISTICS)
    required = _required_rows(longest, min_coverage, expected_every)
    states = states or {}
    names = _summarised(require_table(observations, "observations"), columns, states)
    order, available = observed(observations)
    when = asked(cutoffs)
    failed = _holds_failure(when, longest, failures)
    scarce = np.zeros(len(when), dtype=np.bool_)
    if required:
        scarce = ~failed & (windows_of(order, available, when, longest).all_rows.count < required)
    kept = when.subset(~(failed | scarce))
    cut = {length: windows_of(order, available, kept, length) for length in lengths}
    made = {
        ROBOT: kept.robot_ids(),
        CUTOFF: pa.array(kept.times, TIMESTAMP),
        LATEST_USED: cut[longest].latest_used(),
    }
    columns_of: dict[str, dict[str, pa.Array]] = {}
    for together in alike({name: observations.column(name) for name in names}, states):
        values = {name: gather(observations.column(name), order.rows) for name in together}
        columns_of |= _features(values, order, statistics, states, cut)
    for name in names:
        made |= columns_of[name]
    return LookBack(pa.table(made), _excluded(when, failed, scarce))


def _features(
    columns: Mapping[str, pa.Array],
    order: Order,
    statistics: Sequence[str],
    states: Mapping[str, Sequence[object]],
    windows: Mapping[int, Windows],
) -> dict[str, dict[str, pa.Array]]:
    """Of columns that are alike: by name, `<name>__<statistic>__<window>`, all windows side by side."""
    first = next(iter(columns))
    values = [
        each.cast(each.type.value_type) if pa.types.is_dictionary(each.type) else each
        for each in columns.values()
    ]
    summarised: Numbers | Categories
    if first not in states and is_numeric(values[0].type):
        summarised = Numbers(values, order)
    else:
        summarised = Categories(values[0], [_state_text(state) for state in states.get(first, ())])
    found = {length: summarised.statistics(statistics, each) for length, each in windows.items()}
    return {
        name: {
            f"{name}__{statistic}__{window_text(length)}": found[length][statistic][i]
            for statistic in next(iter(found.values()))
            for length in windows
        }
        for i, name in enumerate(columns)
    }


def _holds_failure(cutoffs: Order, length: int, failures: pa.Table | None) -> Flags:
    """Whether a failure of the robot lies in `[c − length, c)`."""
    if failures is None:
        return np.zeros(len(cutoffs), dtype=np.bool_)
    failed = order_rows(require_table(failures, "failures"), "failures")
    first, last = failed.segments(cutoffs.robots)
    since = shifted(cutoffs.times, -length)
    found: Flags = any_between(cutoffs.bounds, since, cutoffs.times, failed.times, first, last)
    return found


def _excluded(cutoffs: Order, failed: Flags, scarce: Flags) -> pa.Table:
    out = cutoffs.subset(failed | scarce)
    reasons = np.where(failed[failed | scarce], FAILURE_IN_WINDOW, INSUFFICIENT_DATA)
    return pa.table(
        [out.robot_ids(), pa.array(out.times, TIMESTAMP), pa.array(reasons, pa.string())], schema=EXCLUDED
    )


def _required_rows(length: int, min_coverage: float, expected_every: Duration | None) -> int:
    """The least number of rows that is `min_coverage` of those expected; exact in decimal."""
    if not 0 <= min_coverage <= 1:
        raise UsageError("min_coverage is out of range", got=min_coverage, expected="0 to 1")
    if min_coverage == 0:
        return 0
    every = nanoseconds(expected_every, "expected_every") if expected_every is not None else 0
    if every <= 0:
        raise UsageError(
            "min_coverage needs expected_every", got=expected_every, expected="the usual time between rows"
        )
    return ceil(Fraction(str(min_coverage)) * length / every)


def _summarised(
    observations: pa.Table, columns: Sequence[str] | None, states: Mapping[str, Sequence[object]]
) -> list[str]:
    """Columns to make features of, in the order asked for, or else of the table."""
    kinds = {
        field.name: field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        for field in observations.schema
        if field.name not in KEYS
    }
    fit = [name for name, kind in kinds.items() if is_numeric(kind) or is_categorical(kind)]
    names = fit if columns is None else list(columns)
    missing = [name for name in names if name not in kinds]
    if missing:
        raise DataError("columns are not observed", got=missing, expected=list(kinds))
    unfit = [f"{name}: {kinds[name]}" for name in names if name not in fit]
    if unfit:
        raise DataError(
            "columns cannot be summarised",
            got=unfit,
            expected="numbers, text or bool",
            hint="cast them, or leave them out of columns",
        )
    mixed = [name for name in states if name in kinds and pa.types.is_floating(kinds[name])]
    if mixed:
        raise DataError("a float column has no states", got=mixed, expected="text, bool or integer columns")
    return names


def _state_text(state: object) -> str:
    return str(state).lower() if isinstance(state, bool) else str(state)
