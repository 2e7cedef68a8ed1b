"""Compiles the numerical kernels once, at installation, so that no first push waits a minute for them.

`python -m pipelines.precompile` imports every module, then runs every function of `features` and a few
messages through extract, join and features; Python keeps the bytecode and numba the machine code beside the
sources.
"""

import json
import zipfile
from importlib import import_module
from importlib.resources import files
from pathlib import Path
from pkgutil import walk_packages
from shutil import copytree
from tempfile import TemporaryDirectory
from typing import Final

from features.warm import warm_up
from models.warm import warm_up as warm_up_scoring
from pipelines.commands.output import say
from pipelines.config import CONFIG_NAME, Config, parse_config
from pipelines.steps import extract, features, join

START_MS = 1_772_366_400_000
STEPS = ((extract, "extract"), (join, "join"), (features, "features"))
PACKAGES: Final = ("features", "models", "reports", "pipelines")
IMPORTED_LATE: Final = ("distributed.deploy.local", "duckdb", "lightgbm", "sklearn.linear_model", "uvicorn")


def main() -> None:
    """Import everything, and run the steps on ten minutes of one robot."""
    say("compiling the numerical kernels, once: one to two minutes of a free core")
    for package in PACKAGES:
        for module in walk_packages(import_module(package).__path__, f"{package}."):
            if not module.name.endswith("__main__"):
                import_module(module.name)
    for name in IMPORTED_LATE:
        import_module(name)
    warm_up()
    warm_up_scoring()
    config = parse_config(files("pipelines.demo").joinpath(CONFIG_NAME).read_text("utf-8"))
    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        logs = folder / "extract" / "logs" / "2026-03-01"
        logs.mkdir(parents=True)
        with zipfile.ZipFile(logs / "robot.zip", "w") as archive:
            for second in range(0, 600, 5):
                archive.writestr(f"{second:05}.json", json.dumps(message(START_MS + second * 1_000)))
        for step, name in STEPS:
            pfs = prepare(folder, name, config)
            step.main(pfs)
            for following, where in (("join", "day"), ("features", "observations")):
                made = pfs / "out" / where
                if made.is_dir():
                    copytree(made, folder / following / "day" / where, dirs_exist_ok=True)


def prepare(folder: Path, name: str, config: Config) -> Path:
    """A step's `/pfs` with its configuration and an empty `out`."""
    pfs = folder / name
    (pfs / "out").mkdir(parents=True, exist_ok=True)
    (pfs / "config").mkdir()
    (pfs / "config" / f"{name}.json").write_text(json.dumps(config.step_files[name]), "utf-8")
    return pfs


def message(at: int) -> dict[str, object]:
    """One message of the synthetic fleet's form, every source in it."""
    return {
        "robotId": "robot",
        "ts": at,
        "recvTs": at + 900,
        "pose": [{"ts": at + 10, "x": 1.5, "y": -2.25, "yaw": 0.5, "frame_id": "map"}],
        "odometry": [{"ts": at + 20, "linear_speed": 0.75, "angular_speed": 0.1, "speed_available": True}],
        "systemStats": {"timestamp": at, "cpu_load_percentage": 0.5, "ram_usage_percentage": 0.25},
        "keyValues": [
            {"key": "battery_voltage", "value": "25.5", "ts": at},
            {"key": "firmware", "value": '"4.1.2"', "ts": at},
        ],
        "mission": {"missionId": "m", "inProgress": True, "state": "Executing", "status": "OK"},
        "errors": [{"ts": at, "code": "E1", "severity": "warn", "message": "none"}],
    }


if __name__ == "__main__":
    main()
