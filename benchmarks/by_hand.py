"""What one would write instead: from archive to risk with zipfile, json, pandas and LightGBM, in one script.

It makes the same features by the same rules as far as pandas says them: `merge_asof` takes the nearest
record, `rolling` windows are `[c − w, c)`. What pandas cannot say is left out: when records arrived. Nothing
is checked, quarantined, counted or explained, and nothing but the risk is kept.
"""

import gzip
import json
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

STREAMS = {
    "pose": ("pose", "ts", "3s", "nearest", {"x": "x", "y": "y", "yaw": "yaw"}),
    "odometry": (
        "odometry", "ts", "3s", "nearest",
        {"linear_speed": "linear_speed", "angular_speed": "angular_speed"},
    ),
    "stats": (
        "systemStats", "timestamp", "5s", "nearest",
        {"cpu_load": "cpu_load_percentage", "ram_usage": "ram_usage_percentage"},
    ),
    "status": (
        "keyValues", "ts", "5s", "nearest",
        {
            name: name
            for name in (
                "battery_percent", "battery_voltage", "motor_current", "wheel_slip", "localization_score",
                "firmware", "site",
            )
        },
    ),
}  # fmt: skip
WINDOWS = {"10s": 10, "42s": 42, "2m": 120}
EVERY, CAP = pd.Timedelta("5s"), 3_600.0


def risk(archive: Path, model: Path) -> pd.DataFrame:
    """`cutoff`, `risk` of every five seconds of a robot-day."""
    import lightgbm

    streams, errors = read(archive)
    features = windows(observations(streams), errors)
    card = json.loads((model / "card.json").read_text())
    matrix = np.empty((len(features), len(card["features"])), np.float32)
    for i, entry in enumerate(card["features"]):
        column = features[entry["name"]]
        known = card["categories"].get(entry["name"])
        matrix[:, i] = column if known is None else pd.Categorical(column, known).codes
        if known is not None:
            matrix[matrix[:, i] < 0, i] = np.nan
        elif card["never_missing"][i] is not None:
            matrix[np.isnan(matrix[:, i]), i] = card["never_missing"][i]
    booster = lightgbm.Booster(model_str=(model / "model.txt").read_text())
    return features[["cutoff"]].assign(risk=1 / (1 + np.exp(-booster.predict(matrix, raw_score=True))))


def read(archive: Path) -> tuple[dict[str, pd.DataFrame], np.ndarray]:
    """The samples of each stream, and when errors happened (ns)."""
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in STREAMS}
    errors, missions = set(), []
    with zipfile.ZipFile(archive) as packed:
        for member in packed.namelist():
            message = json.loads(gzip.decompress(packed.read(member)))
            for name, (key, time, _, _, fields) in STREAMS.items():
                part = message.get(key)
                if name == "status":
                    pairs = {pair["key"]: json.loads(pair["value"]) for pair in part}
                    rows[name].append({"ts": part[0]["ts"], **{n: pairs[n] for n in fields}})
                    continue
                for record in part if isinstance(part, list) else [part] if part else []:
                    rows[name].append({"ts": record[time], **{n: record[s] for n, s in fields.items()}})
            errors |= {record["ts"] for record in message.get("errors") or []}
            missions.append({"ts": message["ts"]})
    frames = {
        name: pd.DataFrame(found)
        .assign(
            ts=lambda frame: pd.to_datetime(frame["ts"], unit="ms", utc=True).astype("datetime64[ns, UTC]")
        )
        .drop_duplicates("ts", keep="last")
        .sort_values("ts")
        for name, found in (rows | {"mission": missions}).items()
    }
    return frames, np.array(sorted(errors), dtype=np.int64) * 1_000_000


def observations(streams: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Every five seconds, the nearest record of each stream and how far off it is."""
    first = min(frame["ts"].iloc[0] for frame in streams.values()).ceil(EVERY)
    last = max(frame["ts"].iloc[-1] for frame in streams.values())
    joined = pd.DataFrame({"ts": pd.date_range(first, last, freq=EVERY, unit="ns")})
    for name, (_, _, tolerance, direction, fields) in STREAMS.items():
        right = streams[name].assign(at=streams[name]["ts"])
        joined = pd.merge_asof(joined, right, on="ts", direction=direction, tolerance=pd.Timedelta(tolerance))
        joined[f"{name}__gap_s"] = (joined.pop("at") - joined["ts"]).dt.total_seconds()
        joined = joined.rename(columns={field: f"{name}__{field}" for field in fields})
    return joined


def windows(joined: pd.DataFrame, errors: np.ndarray) -> pd.DataFrame:
    """Eleven statistics of every number in three windows, and the events, at every observation."""
    frame = joined.set_index("ts")
    seconds = pd.Series((frame.index - frame.index[0]).total_seconds(), frame.index)
    cut = frame.index.as_unit("ns").asi8
    made = {"cutoff": frame.index}
    for text, length in WINDOWS.items():
        for name, column in frame.items():
            if column.dtype.kind not in "fi":
                # a text held in every message: its last value is that of the row before
                made[f"{name}__last__{text}"] = column.shift(1)
                continue
            rolled = column.rolling(f"{length}s", closed="left")
            for statistic in ("count", "mean", "std", "min", "max", "first", "last"):
                made[f"{name}__{statistic}__{text}"] = getattr(rolled, statistic)()
            for statistic, share in (("p10", 0.1), ("p50", 0.5), ("p90", 0.9)):
                made[f"{name}__{statistic}__{text}"] = rolled.quantile(share)
            time = seconds.where(column.notna()).rolling(f"{length}s", closed="left")
            made[f"{name}__slope__{text}"] = time.cov(column, ddof=0) / time.var(ddof=0)
        begin, end = np.searchsorted(errors, cut - length * 10**9), np.searchsorted(errors, cut)
        made[f"errors__count__{text}"] = end - begin
    before = np.searchsorted(errors, cut)
    since = (cut - np.append(errors, 0)[before - 1]) / 1e9
    made["errors__since_last_s"] = np.where(before > 0, np.minimum(since, CAP), CAP)
    return pd.DataFrame(made).reset_index(drop=True)
