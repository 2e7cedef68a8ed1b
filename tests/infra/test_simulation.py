"""The simulation by hand where that is possible, and what must hold everywhere."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.simulation import Costs, Stage, bottleneck, simulate

FREE = Costs(engine_s=0.0, set_s=0.0)
TEN_SECONDS = Stage("score", [10.0])


def wall(stages, costs=FREE, *, datums=64, workers=8) -> float:
    return sum(one.wall_s for one in simulate(stages, costs, datums=datums, workers=workers))


def test_equal_datums_are_shared_out_evenly():
    assert wall([TEN_SECONDS]) == 80
    assert wall([TEN_SECONDS], workers=16) == 40
    assert wall([TEN_SECONDS], datums=65) == 90


def test_every_set_pays_its_way():
    assert wall([TEN_SECONDS], replace(FREE, set_s=1.0)) == 88


def test_a_stage_alone_takes_as_long_on_any_number_of_workers():
    train = Stage("train", [40.0, 0.3125], alone=True)
    ran = simulate([TEN_SECONDS, train], FREE, datums=640, workers=640)
    assert [one.wall_s for one in ran] == [10, 240]
    assert bottleneck(ran, 640) == ("train on one machine", 240 / 250)


def test_an_engine_slower_than_its_workers_is_named():
    costs = replace(FREE, engine_s=1.0)
    ran = simulate([TEN_SECONDS], costs, datums=1000, workers=100)
    assert ran[0].wall_s == pytest.approx(1000, rel=0.05)
    assert bottleneck(ran, 100) == ("the engine", 1.0)
    few = simulate([TEN_SECONDS], costs, datums=1000, workers=5)
    assert bottleneck(few, 5)[0] == "workers"


@given(
    seconds=st.lists(st.floats(0.1, 100), min_size=1, max_size=5),
    engine_s=st.floats(0, 1),
    set_s=st.floats(0, 1),
    datums=st.integers(1, 300),
    workers=st.integers(1, 50),
)
def test_no_run_is_shorter_than_its_work_or_its_engine(seconds, engine_s, set_s, datums, workers):
    costs = Costs(engine_s, set_s)
    (ran,) = simulate([Stage("join", seconds)], costs, datums=datums, workers=workers)
    assert ran.wall_s >= ran.work_s / workers - 1e-6
    assert ran.wall_s >= ran.engine_s - 1e-6
    assert ran.engine_s == pytest.approx(datums * engine_s)
    assert min(seconds) * datums - 1e-6 <= ran.work_s <= max(seconds) * datums + 1e-6
