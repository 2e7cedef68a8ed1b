"""The steps from pushed archives to features, datum by datum, as the engine runs them."""

import json
import zipfile
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from shutil import copytree
from types import ModuleType
from typing import Any

import pyarrow as pa
import pytest

from pipelines.config import Config
from pipelines.steps import extract, features, join
from pipelines.steps.files import read_table

Messages = dict[tuple[str, str], list[dict[str, Any]]]


@dataclass
class Run:
    """What one run of the three steps left behind: files, and per step the digest of each datum's input."""

    folder: Path
    inputs: dict[str, dict[tuple[str, str], str]] = field(default_factory=dict)

    def out(self, step: str) -> Path:
        return self.folder / step / "out"

    def windows(self, robot: str, day: str) -> pa.Table:
        return read_table(self.out("features") / "windows" / robot / f"{day}.parquet")

    def changed(self, other: "Run", step: str) -> set[tuple[str, str]]:
        """The datums of a step whose input differs: the ones an engine runs again."""
        mine, theirs = self.inputs[step], other.inputs[step]
        return {key for key in mine | theirs if mine.get(key) != theirs.get(key)}


def run(folder: Path, messages: Messages, config: Config) -> Run:
    """Push the messages of each (robot, day) as an archive, and run extract, join and features."""
    done = Run(folder)
    for (robot, day), sent in messages.items():
        archive = folder / "extract" / "logs" / day / f"{robot}.zip"
        archive.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(archive, "w") as file:
            for i, message in enumerate(sent):
                file.writestr(zipfile.ZipInfo(f"{i:05}.json"), json.dumps(message))
    _step(folder / "extract", extract, "extract", config, done.out("extract"))
    _each(done, join, "join", done.out("extract"), "day", config)
    _each(done, features, "features", done.out("join"), "observations", config)
    return done


def _each(done: Run, step: ModuleType, name: str, source: Path, days: str, config: Config) -> None:
    digests = done.inputs[name] = {}
    for day in sorted((source / days).glob("*/*")):
        key = (day.parent.name, day.name)
        pfs = done.folder / name / "-".join(key)
        copytree(day, pfs / "day" / days / "/".join(key))
        halo = source / "halo" / "/".join(key)
        if halo.is_dir():
            copytree(halo, pfs / "halo" / "halo" / "/".join(key))
        digests[key] = _digest(pfs)
        _step(pfs, step, name, config, done.out(name))


def _step(pfs: Path, step: ModuleType, name: str, config: Config, out: Path) -> None:
    (pfs / "config").mkdir(parents=True)
    (pfs / "config" / f"{name}.json").write_text(json.dumps(config.step_files[name]), "utf-8")
    step.main(pfs)
    if pfs / "out" != out:
        copytree(pfs / "out", out, dirs_exist_ok=True)


def _digest(folder: Path) -> str:
    found = sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        found.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


@pytest.fixture
def run_steps(tmp_path: Path) -> Any:
    """`run_steps(messages, config)` in a folder of its own each time."""
    made = iter(range(100))
    return lambda messages, config: run(tmp_path / str(next(made)), messages, config)
