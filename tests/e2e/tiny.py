"""A tiny project: two CSV tables of two machines, small enough to run every pipeline in seconds."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

START = datetime(2026, 3, 1, tzinfo=UTC)
CONFIG = """
[logs]
glob = "/*"
robot = { field = "machine" }

[streams.load]
files = "load.csv"
time = "at"
unit = "iso8601"
fields.amps = { type = "float", unit = "A" }

[streams.stops]
kind = "events"
files = "stops.csv"
time = "at"
unit = "iso8601"
fields.code = "string"

[join]
anchor = "load"

[failure]
on = [{ stream = "stops", edge = "each", code_field = "code" }]

[lookback]
windows = ["10m", "30m"]
every = "10m"
horizon = "1h"
exclude = ["stops"]

[train]
rounds = 5
"""
ONE_WORKER = """
[pipelines]
workers = 1
"""


def write(folder: Path, *, hours: int = 12) -> Path:
    """Write `forewarn.toml` and `logs/` into a folder; the folder. One worker: another is slow to start."""
    logs = folder / "logs"
    logs.mkdir(parents=True)
    (folder / "forewarn.toml").write_text(CONFIG + ONE_WORKER)
    load, stops = ["at,machine,amps"], ["at,machine,code"]
    for machine in ("m1", "m2"):
        for minute in range(0, hours * 60, 5):
            at = (START + timedelta(minutes=minute)).isoformat()
            load.append(f"{at},{machine},{5 + minute * 37 % 60 / 20}")
            if minute % 120 == 110:
                stops.append(f"{at},{machine},overload")
    (logs / "load.csv").write_text("\n".join(load) + "\n")
    (logs / "stops.csv").write_text("\n".join(stops) + "\n")
    return folder
