"""How much memory a large archive takes: 2 GB of a robot-day with pictures, or of a hundred robots' days.

`python -m benchmarks.memory [--gigabytes 2] [--robots 100]` writes the archive, extracts it in a process of
its own, and prints that process's greatest resident size, which counts the pages of the file it reads.
Without `--robots` every message of one robot-day carries a picture; with it each robot has a member of lines.
"""

import argparse
import base64
import random
import resource
import tempfile
import time
import zipfile
from datetime import date
from multiprocessing import get_context
from pathlib import Path

from benchmarks.readers import CONFIG, PUSHED_AS
from pipelines.config import load_config
from pipelines.demo.fleet import epoch_ms
from pipelines.demo.messages import Clocks, day_messages
from pipelines.demo.plan import plan_robot
from pipelines.logs.extract import ExtractSettings, extract_in_groups


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gigabytes", type=float, default=2.0)
    parser.add_argument("--robots", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "day.zip"
        if asked.robots:
            messages = write_fleet_day(archive, asked.robots)
        else:
            messages = write_large_day(archive, int(asked.gigabytes * 1e9))
        print(f"{messages:,} messages, {archive.stat().st_size / 1e9:.2f} GB")
        with get_context("spawn").Pool(1) as pool:
            rows, seconds, peak = pool.apply(measured, (archive,))
    print(f"{rows:,} records in {seconds:.1f} s CPU, at most {peak / 1e6:.0f} MB resident")


def write_large_day(archive: Path, size: int) -> int:
    """A robot-day, stored as it is; each message carries a picture as Base64, so that they fill `size`."""
    start = epoch_ms(date(2026, 3, 1))
    plan = plan_robot(1, robots=12, days=1, seed=7)
    messages = day_messages(plan, 0, start_ms=start, seed=7, clocks=Clocks())
    draw = random.Random(7)
    picture = base64.b64encode(draw.randbytes(max(size * 3 // 4 // len(messages), 1)))
    with zipfile.ZipFile(archive, "w") as packed:
        for message in messages:
            cut = draw.randrange(len(picture))
            text = message.text.encode()[:-1] + b',"picture":"' + picture[cut:] + picture[:cut] + b'"}'
            packed.writestr(f"{message.ts // 1000}.json", text)
    return len(messages)


def write_fleet_day(archive: Path, robots: int) -> int:
    """A day of each robot as it is, 20 MB of JSON lines; all robots measured the same."""
    start = epoch_ms(date(2026, 3, 1))
    plan = plan_robot(1, robots=12, days=1, seed=7)
    messages = day_messages(plan, 0, start_ms=start, seed=7, clocks=Clocks())
    lines = b"\n".join(message.text.encode() for message in messages)
    with zipfile.ZipFile(archive, "w") as packed:
        for number in range(robots):
            name = f"bot-{number:03}"
            packed.writestr(
                f"{name}.jsonl", lines.replace(b'"' + plan.robot_id.encode() + b'"', f'"{name}"'.encode())
            )
    return robots * len(messages)


def measured(archive: Path) -> tuple[int, float, int]:
    """Records, CPU seconds, and the greatest resident size in bytes."""
    config = load_config(CONFIG).step_files["extract"]
    config["logs"]["robot"] = {"field": "$.robotId"}
    settings = ExtractSettings.from_json(config)
    begun, rows = time.process_time(), 0
    for found in extract_in_groups(archive, PUSHED_AS, settings):
        rows += sum(table.num_rows for table in found.streams.values())
    seconds = time.process_time() - begun
    return rows, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
