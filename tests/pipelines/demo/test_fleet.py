import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from features.errors import ConflictError, UsageError
from pipelines.demo.fleet import write_fleet
from pipelines.demo.truth import load_truth

PER_DAY = 17_280


def _bytes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_same_arguments_give_the_same_bytes_however_many_workers_write(tmp_path):
    one = write_fleet(tmp_path / "one", robots=2, days=1, seed=5, workers=1)
    two = write_fleet(tmp_path / "two", robots=2, days=1, seed=5, workers=2)
    assert one == two
    assert _bytes(tmp_path / "one") == _bytes(tmp_path / "two")


def test_one_archive_a_robot_day_and_the_truth_outside_the_logs(fleet):
    assert sorted(_bytes(fleet.folder)) == [
        *(f"logs/2026-03-0{day}/amr-00{robot}.zip" for day in (1, 2) for robot in (1, 2, 3)),
        "truth.json",
    ]
    assert load_truth(fleet.folder) == fleet.truth


def test_a_message_every_five_seconds_stored_without_a_clock_of_the_writer(fleet):
    received = 0
    for path in sorted(fleet.logs.rglob("*.zip")):
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
        assert {info.date_time for info in infos} == {(1980, 1, 1, 0, 0, 0)}
        assert {info.compress_type for info in infos} == {zipfile.ZIP_STORED}
        assert len({info.filename for info in infos}) == len(infos)
        received += len(infos)
    duplicates = sum(dirt.kind == "duplicate" for dirt in fleet.truth.dirt)
    assert received == fleet.truth.messages
    assert len(fleet.truth.robots) * 2 * PER_DAY - 100 < received - duplicates
    assert received - duplicates <= len(fleet.truth.robots) * 2 * PER_DAY


def test_another_seed_gives_another_fleet_and_progress_tells_robots_done(tmp_path, fleet):
    told = []
    write_fleet(tmp_path, robots=1, days=1, seed=5, progress=lambda done, robots: told.append((done, robots)))
    assert told == [(1, 1)]
    file = "logs/2026-03-01/amr-001.zip"
    assert _bytes(tmp_path)[file] != _bytes(fleet.folder)[file]


def test_an_existing_fleet_is_not_overwritten(fleet):
    with pytest.raises(ConflictError, match="exists already"):
        write_fleet(fleet.folder, robots=1, days=1)


@pytest.mark.parametrize(
    "arguments", [{"robots": 0}, {"days": 0}, {"workers": 0}, {"seed": -1}, {"start": "yesterday"}]
)
def test_arguments_without_sense_are_refused_before_anything_is_written(tmp_path, arguments):
    with pytest.raises(UsageError):
        write_fleet(tmp_path, **arguments)
    assert not any(tmp_path.iterdir())


def test_importing_the_fleet_is_light():
    heavy = "{'numpy', 'pyarrow', 'pandas', 'multiprocessing'}"
    code = f"import pipelines.demo.fleet, sys; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
