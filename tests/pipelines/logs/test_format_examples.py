"""The examples' scripts write logs that the examples' configurations read, whole and with their failures."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

from features.join import deduplicate
from features.labels import find_failures
from pipelines.config import Config, load_config
from pipelines.logs.extract import Extraction, ExtractSettings, extract
from pipelines.steps.units import units

EXAMPLES = Path(__file__).parents[3] / "examples"


def written(example: str, script: str, folder: Path, *arguments: str) -> tuple[Config, dict[str, Extraction]]:
    """What the script wrote, extracted by the example's configuration, by the path it would be pushed as."""
    subprocess.run(
        [sys.executable, EXAMPLES / example / script, folder, "--days", "1", *arguments],
        check=True,
        timeout=120,
    )
    config = load_config(EXAMPLES / example / "forewarn.toml")
    settings = ExtractSettings.from_json(config.step_files["extract"])
    return config, {pushed_as: extract(path, pushed_as, settings) for path, pushed_as in units(folder)}


def failures(config: Config, found: Extraction) -> Counter[str]:
    codes: Counter[str] = Counter()
    for rule in config.failure.on:
        stream = deduplicate(found.streams[rule.stream]).table
        rows = find_failures(
            stream, rule.when, edge=rule.edge, code=rule.code, code_field=rule.code_field or None
        )
        codes.update(rows.column("code").to_pylist())
    return codes


def test_a_vda5050_fleet(tmp_path: Path) -> None:
    config, days = written("vda5050", "fleet.py", tmp_path / "logs")
    assert sorted(days) == [f"/2026-03-02/agv-{robot}.log" for robot in range(1, 5)]
    for pushed_as, found in days.items():
        file = tmp_path / "logs" / pushed_as.removeprefix("/")
        lines = file.read_text().splitlines()
        states = found.streams["state"]
        assert len(states) == sum("{" in line for line in lines)
        assert set(states.column("robot_id").to_pylist()) == {file.stem}
        assert states.column("battery").null_count == states.column("voltage").null_count == 0
        assert found.quarantine.num_rows == 0
        assert failures(config, found) == {"driveFault": 3, "e_stop": 1}
        other = [row for row in found.accounting.to_pylist() if row["unit"] == "other message"]
        assert sum(row["accepted"] for row in other) == len(lines) - len(states)


def test_a_ros_2_fleet(tmp_path: Path) -> None:
    config, days = written("ros2_bag", "record.py", tmp_path / "bags", "--hours", "2")
    assert sorted(days) == [f"/2026-03-02/amr-{robot}" for robot in range(1, 4)]
    for pushed_as, found in days.items():
        counts = {name: len(table) for name, table in found.streams.items()}
        assert counts == dict.fromkeys(("odometry", "battery", "drive"), 1_440), pushed_as
        assert found.quarantine.num_rows == 0
        assert failures(config, found) == {"drive_error": 4}
        battery = found.streams["battery"]
        assert battery.column("temperature").null_count == len(battery)
        assert set(battery.column("robot_id").to_pylist()) == {pushed_as.rpartition("/")[2]}
