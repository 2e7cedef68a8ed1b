"""The planner's arithmetic by hand, and its rates from an engine that ran something."""

import json
from dataclasses import replace

import pytest

from features.errors import DataError, UsageError
from pipelines.client import Pachd
from pipelines.commands.estimate import measured
from pipelines.estimate import Rates, estimate, intercept
from pipelines.pachd.engine import Engine

RATES = Rates(100.0, {"join": 360.0, "train": 36.0}, {"logs": 2**30, "join": 2**29})
ALONE = frozenset({"train"})


def predicted(rates: Rates = RATES, **changed):
    fixed = {"robots": 10, "hours": 100.0, "cores": 4, "price": 8.0, "gib_per_core": 2.0, "alone": ALONE}
    return estimate(rates, **fixed | changed)


def test_ten_times_the_hours_on_four_cores_by_hand():
    told = predicted()
    assert told.robot_hours == 1000
    assert told.core_hours == pytest.approx(1.1)
    assert told.wall_hours == pytest.approx(1.0 / 4 + 0.1)
    assert told.dollars == told.dollars_per_1000_robot_hours == pytest.approx(2.8)
    assert told.storage_gib == pytest.approx(15)
    assert (told.memory_gib, told.worker_gib, told.alone_gib) == (8, 2, None)
    assert told.bottleneck == "join"


def test_memory_is_what_datums_held():
    peaks = {"join": 2**30, "score": 2**29, "train": 3 * 2**29}
    told = predicted(replace(RATES, peaks=peaks), gib_per_core=None)
    assert (told.memory_gib, told.worker_gib) == (4, 1)
    assert told.alone_gib == 0.5 + (1.5 - 0.5) * 10
    assert any("held" in line for line in told.assumptions)
    grown = predicted(replace(RATES, peaks=peaks, held={"train": 2**30}), gib_per_core=None)
    assert grown.alone_gib == 1 + (1.5 - 1) * 10
    unknown = predicted(gib_per_core=None)
    assert (unknown.memory_gib, unknown.worker_gib) == (None, None)
    assert any("--gib-per-core" in line for line in unknown.assumptions)


def test_with_many_cores_what_runs_alone_becomes_the_bottleneck():
    assert predicted(cores=100).bottleneck == "train"


def test_what_did_not_grow_between_two_runs_is_not_multiplied():
    assert intercept([(4, 5.0), (2, 4.0)]) == 3
    assert intercept([(4, 5.0)]) == intercept([(4, 5.0), (4, 4.0)]) == intercept([(4, 5.0), (0, 4.0)]) == 0
    assert intercept([(4, 5.0), (2, 6.0)]) == 5
    told = predicted(replace(RATES, fixed={"train": 30.0}))
    train = next(stage for stage in told.stages if stage.pipeline == "train")
    assert train.core_hours == pytest.approx((30 + 6 * 10) / 3600)
    assert any("30 s of train do not" in line for line in told.assumptions)


def test_nothing_measured_and_impossible_sizes_are_refused():
    with pytest.raises(DataError, match="nothing was measured"):
        predicted(Rates(0.0, {}, {}))
    with pytest.raises(UsageError, match="above 0"):
        predicted(robots=0)


def test_rates_are_what_datums_took(tmp_path):
    with Engine(tmp_path, workers=1) as engine:
        pachd = Pachd.at(f"127.0.0.1:{engine.serve()}")
        pachd.create_repo("logs")
        pachd.put("logs", {"/a": b"1234", "/b": b"5"})
        copy = "mkdir -p /pfs/out/observations/r; cp -r /pfs/logs/* /pfs/out/observations/r/"
        spec = {
            "pipeline": {"name": "join"},
            "transform": {"cmd": ["sh", "-c", copy]},
            "input": {"pfs": {"name": "logs", "repo": "logs", "glob": "/*"}},
        }
        pachd.create_pipeline(json.dumps(spec))
        unfinished = "SELECT count(*) FROM jobs WHERE finished IS NULL"
        engine.metadata.wait(lambda: None if engine.metadata.value(unfinished) else True)
        rates = measured(pachd, 24.0)
    assert rates.robot_hours == 48
    assert rates.seconds["join"] > 0
    assert rates.stored == {"logs": 5, "join": 5}
