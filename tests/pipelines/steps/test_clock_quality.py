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


DAY = "2026-03-01"


def sent(robot, offset, drift):
    return [
        {"robot": robot, "ts": NOON + 1_000 * k, "recv": NOON + 1_000 * k + offset + drift * k, "amps": k / 2}
        for k in range(100)
    ]


def clocks(done):
    return read_tables(parquet_files(done.out("extract") / "quality")).to_pylist()


def test_a_clock_that_runs_behind_and_drifts_is_told(run_steps):
    sent_a = sent("a", 250, 0)
    done = run_steps(
        {("a", DAY): [*sent_a, sent_a[7]], ("b", DAY): sent("b", 90_000, 10)}, parse_config(CONFIG)
    )
    found = clocks(done)
    assert [(row["robot_id"], row["stream"], row["records"]) for row in found] == [
        ("a", "load", 100),
        ("b", "load", 100),
    ]
    a, b = found
    assert (a["offset_s"], a["drift_ppm"], a["resolution_s"]) == (0.25, pytest.approx(0, abs=1e-6), 1.0)
    assert b["offset_s"] == pytest.approx(90.495)
    assert b["drift_ppm"] == pytest.approx(10_000)
    assert (a["duplicates"], a["corrected"], a["shift_s"], a["out_of_order_share"]) == (1, 0, None, 0.0)


def test_a_correction_is_told_beside_the_clock_as_it_ran(run_steps):
    """A clock an hour behind puts the first hour after midnight into the day before, unless corrected."""
    midnight, hour = NOON + 12 * 3_600_000, 3_600_000
    late = [message | {"ts": message["ts"] - NOON + midnight - hour} for message in sent("a", 0, 0)]
    late = [message | {"recv": message["ts"] + hour} for message in late]
    config = "[logs]\nclock.correct = true\n" + CONFIG.replace("[logs]\n", "", 1)
    done = run_steps({("a", "2026-03-02"): late}, parse_config(config))
    (row,) = clocks(done)
    assert (row["offset_s"], row["corrected"], row["shift_s"]) == (3_600.0, 100, 3_600.0)
    (day,) = (done.out("extract") / "day" / "a").iterdir()
    assert day.name == "2026-03-02"
    assert set(done.windows("a", "2026-03-02").column("latest_used").to_pylist()) != {None}
    assert not [name for name in done.windows("a", "2026-03-02").column_names if "clock" in name]


def test_without_arrivals_nothing_is_said_of_order(run_steps):
    done = run_steps({("a", DAY): sent("a", 0, 0)}, parse_config(CONFIG.replace('recv = "recv"\n', "")))
    (row,) = clocks(done)
    assert (row["out_of_order_share"], row["offset_s"], row["resolution_s"]) == (None, None, 1.0)
