import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from features.schema import TIMESTAMP
from reports.exposure import exposures
from reports.series import Series

STEP = 10


def series(cutoffs: list[int]) -> Series:
    return Series.of(
        pa.table(
            {
                "robot_id": ["a"] * len(cutoffs),
                "cutoff": pa.array(cutoffs, pa.int64()).cast(TIMESTAMP),
                "risk": [0.1] * len(cutoffs),
                "alert": [False] * len(cutoffs),
            }
        )
    )


def slow(cutoffs: list[int], started: list[int], step: int, limit: int) -> tuple[set[int], list[int]]:
    """Observed nanoseconds one by one, and the observed time before each episode within."""
    instants, stretches = sorted({*cutoffs, *started}), []
    for instant in instants:
        if stretches and instant - stretches[-1][-1] <= limit:
            stretches[-1].append(instant)
        else:
            stretches.append([instant])
    kept = [stretch for stretch in stretches if any(instant in cutoffs for instant in stretch)]
    seen = {ns for stretch in kept for ns in range(stretch[0] - step, stretch[-1])}
    within = [at for at in started if any(stretch[0] - step <= at <= stretch[-1] for stretch in kept)]
    return seen, [sum(ns < at for ns in seen) for at in within]


@given(
    st.lists(st.integers(1, 60), min_size=2, max_size=30, unique=True),
    st.lists(st.integers(0, 700), max_size=6, unique=True),
    st.integers(0, 200),
)
def test_equals_counting_every_nanosecond(places: list[int], started: list[int], window: int) -> None:
    cutoffs = sorted(place * STEP for place in places)
    found = series(cutoffs)
    limit = max(10 * found.step, window + 2 * found.step)
    exposure = exposures(found, {"a": np.array(sorted(started), dtype=np.int64)}, window)["a"]
    seen, operated = slow(cutoffs, sorted(started), found.step, limit)
    assert exposure.total == len(seen)
    assert exposure.operated.tolist() == operated
    assert exposure.outside == len(started) - len(operated)
    for start, end in ((0, 100), (95, 333), (-50, 2_000)):
        observed, failed = exposure.within(start, end)
        assert observed == len(seen & set(range(start, end)))
        assert failed == sum(start <= at < end for at in exposure.episodes.tolist())


def test_durations_run_from_the_record_or_a_failure_to_the_next() -> None:
    hour = 3_600 * 10**9
    cutoffs = [hour * place for place in range(1, 11)]
    found = exposures(series(cutoffs), {"a": np.array([3 * hour, 7 * hour])}, 0)["a"]
    hours, failed = found.durations()
    assert hours.tolist() == [3, 4, 3]
    assert failed.tolist() == [True, True, False]


def test_a_failure_far_from_any_cutoff_enters_no_rate() -> None:
    found = exposures(series([10, 20, 30]), {"a": np.array([5_000])}, 0)["a"]
    assert (found.total, found.outside, len(found.episodes)) == (30, 1, 0)
