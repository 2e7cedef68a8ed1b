"""The same functions for pandas: frames in, frames out, nothing rounded on the way.

Times may be tz-aware columns of any unit and zone; they become UTC nanoseconds. Results use pandas' Arrow
types, so that an integer beside a missing value stays an integer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from features.errors import DataError
from features.join import nearest_join
from features.lookback import look_back
from features.schema import AVAILABLE_AT, CUTOFF, RECV_TS, TIMESTAMP, TS

if TYPE_CHECKING:
    import pandas as pd

TIMES = (TS, RECV_TS, AVAILABLE_AT, CUTOFF)


def nearest_join_frames(
    anchor: pd.DataFrame, streams: Mapping[str, pd.DataFrame], **options: Any
) -> pd.DataFrame:
    """`features.join.nearest_join` on frames: `anchor`, `streams` and what it returns.

    `options` are its keyword arguments. Raises DataError for a naive time column too.
    """
    tables = {name: from_frame(frame, name) for name, frame in streams.items()}
    return to_frame(nearest_join(from_frame(anchor, "anchor"), tables, **options))


def look_back_frames(
    observations: pd.DataFrame, cutoffs: pd.DataFrame, *, failures: pd.DataFrame | None = None, **options: Any
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`features.lookback.look_back` on frames: `observations`, `cutoffs` and `failures`.

    Returns its features and its excluded cut-offs; `options` are its other keyword arguments. Raises
    DataError for a naive time column too.
    """
    found = look_back(
        from_frame(observations, "observations"),
        from_frame(cutoffs, "cutoffs"),
        failures=None if failures is None else from_frame(failures, "failures"),
        **options,
    )
    return to_frame(found.features), to_frame(found.excluded)


def from_frame(frame: pd.DataFrame, what: str) -> pa.Table:
    """A frame's columns as a table, its time columns as timestamp[ns, UTC]; the index is left out.

    Raises DataError for a naive time column, and for one finer or wider than int64 nanoseconds hold.
    """
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata()
    for place, field in enumerate(table.schema):
        if field.name in TIMES and pa.types.is_timestamp(field.type):
            if field.type.tz is None:
                raise DataError(
                    f"{what}.{field.name} has no time zone",
                    got=field.type,
                    expected="a tz-aware column",
                    hint=f"frame[{field.name!r}].dt.tz_localize('UTC')",
                )
            table = table.set_column(place, field.name, table.column(place).cast(TIMESTAMP))
    return table


def to_frame(table: pa.Table) -> pd.DataFrame:
    """A table as a frame of Arrow-backed columns."""
    import pandas as pd

    frame: pd.DataFrame = table.to_pandas(types_mapper=pd.ArrowDtype)
    return frame
