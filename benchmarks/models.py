"""What training costs: LightGBM called directly, the same fit through our path, and a whole evaluation.

`python -m benchmarks.models [--rows 200000] [--features 100]` (in the repository) prints one line per
path: seconds and peak memory above the start, each measured in a process of its own. The data are synthetic.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.schema import CUTOFF, FAILURES, IS_FAILURE_CUTOFF, LATEST_USED, ROBOT, TIMESTAMP
from models.settings import TrainSettings

MINUTE = 60 * 10**9
ROBOTS = 50
SETTINGS = TrainSettings(
    lead=timedelta(minutes=2),
    horizon=timedelta(minutes=30),
    lookback=timedelta(minutes=2),
    episode_gap=timedelta(minutes=10),
    rounds=100,
    early_stopping=100,
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--features", type=int, default=100)
    parser.add_argument("--path", choices=("direct", "ours", "whole"))
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    if asked.path:
        print(json.dumps(measured(asked.path, asked.folder)))
        return
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), asked.rows, asked.features)
        print(f"{asked.rows} rows x {asked.features} features, {SETTINGS.rounds} rounds")
        found = {}
        for path in ("direct", "ours", "whole"):
            command = [sys.executable, "-m", "benchmarks.models", "--path", path, "--folder", name]
            found[path] = json.loads(
                subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            )
            print(f"{path:7s} {found[path]['seconds']:7.2f} s  {found[path]['mib']:6.0f} MiB above start")
    print(f"overhead of our path: {100 * (found['ours']['seconds'] / found['direct']['seconds'] - 1):.1f} %")


def write(folder: Path, rows: int, features: int) -> None:
    """A fleet of 50 robots with a failure about every 500 minutes, foretold by three of the features."""
    generator = np.random.default_rng(0)
    minutes = rows // ROBOTS
    names, cutoffs, failed, soon = [], [], [], []
    for number in range(ROBOTS):
        starts = np.cumsum(generator.integers(250, 750, size=minutes // 250 + 1))
        starts = starts[starts < minutes]
        until = np.append(starts, 10**9)[np.searchsorted(starts, np.arange(minutes) + 2)] - np.arange(minutes)
        names += [f"r{number:02d}"] * minutes
        cutoffs.append(np.arange(minutes) * MINUTE)
        soon.append(until < 32)
        failed += [(f"r{number:02d}", int(start) * MINUTE) for start in starts]
    signal = np.concatenate(soon)
    moments = np.concatenate(cutoffs)
    columns = {
        ROBOT: pa.array(names),
        CUTOFF: pa.array(moments).cast(TIMESTAMP),
        LATEST_USED: pa.array(moments - 1).cast(TIMESTAMP),
        IS_FAILURE_CUTOFF: pa.array(np.zeros(len(moments), dtype=bool)),
    }
    for index in range(features):
        values = generator.normal(size=len(moments)) + (signal if index < 3 else 0)
        columns[f"s{index // 10}__f{index % 10}__mean__2m"] = pa.array(values)
    pq.write_table(pa.table(columns), folder / "windows.parquet")
    robots, times = zip(*failed, strict=True)
    arrays = [pa.array(robots), pa.array(times).cast(TIMESTAMP), pa.array(["stall"] * len(robots))]
    pq.write_table(pa.table(arrays, schema=FAILURES), folder / "failures.parquet")


def measured(path: str, folder: Path) -> dict[str, float]:
    """Seconds and peak MiB of one path, after its imports."""
    import lightgbm

    from models.dataset import gather
    from models.encode import Encoding
    from models.fit import fit
    from models.leakage import certify_times
    from models.split import by_time, verify
    from models.train import train

    windows, failures = pq.read_table(folder / "windows.parquet"), pq.read_table(folder / "failures.parquet")
    split = data = None
    if path == "direct":
        data = gather(windows, failures, None, SETTINGS)
        split = by_time(data, SETTINGS)
    before, begun = peak(), time.perf_counter()
    if path == "direct":
        assert data is not None
        assert split is not None
        plain = np.stack([column.to_numpy() for column in data.table.columns], axis=1).astype(np.float32)
        teach = lightgbm.Dataset(plain[split.train], label=data.label[split.train].astype(np.float32))
        watch = lightgbm.Dataset(
            plain[split.validation], label=data.label[split.validation].astype(np.float32), reference=teach
        )
        lightgbm.train(
            {
                "objective": "binary",
                "learning_rate": SETTINGS.learning_rate,
                "num_leaves": SETTINGS.num_leaves,
                "min_data_in_leaf": SETTINGS.min_data_in_leaf,
                "lambda_l2": SETTINGS.lambda_l2,
                "feature_fraction_bynode": SETTINGS.feature_fraction,
                "num_threads": SETTINGS.threads,
                "deterministic": True,
                "force_row_wise": True,
                "verbosity": -1,
            },
            teach,
            SETTINGS.rounds,
            valid_sets=[watch],
        )
    elif path == "ours":
        certify_times(windows)
        gathered = gather(windows, failures, None, SETTINGS)
        parts = by_time(gathered, SETTINGS)
        verify(gathered, parts, SETTINGS)
        encoding = Encoding.learn(gathered.table)
        fit(gathered, encoding.matrix(gathered.table), parts, encoding, SETTINGS)
    else:
        train(windows, failures, None, {}, SETTINGS, provenance={}, units={})
    return {"seconds": time.perf_counter() - begun, "mib": peak() - before}


def peak() -> float:
    """Peak resident memory of this process so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
