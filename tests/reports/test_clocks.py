"""Wrong clocks are named in the report, and every stream's times are described."""

from pathlib import Path

import pyarrow as pa
import pytest

from features.quality import CORRECTIONS
from reports.clocks import clocks

from .test_risk_report import built

ROWS = [
    ("a", "load", 100, 0.2, 1.0, 1.0, 0.0, 0, 0, None),
    ("b", "load", 300, -3600.0, -7.0, 0.001, 0.5, 2, 290, -3600.0),
    ("b", "load", 100, -20.0, 2.0, 0.001, 0.1, 0, 10, -20.0),
    ("a", "error", 3, None, None, None, None, 1, 0, None),
]

TOLD = [name for name in CORRECTIONS.names if name != "superseded"]


def table(rows) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(TOLD, row, strict=True)) for row in rows], CORRECTIONS)


def test_figures_of_streams_and_the_wrong_clocks_worst_first():
    found = clocks(table([*ROWS, ("c", "load", 1, 60.0, None, None, 0.0, 0, 0, None)]), 10.0, correct=True)
    assert (found["wrong_robots"], found["wrong_count"], found["corrected"]) == (2, 2, 300)
    assert found["wrong"] == [
        {
            "robot_id": "b",
            "stream": "load",
            "files": 2,
            "offset_s": -3600.0,
            "drift_ppm": -7.0,
            "corrected": 300,
            "shift_s": -3600.0,
        },
        {
            "robot_id": "c",
            "stream": "load",
            "files": 1,
            "offset_s": 60.0,
            "drift_ppm": None,
            "corrected": 0,
            "shift_s": None,
        },
    ]
    error, load = found["streams"]
    assert load == {
        "stream": "load",
        "records": 501,
        "offset_s": -9.9,
        "drift_ppm": -7.0,
        "resolution_s": 0.001,
        "out_of_order_share": pytest.approx(160 / 501),
        "duplicates": 2,
        "corrected": 300,
    }
    assert (error["offset_s"], error["out_of_order_share"], error["resolution_s"]) == (None, None, None)


def test_an_offset_as_large_as_allowed_is_no_wrong_clock():
    assert (
        clocks(table([("a", "load", 1, 10.0, None, None, 0.0, 0, 0, None)]), 10.0, correct=False)["wrong"]
        == []
    )


@pytest.mark.parametrize("correct", [True, False])
def test_the_page_says_what_was_done_about_them(fleet, tmp_path: Path, correct: bool):
    settings = fleet(3).settings
    clock = {**settings["clock"], "correct": correct}
    summary = built(fleet(3, settings={**settings, "clock": clock}), tmp_path)
    assert [row["robot_id"] for row in summary["clocks"]["wrong"]] == ["amr-002"]
    text = (tmp_path / "report.html").read_text("utf-8")
    assert ("takes such offsets out" in text) is not correct
    assert ("Offsets that held were taken out" in text) is correct
