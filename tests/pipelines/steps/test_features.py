"""Cut-offs of a robot-day: ends of cells with a fresh observation, whatever the cutting into days."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from features.schema import TIMESTAMP
from pipelines.steps.cut import DAY_NS, day_start_ns, within
from pipelines.steps.features import _grid

MIDNIGHT = day_start_ns("2026-03-01")
SECOND = 10**9


def cutoffs(times: list[int], windows: list[str]) -> list[int]:
    table = pa.table(
        {"robot_id": ["a"] * len(times), "ts": pa.array(sorted(times), pa.int64()).cast(TIMESTAMP)}
    )
    return _grid(table, {"every": "1m", "windows": windows})["cutoff"].cast(pa.int64()).to_pylist()


times = st.lists(st.integers(MIDNIGHT - 600 * SECOND, MIDNIGHT + 600 * SECOND), min_size=1, max_size=40)


@given(times)
def test_a_cut_off_ends_a_cell_with_an_observation_as_fresh_as_the_shortest_window(times: list[int]) -> None:
    step = 60 * SECOND
    expected = [
        end
        for end in range(MIDNIGHT - 20 * step, MIDNIGHT + 21 * step, step)
        if any(end - 10 * SECOND <= ts < end for ts in times)
    ]
    assert cutoffs(times, ["10s", "2m"]) == expected


@given(times)
def test_cutting_by_day_gives_the_same_cut_offs(times: list[int]) -> None:
    table = pa.table({"ts": pa.array(times, pa.int64()).cast(TIMESTAMP)})
    parts = [within(table, day)["ts"].cast(pa.int64()).to_pylist() for day in ("2026-02-28", "2026-03-01")]
    assert [end for part in parts if part for end in cutoffs(part, ["2m"])] == cutoffs(times, ["2m"])


def test_windows_longer_than_the_grid_ask_for_an_observation_in_the_cell() -> None:
    assert cutoffs([MIDNIGHT, MIDNIGHT + DAY_NS // 2], ["2m", "10m"]) == [
        MIDNIGHT + 60 * SECOND,
        MIDNIGHT + DAY_NS // 2 + 60 * SECOND,
    ]
