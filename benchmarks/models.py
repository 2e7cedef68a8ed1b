"""What training costs: LightGBM called directly, the same fit by our way, and a whole evaluation.

`python -m benchmarks.models [--rows 200000] [--features 100] [--repeat 3]` (in the repository) prints a line
per input path: the fewest seconds, core-seconds, the peak memory above the start, how much longer than the
faster direct call it took, and how much what is around LightGBM adds to its own calls in the same run. Each
has a process of its own, whose threads do not spin while they wait and which asks for no huge pages: a kernel
that has run for long may search a third of a second for them.
The data are synthetic, the parameters the same everywhere; early stopping watches and never stops.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.schema import CUTOFF, FAILURES, IS_FAILURE_CUTOFF, LATEST_USED, ROBOT, TIMESTAMP
from models.binned import CACHE_VARIABLE
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
QUIET: Final = {"OMP_WAIT_POLICY": "passive", "NUMPY_MADVISE_HUGEPAGE": "0", "MIMALLOC_ALLOW_THP": "0"}
PATHS: Final = {
    "numpy": "LightGBM called directly, numpy float32",
    "arrow": "LightGBM called directly, Arrow float32",
    "ours": "ours, rows binned (Arrow float32)",
    "cached": "ours, rows binned before (binary data set)",
    "whole": "everything `forewarn` trains and judges: three questions, baselines, card",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--features", type=int, default=100)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--path", choices=tuple(PATHS))
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    if asked.path:
        print(json.dumps(measured(asked.path, asked.folder)))
        return
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), asked.rows, asked.features)
        print(f"{asked.rows} rows x {asked.features} features, {SETTINGS.rounds} rounds")
        ran("cached", Path(name))  # fills the cache
        runs = [{path: ran(path, Path(name)) for path in PATHS} for _ in range(asked.repeat)]
    best = {path: min((run[path] for run in runs), key=lambda found: found["seconds"]) for path in PATHS}
    alone = {unit: min(best[path][unit] for path in ("numpy", "arrow")) for unit in ("seconds", "core")}
    for path, words in PATHS.items():
        seconds, core, mib = (best[path][unit] for unit in ("seconds", "core", "mib"))
        more = ", ".join(f"{100 * (best[path][unit] / alone[unit] - 1):+.1f} % {unit}" for unit in alone)
        more += f"; around LightGBM {min(run[path]['around'] for run in runs):+.1%}"
        print(f"{words:75s} {seconds:7.2f} s {core:7.2f} core-s {mib:6.0f} MiB  {more}")


def ran(path: str, folder: Path) -> dict[str, float]:
    """One path measured in a process of its own, which keeps binned rows for `cached` only."""
    kept = {CACHE_VARIABLE: str(folder / "binned")} if path == "cached" else {}
    command = [sys.executable, "-m", "benchmarks.models", "--path", path, "--folder", str(folder)]
    environment = {name: value for name, value in os.environ.items() if name != CACHE_VARIABLE}
    environment |= QUIET | kept
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return dict(json.loads(done.stdout))


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
    """Seconds and peak MiB of one path after its imports; what LightGBM is handed directly lies ready."""
    import lightgbm

    from models.dataset import gather

    inside = Inside()
    lightgbm.train = inside.timed(lightgbm.train)
    lightgbm.Dataset.construct = inside.timed(lightgbm.Dataset.construct)

    windows, failures = pq.read_table(folder / "windows.parquet"), pq.read_table(folder / "failures.parquet")
    gather(
        windows.slice(0, 1_000), failures, None, SETTINGS
    )  # loads kernels, which a step's process has loaded
    work = WORK[path](windows, failures)
    before, begun, used = peak(), time.perf_counter(), time.process_time()
    inside.seconds = 0.0
    work()
    seconds = time.perf_counter() - begun
    return {
        "seconds": seconds,
        "core": time.process_time() - used,
        "mib": peak() - before,
        "around": seconds / inside.seconds - 1,
    }


@dataclass
class Inside:
    """Seconds within calls that are timed, counted once where one calls another."""

    seconds: float = 0.0
    depth: int = 0

    def timed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same call, counted."""

        def counted(*given: Any, **named: Any) -> Any:
            begun, self.depth = time.perf_counter(), self.depth + 1
            try:
                return call(*given, **named)
            finally:
                self.depth -= 1
                self.seconds += 0.0 if self.depth else time.perf_counter() - begun

        return counted


def direct(windows: pa.Table, failures: pa.Table, *, arrow: bool) -> Callable[[], Any]:
    """LightGBM alone: float64 columns, labels and split lie ready; conversion and binning count."""
    import lightgbm

    from models.dataset import gather
    from models.encode import Encoding
    from models.learner import parameters
    from models.split import by_time

    data = gather(windows, failures, None, SETTINGS)
    split = by_time(data, SETTINGS)
    chosen = parameters(SETTINGS, Encoding.learn(data.table), ())
    label = data.label.astype(np.float32)

    def rows_of(rows: np.ndarray) -> Any:
        if arrow:
            kept = data.table.take(pa.array(rows))
            return pa.table([column.cast(pa.float32()) for column in kept.columns], names=kept.column_names)
        return np.stack([column.to_numpy()[rows].astype(np.float32) for column in data.table.columns], axis=1)

    def work() -> None:
        teach = lightgbm.Dataset(rows_of(split.train), label=label[split.train], params=chosen)
        watch = lightgbm.Dataset(rows_of(split.validation), label=label[split.validation], reference=teach)
        lightgbm.train(chosen, teach, SETTINGS.rounds, valid_sets=[watch])

    return work


def ours(windows: pa.Table, failures: pa.Table) -> Callable[[], Any]:
    """The same model by our way: certificate, labels, split, features, trees, calibration, threshold."""
    from models.dataset import gather
    from models.encode import Encoding
    from models.fit import fit
    from models.leakage import certify_times
    from models.split import by_time, verify

    def work() -> None:
        certify_times(windows)
        data = gather(windows, failures, None, SETTINGS)
        split = by_time(data, SETTINGS)
        verify(data, split, SETTINGS)
        encoding = Encoding.learn(data.table)
        fit(data, encoding.matrix(data.table), split, encoding, SETTINGS)

    return work


def whole(windows: pa.Table, failures: pa.Table) -> Callable[[], Any]:
    """A training run as the pipeline makes it."""
    from models.train import train

    return lambda: train(windows, failures, None, {}, SETTINGS, provenance={}, units={})


WORK: Final[dict[str, Callable[[pa.Table, pa.Table], Callable[[], Any]]]] = {
    "numpy": partial(direct, arrow=False),
    "arrow": partial(direct, arrow=True),
    "ours": ours,
    "cached": ours,
    "whole": whole,
}


def peak() -> float:
    """Peak resident memory of this process so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
