"""The whole way of a robot-day, from its archive to its risk: our steps beside one script written by hand.

    python -m benchmarks.pipeline                 # two robot-days of the synthetic fleet, a message every 5 s
    python -m benchmarks.pipeline --scale         # the features step by one process and by two

The steps are those of the pipelines (extract, join, features, score), run on folders as a worker runs them,
Parquet between them included. Features are made at every observation: 11 statistics x 3 windows on 16
columns. The script (`benchmarks.by_hand`) reads, joins, rolls and predicts in one process and keeps only the
risk. Both must give the same risk. Figures are CPU seconds of all threads, the least of some rounds.
"""

import argparse
import gzip
import json
import shutil
import tempfile
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import date
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from benchmarks import by_hand, measure
from features.statistics import NUMERIC
from models import artifact, drift
from models.encode import KEYS, Encoding
from models.learner import never_missing
from pipelines.config import Config, parse_config
from pipelines.demo.fleet import epoch_ms
from pipelines.demo.messages import Clocks, day_messages
from pipelines.demo.plan import plan_robot
from pipelines.steps import extract, features, join, score
from pipelines.steps.files import read_table, write_table

CONFIG = Path(__file__).parent.parent / "pipelines" / "demo" / "forewarn.toml"
LOOKBACK = {
    "windows": ["10s", "42s", "2m"],
    "statistics": list(NUMERIC),
    "exclude": ["mission"],
    "every": "5s",
}
DAY, HOURS = "2026-03-01", 24
ROBOT_DAYS = ("amr-001", "amr-002")
STEPS = {"extract": extract, "join": join, "features": features, "score": score}
TARGET_HOURS, TARGET_TIMES, TARGET_SCALE = 60, 8, 1.8


def configuration() -> Config:
    """The synthetic fleet's, with features of every number at every observation.

    Without arrival times, which pandas cannot respect, so that there are results to compare.
    """
    config = parse_config(CONFIG.read_text("utf-8"))
    value = config.model_dump(mode="json")
    value["lookback"] |= LOOKBACK
    for stream in value["streams"].values():
        stream["recv"] = None
    return Config.model_validate(value)


def archives(logs: Path) -> int:
    """Clean robot-days, each message gzipped, as robots upload them; how many messages."""
    start, count = epoch_ms(date.fromisoformat(DAY)), 0
    for i, robot in enumerate(ROBOT_DAYS, 1):
        plan = plan_robot(i, robots=12, days=1, seed=7)
        path = logs / DAY / f"{robot}.zip"
        path.parent.mkdir(parents=True, exist_ok=True)
        messages = day_messages(plan, 0, start_ms=start, seed=7, clocks=Clocks())
        with zipfile.ZipFile(path, "w") as packed:
            for message in messages:
                packed.writestr(f"{message.ts}.json.gz", gzip.compress(message.text.encode(), mtime=0))
        count += len(messages)
    return count


def prepare(folder: Path, step: str, config: Config, **inputs: Path) -> Path:
    """A fresh `/pfs` of a step, its inputs as links."""
    pfs = folder / step
    shutil.rmtree(pfs, ignore_errors=True)
    (pfs / "out").mkdir(parents=True)
    (pfs / "config").mkdir()
    (pfs / "config" / f"{step}.json").write_text(json.dumps(config.step_files[step]), "utf-8")
    for name, source in inputs.items():
        (pfs / name).symlink_to(source, target_is_directory=True)
    return pfs


def inputs_of(step: str, folder: Path) -> dict[str, Path]:
    out = {name: folder / name / "out" for name in STEPS}
    return {
        "extract": {"logs": folder / "logs"},
        "join": {"day": out["extract"], "halo": out["extract"]},
        "features": {"day": out["join"], "halo": out["join"]},
        "score": {"windows": out["features"], "model": folder, "facts": out["extract"] / "facts"},
    }[step]


def run(step: str, folder: Path, config: Config, rounds: int) -> float:
    """The least CPU seconds of the step over some rounds; its output stays."""

    def once() -> None:
        STEPS[step].main(folder / step)

    best = float("inf")
    for _ in range(rounds):
        prepare(folder, step, config, **inputs_of(step, folder))
        best = min(best, measure.cpu_seconds(once, 1))
    return best


def model_of(folder: Path) -> None:
    """A model of 200 trees over all features, with a made-up label: what scoring costs does not ask why.

    A row of a thousand is in alert.
    """
    import lightgbm

    windows = pq.read_table(next((folder / "features" / "out" / "windows").rglob("*.parquet")))
    table = windows.drop_columns([n for n in KEYS if n in windows.column_names])
    encoding = Encoding.learn(table)
    matrix = encoding.matrix(table)
    level = np.nan_to_num(matrix[:, encoding.features.index("status__motor_current__mean__42s")])
    label = level > np.quantile(level, 0.95)
    booster = lightgbm.train(
        {
            "objective": "binary",
            "num_leaves": 7,
            "verbosity": -1,
            "num_threads": 2,
            "seed": 7,
            "extra_trees": True,
        },
        lightgbm.Dataset(
            matrix, label=label.astype(np.float32), feature_name=[f"f{i}" for i in range(matrix.shape[1])]
        ),
        num_boost_round=200,
    )
    risk = 1 / (1 + np.exp(-np.asarray(booster.predict(matrix, raw_score=True))))
    card = {
        "format": artifact.FORMAT,
        "threshold": float(np.quantile(risk, 0.999)),
        "rounds": 200,
        "prior_shift": 0.0,
        "features": [{"name": name, "unit": ""} for name in encoding.features],
        "categories": {name: list(values) for name, values in encoding.categories.items()},
        "never_missing": list(never_missing(matrix.T, [n in encoding.categories for n in encoding.features])),
        "reference": {
            name: drift.reference(values)
            for name, values in zip([*encoding.features, "risk"], [*matrix.T, risk], strict=True)
        },
        "cases": {},
        "usual": dict.fromkeys(encoding.features, 0.0),
        "calibration": {"kind": "shift", "x": [0.0], "y": [0.0], "slope": 1.0},
    }
    artifact.save(artifact.Model(booster.model_to_string(), card), folder / "model")


