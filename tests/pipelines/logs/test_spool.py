"""Files of more records than fit into memory give the same, robot by robot."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from pipelines.config import parse_config
from pipelines.logs.extract import extract, extract_in_groups
from pipelines.logs.spool import BUCKETS
from pipelines.steps import extract as step

from .conftest import balanced, settings

NOON = 1_772_366_400_000
CONFIG = """
[logs]
robot = { field = "robot" }
[streams.load]
time = "ts"
fields.amps = "float"
[streams.about]
kind = "facts"
fields.site = "string"
[join]
anchor = "load"
[failure]
on = [{ stream = "load", when = { amps = { above = 99 } } }]
"""


def messages(count=3_000, robots=200) -> bytes:
    draw = np.random.default_rng(7)
    found = [
        {
            "robot": f"bot-{draw.integers(robots):03}",
            "ts": NOON + int(draw.integers(100)) * 86_400,
            "amps": int(draw.integers(3)),
            "site": "ab"[draw.integers(2)],
        }
        for _ in range(count)
    ]
    lines = [json.dumps(message).encode() for message in found]
    lines[100], lines[2_000] = b'{"robot":"bot-001","ts":"soon","amps":1}', b"no json"
    return b"\n".join(lines)


@pytest.mark.parametrize("chunk", [2_000, 200_000])
def test_in_groups_as_at_once(tmp_path: Path, monkeypatch, chunk):
    monkeypatch.setattr("pipelines.logs.archives.single.BLOCK", chunk)
    file = tmp_path / "fleet.jsonl"
    file.write_bytes(messages())
    streams = {
        "load": {"time": "ts", "fields": {"amps": "float"}},
        "about": {"kind": "facts", "fields": {"site": "string"}},
    }
    how = settings(streams, robot={"field": "robot"})
    whole = extract(file, "/fleet.jsonl", how)
    monkeypatch.setattr("pipelines.logs.spool.BUDGET", 10_000)
    groups = list(extract_in_groups(file, "/fleet.jsonl", how))
    assert 20 < len(groups) <= BUCKETS
    assert groups[-1].ledger.quarantine().equals(whole.quarantine)
    assert groups[-1].ledger.accounting().equals(whole.accounting)
    balanced(whole)
    for name, table in whole.streams.items():
        parts = pa.concat_tables([group.streams[name] for group in groups])
        robots = [set(group.streams[name].column("robot_id").to_pylist()) for group in groups]
        assert sum(map(len, robots)) == len(set().union(*robots)), "a robot is in one group"
        order = np.argsort(np.array(parts.column("robot_id").to_pylist()), kind="stable")
        assert parts.take(pa.array(order)).equals(table)


def test_the_step_writes_the_same_bytes(tmp_path: Path, monkeypatch):
    def written(folder: Path) -> dict[str, bytes]:
        (folder / "logs").mkdir(parents=True)
        (folder / "config").mkdir()
        (folder / "logs" / "fleet.jsonl").write_bytes(messages(robots=20))
        (folder / "config" / "extract.json").write_text(
            json.dumps(parse_config(CONFIG).step_files["extract"])
        )
        step.main(folder)
        out = folder / "out"
        return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*.parquet")}

    whole = written(tmp_path / "whole")
    monkeypatch.setattr("pipelines.logs.spool.BUDGET", 10_000)
    assert written(tmp_path / "groups") == whole
    assert len(whole) > 20
