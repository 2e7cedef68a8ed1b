"""Learners are taught the recorded failures and what people said of alerts."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from features.schema import FAILURES
from models.settings import TrainSettings
from models.verdicts import TOLD
from pipelines.steps.files import write_table
from pipelines.steps.labelled import labelled

START = datetime(2026, 3, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_verdicts_beside_the_failures_are_taken_in(tmp_path: Path) -> None:
    settings = TrainSettings(lead=5 * MINUTE, horizon=30 * MINUTE, lookback=10 * MINUTE, episode_gap=MINUTE)
    minutes = [40, 60, 70, 80]
    windows = pa.table({"robot_id": ["a"] * 4, "cutoff": [START + minute * MINUTE for minute in minutes]})
    recorded = pa.Table.from_pylist([{"robot_id": "b", "ts": START, "code": "stall"}], schema=FAILURES)
    write_table(recorded, tmp_path / "failures" / "day.parquet")
    alone = labelled(windows, tmp_path, settings)
    assert (alone.windows, alone.failures.to_pylist()) == (windows, recorded.to_pylist())

    said = [
        {"robot_id": "a", "at": "2026-03-01T01:00:00Z", "verdict": "true"},
        {"robot_id": "b", "at": "2026-03-01T00:10:00Z", "verdict": "false alarm"},
    ]
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "verdicts.json").write_text(json.dumps(said), "utf-8")
    taught = labelled(windows, tmp_path, settings)
    assert [(row["robot_id"], row["code"]) for row in taught.failures.to_pylist()] == [
        ("b", "stall"),
        ("a", TOLD),
    ]
    assert taught.failures["ts"][1].as_py() == START + 65 * MINUTE
    assert taught.windows["cutoff"].to_pylist() == [START + minute * MINUTE for minute in (40, 60, 80)]
    assert list(taught.seen) == ["b"]
