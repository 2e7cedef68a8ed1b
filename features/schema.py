"""The vocabulary every package shares: column names, types, and how units are written.

A stream is a `pyarrow.Table` with `robot_id`, `ts`, optionally `recv_ts`, then its fields.
"""

from typing import Final

import pyarrow as pa

ROBOT: Final = "robot_id"
TS: Final = "ts"
RECV_TS: Final = "recv_ts"
CLOCK_TS: Final = "clock_ts"
"""What the robot's clock said, where `ts` is corrected."""
AVAILABLE_AT: Final = "available_at"
CUTOFF: Final = "cutoff"
LATEST_USED: Final = "latest_used"
IS_FAILURE_CUTOFF: Final = "is_failure_cutoff"
REASON: Final = "reason"
CODE: Final = "code"

TIMESTAMP: Final = pa.timestamp("ns", tz="UTC")

FAILURES: Final = pa.schema([(ROBOT, pa.string()), (TS, TIMESTAMP), (CODE, pa.string())])
CUTOFFS: Final = pa.schema([(ROBOT, pa.string()), (CUTOFF, TIMESTAMP)])
EXCLUDED: Final = pa.schema([(ROBOT, pa.string()), (CUTOFF, TIMESTAMP), (REASON, pa.string())])

FAILURE_IN_WINDOW: Final = "failure_in_window"
INSUFFICIENT_DATA: Final = "insufficient_data"
