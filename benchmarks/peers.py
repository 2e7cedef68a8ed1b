"""Look-back features at chosen cut-offs, beside three feature libraries and a plain pandas loop.

    uv run --with tsflex --with tsfresh --with featuretools --with 'pandas<3' python -m benchmarks.peers

None of the three is needed by forewarn, so none is in the lock file. One robot at about 5 Hz, 6 columns, a
window of 42 s before each cut-off, 5 statistics all of them know; CPU seconds of all threads. Means are
compared with forewarn's.
"""

import argparse
import os
import warnings
from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks import measure
from benchmarks.lookback import SECOND, observations
from features.lookback import look_back

WINDOW = 42
STATISTICS = ("mean", "std", "min", "max", "p50")
Means = np.ndarray[tuple[int], np.dtype[np.float64]]


def forewarn(table: pa.Table, cutoffs: pa.Table) -> Means:
    """`look_back` of this project."""
    found = look_back(
        table, cutoffs, windows=[timedelta(seconds=WINDOW)], statistics=STATISTICS, min_coverage=0.0
    )
    return found.features.column(f"c0__mean__{WINDOW}s").to_numpy()


def pandas(table: pa.Table, cutoffs: pa.Table) -> Means:
    """A slice and an aggregation per cut-off, as notebooks do it."""
    frame = table.drop_columns(["robot_id"]).to_pandas().set_index("ts")
    means = []
    for cutoff in cutoffs.column("cutoff").to_pandas():
        window = frame[frame.index.searchsorted(cutoff - pd.Timedelta(seconds=WINDOW)) :]
        window = window[: window.index.searchsorted(cutoff)]
        means.append(window.agg(["mean", "std", "min", "max", "median"])["c0"]["mean"])
    return np.array(means)


def tsflex(table: pa.Table, cutoffs: pa.Table) -> Means:
    """Strided windows on a time index."""
    from tsflex.features import FeatureCollection, MultipleFeatureDescriptors

    frame = table.drop_columns(["robot_id"]).to_pandas().set_index("ts")
    at = cutoffs.column("cutoff").to_pandas()
    collection = FeatureCollection(
        MultipleFeatureDescriptors(
            functions=[np.mean, _deviation, np.min, np.max, np.median],
            series_names=list(frame.columns),
            windows=f"{WINDOW}s",
        )
    )
    starts = (at - pd.Timedelta(seconds=WINDOW)).to_numpy()
    found = collection.calculate(
        frame, segment_start_idxs=starts, segment_end_idxs=at.to_numpy(), n_jobs=1, return_df=True
    )
    return found["c0__mean__w=manual"].to_numpy()


def tsfresh(table: pa.Table, cutoffs: pa.Table) -> Means:
    """Every window's rows copied under an id of its own, which is the form it wants."""
    from tsfresh import extract_features

    frame = table.drop_columns(["robot_id"]).to_pandas()
    at = cutoffs.column("cutoff").to_pandas()
    first = frame.ts.searchsorted(at - pd.Timedelta(seconds=WINDOW))
    last = frame.ts.searchsorted(at)
    rows = np.concatenate([np.arange(a, b) for a, b in zip(first, last, strict=True)])
    rolled = frame.iloc[rows].assign(id=np.repeat(np.arange(len(at)), last - first))
    wanted = {"mean": None, "standard_deviation": None, "minimum": None, "maximum": None, "median": None}
    found = extract_features(
        rolled,
        column_id="id",
        column_sort="ts",
        default_fc_parameters=wanted,
        n_jobs=0,
        disable_progressbar=True,
    )
    return found["c0__mean"].to_numpy()


def featuretools(table: pa.Table, cutoffs: pa.Table) -> Means:
    """Deep feature synthesis with a cut-off time and a training window."""
    import featuretools as ft

    frame = table.to_pandas().reset_index(names="row")
    frame["ts"] = frame["ts"].dt.tz_localize(None)
    entities = ft.EntitySet("fleet")
    entities.add_dataframe(dataframe=frame, dataframe_name="rows", index="row", time_index="ts")
    entities.normalize_dataframe("rows", "robots", "robot_id", make_time_index=False)
    at = pd.DataFrame(
        {
            "robot_id": "robot",
            "time": cutoffs.column("cutoff").to_pandas().dt.tz_localize(None) - pd.Timedelta(1, "ns"),
        }
    )
    found, _ = ft.dfs(
        entityset=entities,
        target_dataframe_name="robots",
        agg_primitives=["mean", "std", "min", "max", "median"],
        trans_primitives=[],
        cutoff_time=at,
        training_window=f"{WINDOW} seconds",
        cutoff_time_in_index=True,
        max_depth=1,
    )
    return found.sort_index(level="time")["MEAN(rows.c0)"].to_numpy()


def _deviation(values: Means) -> float:
    return float(np.std(values, ddof=1))


PEERS: dict[str, Callable[[pa.Table, pa.Table], Means]] = {
    "pandas": pandas,
    "tsflex": tsflex,
    "tsfresh": tsfresh,
    "featuretools": featuretools,
}


def main() -> None:
    """Print each one's seconds and its ratio to forewarn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cutoffs", type=int, default=2_000)
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    table = observations(options.cutoffs * 26 + 500, 6)
    start = table.column("ts")[0].value
    times = start + (np.arange(options.cutoffs) * 5 + WINDOW) * SECOND
    cutoffs = pa.table(
        {"robot_id": ["robot"] * len(times), "cutoff": pa.array(times, table.schema.field("ts").type)}
    )
    measure.head(
        "Look-back at chosen cut-offs", "numpy", "pandas", *(p for p in options.peers if p != "pandas")
    )
    expected = forewarn(table, cutoffs)
    ours = measure.cpu_seconds(lambda: forewarn(table, cutoffs), 5)
    print(f"\n{table.num_rows:,} rows, {len(times):,} cut-offs, 6 columns, {', '.join(STATISTICS)}:")
    print(f"  {'forewarn':13} {ours:9.4f} s   {len(times) / ours:12,.0f} cut-offs per second")
    for name in options.peers:
        means: list[Means] = []
        seconds = measure.cpu_seconds(
            lambda name=name, means=means: means.append(PEERS[name](table, cutoffs)), 1
        )
        worst = float(np.nanmax(np.abs(means[0] - expected) / np.maximum(1.0, np.abs(expected))))
        print(
            f"  {name:13} {seconds:9.4f} s   {len(times) / seconds:12,.0f} cut-offs per second, "
            f"{seconds / ours:8,.0f} x forewarn, largest difference of the means {worst:.1e}"
        )


if __name__ == "__main__":
    main()
