"""Repairs, availability and ratios by hand: an outage ends with the next working moment, if there is one."""

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.labels import EPISODES
from features.operation import OPERATION
from features.schema import TIMESTAMP
from reports.exposure import Exposure
from reports.rates import apart
from reports.work import told, told_of_one, work

HOUR = 3_600 * 10**9
MONDAY = 1_772_409_600 * 10**9


def of_robot(
    watched: list[tuple[float, float]],
    episodes: list[tuple[float, float]],
    working: list[float] | None,
    **row: Any,
) -> Any:
    """Work of robot `r`; everything in hours from a Monday, episodes as (start, end)."""
    at = np.array([MONDAY + round(start * HOUR) for start, _ in episodes], np.int64)
    ends = np.array([MONDAY + round(end * HOUR) for _, end in episodes], np.int64)
    spans = np.array(watched, np.float64).reshape(-1, 2) * HOUR
    start, end = (MONDAY + spans[:, side].astype(np.int64) for side in (0, 1))
    exposure = Exposure(start, end, at, np.zeros(0, np.int64), 0)
    found = pa.table(
        [
            ["r"] * len(at),
            pa.array(at).cast(TIMESTAMP),
            pa.array(ends).cast(TIMESTAMP),
            ["E"] * len(at),
            [1] * len(at),
        ],
        schema=EPISODES,
    )
    moments = None if working is None else [MONDAY + round(hour * HOUR) for hour in working]
    rows = [{"robot_id": "r", "day": "2026-03-02", "working": moments, **row}]
    return work({"r": exposure}, found, pa.Table.from_pylist(rows, schema=OPERATION))["r"]


def test_an_outage_lasts_from_the_episode_to_the_next_working_moment() -> None:
    done = of_robot([(0, 10)], [(2, 2.1), (5, 5)], [0, 2.05, 2.5, 6])
    found = told_of_one(done.sums())
    assert found["mttr_h"] == pytest.approx((0.5 + 1) / 2)
    assert found["availability"] == pytest.approx(8.5 / 10)
    assert (found["outages"], found["open"]) == (2, 0)


def test_time_switched_off_counts_only_while_the_robot_is_down() -> None:
    done = of_robot([(0, 2), (8, 10)], [(1, 1)], [0, 9])
    found = told_of_one(done.sums())
    assert found["mttr_h"] == pytest.approx(8)
    assert found["availability"] == pytest.approx(2 / 10)


def test_an_open_outage_lasts_to_the_end_of_the_record_and_is_no_repair() -> None:
    found = told_of_one(of_robot([(0, 10)], [(8, 8)], [0, 3]).sums())
    assert (found["mttr_h"], found["open"], found["availability"]) == (None, 1, pytest.approx(0.8))


def test_what_no_stream_tells_is_null() -> None:
    found = told_of_one(of_robot([(0, 10)], [(8, 8)], None).sums())
    assert {name: value for name, value in found.items() if value is not None and not math.isnan(value)} == {}
    told_some = told_of_one(of_robot([(0, 10)], [], [], succeeded=9, failed=1, distance_m=2_000.0).sums())
    assert (told_some["mission_success"], told_some["km"], told_some["km_per_h"]) == (0.9, 2, 0.2)
    assert told_some["availability"] == 1


@given(
    episodes=st.lists(st.integers(0, 95), max_size=5, unique=True).map(sorted),
    working=st.lists(st.integers(0, 95), max_size=8, unique=True).map(sorted),
    border=st.integers(1, 95),
)
def test_cutting_time_leaves_the_sums_as_they_are(
    episodes: list[int], working: list[int], border: int
) -> None:
    """Quarters of an hour of one day, and an oracle that walks them."""
    done = of_robot([(0, 24)], [(at / 4, at / 4) for at in episodes], [at / 4 for at in working])
    whole = done.sums()
    middle = MONDAY + border * HOUR // 4
    first, second = done.sums(end=middle), done.sums(start=middle)
    for name in ("outages", "open", "repaired", "repaired_h", "up_h", "accounted_h"):
        assert first[name] + second[name] == pytest.approx(whole[name])
    down, quarters = False, 0
    for at in range(96):
        down = at in episodes or (down and at not in working)
        quarters += down
    assert whole["up_h"] == pytest.approx(24 - quarters / 4)


def test_an_interval_needs_five_robots_and_holds_the_value() -> None:
    few = [of_robot([(0, 10)], [], [], succeeded=9, failed=n).sums() for n in range(4)]
    assert told(few)["mission_success"]["low"] is None
    found = told([*few, few[0], few[1]])["mission_success"]
    assert found["value"] == pytest.approx(54 / 61)
    assert 0.75 < found["low"] < found["value"] < found["high"] <= 1
    assert told([])["mission_success"]["value"] is None


def test_ratios_that_differ_by_cohort_are_told_from_chance() -> None:
    cohort = np.repeat([0, 1], 6)
    below = np.full(12, 100.0)
    same = np.tile([90.0, 91.0, 92.0], 4)
    assert apart(same, below, cohort) > 0.9
    assert apart(same - 40 * cohort, below, cohort) < 0.01
    assert apart(np.zeros(12), np.zeros(12), cohort) == 1
