"""What the extraction says of every clock, beside the streams it was found in."""

import pytest

from pipelines.config import parse_config
from pipelines.steps.files import parquet_files, read_tables

CONFIG = """
[logs]
robot = { field = "robot" }
[streams.load]
time = "ts"
recv = "recv"
fields.amps = "float"
[join]
anchor = "load"
[failure]
on = [{ stream = "load", when = { amps = { above = 99 } } }]
"""
NOON = 1_772_366_400_000


def test_a_clock_that_runs_behind_and_drifts_is_told(run_steps):
    def sent(robot, offset, drift):
        return [
            {
                "robot": robot,
                "ts": NOON + 1_000 * k,
                "recv": NOON + 1_000 * k + offset + drift * k,
                "amps": k / 2,
            }
            for k in range(100)
        ]

    day = "2026-03-01"
    done = run_steps({("a", day): sent("a", 250, 0), ("b", day): sent("b", 90_000, 10)}, parse_config(CONFIG))
    found = read_tables(parquet_files(done.out("extract") / "quality")).to_pylist()
    assert [(row["robot_id"], row["stream"], row["records"]) for row in found] == [
        ("a", "load", 100),
        ("b", "load", 100),
    ]
    a, b = found
    assert (a["offset_s"], a["drift_ppm"], a["resolution_s"]) == (0.25, pytest.approx(0, abs=1e-6), 1.0)
    assert b["offset_s"] == pytest.approx(90.495)
    assert b["drift_ppm"] == pytest.approx(10_000)
