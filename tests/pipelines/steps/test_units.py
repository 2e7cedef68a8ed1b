"""A folder of files of a message each is read like an archive of them."""

import gzip
import json
import zipfile
from pathlib import Path

import pytest

from pipelines.config import LogsSection, RobotSection, StreamSection
from pipelines.logs.extract import ExtractSettings, extract
from pipelines.steps.units import units

STREAMS = {"pose": StreamSection.model_validate({"time": "ts", "fields": {"x": "float"}})}
MESSAGES = {
    f"{tick}.json.gz": {"ts": 1_772_366_400_000 + 5_000 * tick, "x": tick * 0.5} for tick in range(40)
}


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Two robots: one pushed as a folder of messages, the other as a ZIP of the same."""
    day = tmp_path / "2026-03-01"
    (day / "amr-1").mkdir(parents=True)
    with zipfile.ZipFile(day / "amr-2.zip", "w") as archive:
        for name, message in MESSAGES.items():
            packed = gzip.compress(json.dumps(message).encode(), mtime=0)
            (day / "amr-1" / name).write_bytes(packed)
            archive.writestr(name, packed)
    (day / "notes.csv").write_text("a,b\n")
    return tmp_path


def test_a_folder_is_one_unit_only_when_the_configuration_says_so(logs: Path) -> None:
    assert [name for _, name in units(logs, folders=True)] == [
        "/2026-03-01/amr-1",
        "/2026-03-01/amr-2.zip",
        "/2026-03-01/notes.csv",
    ]
    assert len(list(units(logs))) == len(MESSAGES) + 2


def test_a_folder_of_messages_is_read_like_an_archive_of_them(logs: Path) -> None:
    named = RobotSection(path=r"(?P<robot>[^/]+?)(\.[a-z0-9.]+)?$")
    settings = ExtractSettings(LogsSection(robot=named), STREAMS)
    folder = extract(logs / "2026-03-01" / "amr-1", "/2026-03-01/amr-1", settings)
    archive = extract(logs / "2026-03-01" / "amr-2.zip", "/2026-03-01/amr-2.zip", settings)
    for found, robot in ((folder, "amr-1"), (archive, "amr-2")):
        assert set(found.streams["pose"].column("robot_id").to_pylist()) == {robot}
        assert found.quarantine.num_rows == 0
    assert folder.streams["pose"].drop_columns("robot_id") == archive.streams["pose"].drop_columns("robot_id")
    counts = folder.accounting.select(["unit", "received", "accepted"]).to_pylist()
    assert counts == archive.accounting.select(["unit", "received", "accepted"]).to_pylist()
