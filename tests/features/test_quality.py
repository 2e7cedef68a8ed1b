"""The reports on matches and clocks, figure by figure."""

from datetime import timedelta

import pyarrow as pa
import pytest

from features.join import deduplicate, nearest_join
from features.quality import CLOCKS, MATCHES, clock_quality, match_report
from features.schema import TIMESTAMP

SECOND = 10**9


def stream(seconds: list[float], late: list[float | None] | None = None, robot: str = "a") -> pa.Table:
    ts = [int(second * SECOND) for second in seconds]
    columns = {
        "robot_id": pa.array([robot] * len(ts), pa.string()),
        "ts": pa.array(ts, TIMESTAMP),
        "x": pa.array(seconds, pa.float64()),
    }
    if late is not None:
        recv = [None if wait is None else t + int(wait * SECOND) for t, wait in zip(ts, late, strict=True)]
        columns["recv_ts"] = pa.array(recv, TIMESTAMP)
    return pa.table(columns)


def test_the_match_report_counts_matches_and_gaps() -> None:
    anchor, beside = stream([0, 10, 20, 30]), stream([1, 9, 9, 18])
    joined = nearest_join(anchor, {"s": beside}, tolerance=timedelta(seconds=2))
    report = match_report(joined, {"s": deduplicate(beside), "other": deduplicate(beside)})
    assert report.schema == MATCHES
    first, second = report.to_pylist()
    assert first == {
        "stream": "s",
        "anchors": 4,
        "matched": 3,
        "match_rate": 0.75,
        "gap_median_s": -1.0,
        "distance_median_s": 1.0,
        "distance_p95_s": pytest.approx(1.9),
        "distance_max_s": 2.0,
        "records": 3,
        "duplicates": 1,
        "superseded": 0,
    }
    assert (second["stream"], second["matched"], second["records"]) == ("other", None, 3)


def test_a_report_of_nothing_has_no_rates() -> None:
    empty = stream([])
    joined = nearest_join(empty, {"s": empty}, tolerance=timedelta(seconds=2))
    assert match_report(joined).select(["anchors", "match_rate"]).to_pylist() == [
        {"anchors": 0, "match_rate": None}
    ]
    assert clock_quality({"s": empty}).num_rows == 0


def test_the_clock_report_finds_offset_drift_resolution_and_order() -> None:
    drifting = stream([0, 100, 200, 300], [1.0, 1.01, 1.02, 1.03])
    shuffled = stream([0.5, 2.0, 1.0, 1.0, 1.0], robot="b").append_column("y", pa.array([1, 2, 3, 3, 4]))
    report = clock_quality({"d": drifting, "s": shuffled})
    assert report.schema == CLOCKS
    first, second = report.to_pylist()
    assert first["offset_s"] == pytest.approx(1.015)
    assert first["drift_ppm"] == pytest.approx(100)
    assert (first["resolution_s"], first["out_of_order_share"]) == (100.0, 0.0)
    assert (second["offset_s"], second["drift_ppm"], second["resolution_s"]) == (None, None, 0.5)
    assert second["out_of_order_share"] == pytest.approx(3 / 5)
    assert (second["records"], second["duplicates"], second["superseded"]) == (5, 1, 1)


def test_unknown_arrivals_are_left_out_of_the_offset() -> None:
    report = clock_quality({"s": stream([0, 1, 2], [None, 3.0, None])}).to_pylist()[0]
    assert (report["offset_s"], report["drift_ppm"]) == (3.0, None)
