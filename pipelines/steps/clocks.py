"""What one pushed file tells of its robots' clocks: how they ran, and what was corrected."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.quality import CORRECTIONS, clock_quality
from features.schema import CLOCK_TS, RECV_TS, ROBOT, TS
from pipelines.logs.extract import Extraction
from pipelines.steps.cut import nanoseconds


def clock_report(extraction: Extraction) -> pa.Table:
    """`features.quality.clock_quality` of the times as recorded, a row a robot and stream (`CORRECTIONS`).

    `duplicates` are those the extraction left out. `out_of_order_share` is null without arrival times: where
    a record stands in a file says nothing of a clock. `corrected` counts records whose `ts` is not what the
    clock said, `shift_s` is the greatest correction by size, null where there is none.
    """
    timed = {name: table for name, table in extraction.recorded.items() if TS in table.column_names}
    rows = clock_quality(timed).to_pylist()
    duplicates = {
        (count["robot_id"], count["stream"]): count["duplicates"]
        for count in extraction.accounting.filter(pc.field("unit") == "record").to_pylist()
    }
    shifts = {
        name: _shifts(table) for name, table in extraction.streams.items() if CLOCK_TS in table.column_names
    }
    for row in rows:
        robot, stream = row[ROBOT], row["stream"]
        row["duplicates"] = duplicates.get((robot, stream), 0)
        if RECV_TS not in timed[stream].column_names:
            row["out_of_order_share"] = None
        row |= shifts.get(stream, {}).get(robot, {"corrected": 0, "shift_s": None})
    return pa.Table.from_pylist(rows, CORRECTIONS)


def _shifts(table: pa.Table) -> Mapping[str, Mapping[str, Any]]:
    """Of each robot with corrected records: how many, and the greatest correction."""
    shift = nanoseconds(table) - nanoseconds(table, CLOCK_TS)
    moved = np.flatnonzero(shift)
    robots = np.array(table.column(ROBOT).take(pa.array(moved)).to_pylist(), dtype=object)
    found = {}
    for robot in np.unique(robots).tolist():
        own = shift[moved[robots == robot]]
        found[robot] = {"corrected": len(own), "shift_s": float(own[np.argmax(np.abs(own))]) / 1e9}
    return found
