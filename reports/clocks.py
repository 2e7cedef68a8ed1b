"""Can the times be believed? How the clock of every stream ran, which are wrong, what was corrected."""

import math
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from features.schema import ROBOT

if TYPE_CHECKING:
    import pandas as pd

SHOWN: Final = 50


def clocks(table: pa.Table, beyond_s: float, *, correct: bool) -> dict[str, Any]:
    """Figures per stream, and the robots whose clock is off by more than `beyond_s`, the worst first.

    `table` (`features.quality.CORRECTIONS`) has a row a pushed file, robot and stream. Of each stream:
    `offset_s`, the median of its rows; `drift_ppm`, the greatest by size; `resolution_s`, the finest;
    `out_of_order_share` of its records; null where no row tells. Of a robot the row of the greatest offset
    counts, with all its records corrected.
    """
    rows = table.to_pandas()
    wrong = rows[rows["offset_s"].abs() > beyond_s]
    wrong = wrong.iloc[wrong["offset_s"].abs().argsort(kind="stable")[::-1]]
    robots = [_robot(part) for _, part in wrong.groupby([ROBOT, "stream"], sort=False)]
    return {
        "beyond_s": beyond_s,
        "correct": correct,
        "corrected": int(rows["corrected"].sum()),
        "streams": [_stream(str(name), part) for name, part in rows.groupby("stream", sort=True)],
        "wrong_robots": int(wrong[ROBOT].nunique()),
        "wrong_count": len(robots),
        "wrong": robots[:SHOWN],
    }


def _stream(name: str, rows: "pd.DataFrame") -> dict[str, Any]:
    told = rows[rows["out_of_order_share"].notna()]
    seen = told["records"].sum()
    return {
        "stream": name,
        "records": int(rows["records"].sum()),
        "offset_s": _known(rows["offset_s"].median()),
        "drift_ppm": _greatest(rows["drift_ppm"]),
        "resolution_s": _known(rows["resolution_s"].min()),
        "out_of_order_share": _known((told["out_of_order_share"] * told["records"]).sum() / seen)
        if seen
        else None,
        "duplicates": int(rows["duplicates"].sum()),
        "corrected": int(rows["corrected"].sum()),
    }


def _robot(rows: "pd.DataFrame") -> dict[str, Any]:
    worst = rows.iloc[0]
    return {
        "robot_id": str(worst[ROBOT]),
        "stream": str(worst["stream"]),
        "files": len(rows),
        "offset_s": float(worst["offset_s"]),
        "drift_ppm": _known(worst["drift_ppm"]),
        "corrected": int(rows["corrected"].sum()),
        "shift_s": _greatest(rows["shift_s"]),
    }


def _greatest(values: "pd.Series[float]") -> float | None:
    known = values.dropna()
    return float(known.iloc[known.abs().argmax()]) if len(known) else None


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