def report(folder: Path, messages: int, seconds: dict[str, float]) -> None:
    windows = pq.ParquetFile(next((folder / "features" / "out" / "windows").rglob("*.parquet")))
    hours = HOURS * len(ROBOT_DAYS)
    print(
        f"{len(ROBOT_DAYS)} robot-days, {messages:,} messages; windows of one: "
        f"{windows.metadata.num_rows:,} rows x {windows.metadata.num_columns - len(KEYS)} features"
    )
    for step, value in (seconds | {"total": sum(seconds.values())}).items():
        print(f"  {step:9} {value:7.3f} s CPU   {hours / value:8.1f} robot-hours per core-second")
    total = hours / sum(seconds.values())
    print(f"  a robot-year on 2 cores in {8_766 / total / 2:.0f} s; 3.8 million robot-hours on 80 cores")
    print(f"  in {3.8e6 / total / 80 / 60:.0f} min, ${3.8e6 / total / 80 / 3_600 * 10:.2f} at $10 an hour")
    measure.verdict("robot-hours per core-second", total, TARGET_HOURS, at_least=True)


def floors(folder: Path, rounds: int) -> None:
    """What cannot be saved: the windows written and read once, and the trees walked once."""
    import lightgbm

    path = next((folder / "features" / "out" / "windows").rglob("*.parquet"))
    windows, copy = read_table(path), folder / "copy.parquet"
    model = artifact.load(folder / "model")
    matrix, booster = model.matrix(windows, None), lightgbm.Booster(model_str=model.text)
    calls: dict[str, Callable[[], object]] = {
        "windows to Parquet": lambda: write_table(windows, copy),
        "windows from Parquet": lambda: read_table(copy),
        "LightGBM predict": lambda: booster.predict(matrix, raw_score=True),
    }
    for name, call in calls.items():
        value = measure.cpu_seconds(call, rounds) * len(ROBOT_DAYS)
        print(f"  of it, {name}: {value:.3f} s")


def compare(folder: Path, ours: float, rounds: int) -> None:
    """The script by hand over the same archives, and whether its risk is ours."""
    found: list[pd.DataFrame] = []

    def script() -> None:
        found[:] = [
            by_hand.risk(folder / "logs" / DAY / f"{robot}.zip", folder / "model") for robot in ROBOT_DAYS
        ]

    seconds = measure.cpu_seconds(script, rounds)
    print(f"  by hand   {seconds:7.3f} s CPU")
    for robot, theirs in zip(ROBOT_DAYS, found, strict=True):
        risk = read_table(folder / "score" / "out" / "risk" / robot / f"{DAY}.parquet").to_pandas()
        both = risk.merge(theirs, on="cutoff", suffixes=("", "_by_hand"))
        apart = (both["risk"] - both["risk_by_hand"]).abs()
        print(
            f"  {robot}: {len(both):,} of {len(risk):,} cut-offs in both, "
            f"largest difference of risk {apart.max():.1e}"
        )
        if len(both) < 0.99 * len(risk) or not (apart < 1e-9).all():
            raise SystemExit("the results differ")
    measure.verdict("times as fast as by hand", seconds / ours, TARGET_TIMES, at_least=True)


def scaling(folder: Path, config: Config, rounds: int) -> None:
    """Wall-clock seconds of as many robot-days by one process and by two."""
    prepare(folder, "features", config, **inputs_of("features", folder))
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        list(pool.map(_features, [(folder, i, 1) for i in range(4)]))
        one = min(_timed(pool, folder, [8]) for _ in range(rounds))
        two = min(_timed(pool, folder, [8, 8]) for _ in range(rounds))
    days = 8 * len(ROBOT_DAYS)
    print(f"features of {days} robot-days by one process {one:.2f} s, of {2 * days} by two {two:.2f} s")
    measure.verdict("times as much with two processes", 2 * one / two, TARGET_SCALE, at_least=True)


def _timed(pool: ProcessPoolExecutor, folder: Path, shares: list[int]) -> float:
    begun = time.perf_counter()
    list(pool.map(_features, [(folder, i, share) for i, share in enumerate(shares)]))
    return time.perf_counter() - begun


def _features(work: tuple[Path, int, int]) -> None:
    folder, place, times = work
    pfs = folder / f"features-{place}"
    if not pfs.exists():
        shutil.copytree(folder / "features", pfs, symlinks=True)
    for _ in range(times):
        features.main(pfs)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", action="store_true", help="the features step by one process and by two")
    asked = parser.parse_args()
    measure.head("archive to risk", "numpy", "numba", "pyarrow", "pandas", "lightgbm")
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as scratch:
        folder, config = Path(scratch), configuration()
        messages = archives(folder / "logs")
        seconds = {step: run(step, folder, config, asked.rounds) for step in ("extract", "join", "features")}
        if asked.scale:
            return scaling(folder, config, asked.rounds)
        model_of(folder)
        seconds["score"] = run("score", folder, config, asked.rounds)
        report(folder, messages, seconds)
        floors(folder, asked.rounds)
        return compare(folder, sum(seconds.values()), asked.rounds)


if __name__ == "__main__":
    main()
