"""Frames give what tables give, and keep integers beside missing values."""

from datetime import timedelta

import pandas as pd
import pytest

from features.errors import DataError
from features.frames import look_back_frames, nearest_join_frames

SECOND = timedelta(seconds=1)


def frame(times: list[str], values: list[int], zone: str = "UTC") -> pd.DataFrame:
    ts = pd.to_datetime(times).tz_localize("UTC").tz_convert(zone)
    return pd.DataFrame({"robot_id": "a", "ts": ts, "x": values}, index=range(5, 5 + len(values)))


def test_frames_join_and_look_back() -> None:
    anchor = frame(["2026-03-01T00:00:00", "2026-03-01T00:00:05"], [1, 2])
    stream = frame(["2026-03-01T00:00:00.5"], [7], zone="Europe/Berlin")
    joined = nearest_join_frames(anchor, {"s": stream}, tolerance=SECOND)
    assert joined["s__x"].dtype == "int64[pyarrow]"
    assert joined["s__x"].isna().tolist() == [False, True]
    assert joined["s__gap_s"].iloc[0] == 0.5
    cutoffs = pd.DataFrame({"robot_id": ["a"], "cutoff": [pd.Timestamp("2026-03-01T00:00:10", tz="UTC")]})
    features, excluded = look_back_frames(joined, cutoffs, windows=[timedelta(minutes=1)], statistics=["max"])
    assert features["x__max__1m"].tolist() == [2]
    assert excluded.empty


def test_a_naive_frame_is_refused() -> None:
    naive = frame(["2026-03-01"], [1]).assign(ts=pd.Timestamp("2026-03-01"))
    with pytest.raises(DataError, match="no time zone"):
        nearest_join_frames(naive, {}, tolerance=SECOND)
