"""ROS 2 bags as folders, files, and within archives; compressed, split, and with parts missing."""

import io
import random
import shutil
import sqlite3
import tarfile
import zipfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.logs.recordings.bag_folder import ROOT
from pipelines.steps.units import units
from tests.pipelines.logs.recordings import made

WRITTEN = [("sqlite3", mode) for mode in ("none", "file", "message")]
WRITTEN += [("mcap", mode) for mode in ("none", "file", "message", "storage")]


@pytest.fixture(scope="module")
def bags(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bags")
    for storage, mode in WRITTEN:
        made.ros2_bag(folder / f"{storage}_{mode}", storage=storage, mode=mode)
    return folder


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> made.Extraction:
    file = tmp_path_factory.mktemp("twin") / "twin.mcap"
    file.write_bytes(made.mcap(20))
    return made.read(file)


@pytest.mark.parametrize(("storage", "mode"), WRITTEN)
def test_every_way_to_write_a_bag(bags: Path, expected: made.Extraction, storage: str, mode: str) -> None:
    found = made.read(bags / f"{storage}_{mode}")
    assert found.streams == expected.streams
    assert made.refused(found) == 0


def archived(folder: Path, to: Path, seed: int) -> Path:
    """The folder in a ZIP or tar, members in an order of chance, below a folder of its name."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    random.Random(seed).shuffle(files)
    if to.suffix == ".zip":
        with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in files:
                archive.write(file, f"bag/{file.name}")
    else:
        with tarfile.open(to, "w:gz" if to.suffix == ".gz" else "w") as tar:
            for file in files:
                tar.add(file, f"bag/{file.name}")
    return to


@pytest.mark.parametrize("name", ["amr.zip", "amr.tar", "amr.tar.gz"])
def test_a_bag_within_an_archive(bags: Path, expected: made.Extraction, tmp_path: Path, name: str) -> None:
    for storage, mode in WRITTEN:
        found = made.read(archived(bags / f"{storage}_{mode}", tmp_path / name, 1), pushed_as=f"/day/{name}")
        assert (found.streams, made.refused(found)) == (expected.streams, 0), (storage, mode)


def split(folder: Path, to: Path) -> Path:
    """The bag cut into three files, with its metadata."""
    to.mkdir()
    shutil.copy(folder / "metadata.yaml", to)
    source = next(folder.glob("*.db3"))
    for part in range(3):
        target = to / f"part_{part}.db3"
        shutil.copy(source, target)
        with sqlite3.connect(target) as bag:
            bag.execute("DELETE FROM messages WHERE id % 3 != ?", (part,))
        bag.close()
    told = yaml.safe_load((to / "metadata.yaml").read_text())
    told[ROOT]["relative_file_paths"] = [f"part_{part}.db3" for part in range(3)]
    (to / "metadata.yaml").write_text(yaml.safe_dump(told, sort_keys=False))
    return to


def test_a_split_bag_is_one(bags: Path, expected: made.Extraction, tmp_path: Path) -> None:
    folder = split(bags / "sqlite3_none", tmp_path / "bag")
    found = made.read(folder)
    assert (found.streams, made.refused(found)) == (expected.streams, 0)


def test_the_order_of_members_changes_no_byte(bags: Path, tmp_path: Path) -> None:
    folder = split(bags / "sqlite3_none", tmp_path / "bag")
    written = []
    for seed in range(3):
        found = made.read(archived(folder, tmp_path / "amr.zip", seed), pushed_as="/day/amr.zip")
        for table in [
            *(found.streams[name] for name in sorted(found.streams)),
            found.accounting,
            found.quarantine,
        ]:
            file = io.BytesIO()
            pq.write_table(table, file)
            written.append((seed, file.getvalue()))
    assert len({tuple(raw for own, raw in written if own == seed) for seed in range(3)}) == 1


def test_a_missing_part_is_told_and_its_messages_counted(bags: Path, tmp_path: Path) -> None:
    folder = split(bags / "sqlite3_none", tmp_path / "bag")
    whole = made.read(folder)
    (folder / "part_1.db3").unlink()
    found = made.read(folder)
    assert made.reasons(found) == ["bag_file_missing", "messages_missing"]
    total = [made.counted(each, "member") + made.counted(each, "other message") for each in (whole, found)]
    assert total == [30, 30]


def test_metadata_without_its_bag_loses_nothing(bags: Path, tmp_path: Path) -> None:
    shutil.copy(bags / "mcap_none" / "metadata.yaml", tmp_path)
    found = made.read(tmp_path)
    assert (made.reasons(found), made.counted(found, "other message")) == ([], 1)


def test_a_damaged_metadata_costs_itself_only(bags: Path, expected: made.Extraction, tmp_path: Path) -> None:
    shutil.copytree(bags / "mcap_none", tmp_path / "bag")
    (tmp_path / "bag" / "metadata.yaml").write_text("rosbag2_bagfile_information: [1, 2")
    found = made.read(tmp_path / "bag")
    assert (found.streams, made.reasons(found)) == (expected.streams, ["metadata_invalid"])


def test_messages_sqlite_has_not_merged_are_told_of(bags: Path, tmp_path: Path) -> None:
    shutil.copytree(bags / "sqlite3_none", tmp_path / "bag")
    (tmp_path / "bag" / "sqlite3_none.db3-wal").write_bytes(b"\x37\x7f\x06\x82" + bytes(100))
    assert made.reasons(made.read(tmp_path / "bag")) == ["sqlite_wal"]


def test_a_database_that_is_no_bag(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "amr.db3") as other:
        other.execute("CREATE VIEW messages AS SELECT 1")
    other.close()
    found = made.read(tmp_path / "amr.db3", pushed_as="/day/amr.db3")
    assert made.reasons(found) == ["not_a_bag"]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_cut_or_mutation_of_a_database_crashes_or_loses_count(
    bags: Path, tmp_path: Path, data: st.DataObject
) -> None:
    content = bytearray((bags / "sqlite3_none" / "sqlite3_none.db3").read_bytes())
    del content[data.draw(st.integers(16, len(content))) :]
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    file = tmp_path / "amr.db3"
    file.write_bytes(content)
    made.read(file, pushed_as="/day/amr.db3")


def test_a_file_named_a_recording_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "amr.mcap").write_bytes(b"not at all")
    assert made.reasons(made.read(tmp_path / "amr.mcap", pushed_as="/day/amr.mcap")) == ["bad_magic"]


def test_bags_are_extracted_as_folders_and_files_as_files(bags: Path, tmp_path: Path) -> None:
    shutil.copytree(bags / "mcap_none", tmp_path / "2026-03-01" / "amr")
    (tmp_path / "2026-03-01" / "b.zip").write_bytes(b"")
    (tmp_path / "2026-03-01" / "metadata.yaml").write_text("other: 1")
    assert [pushed_as for _, pushed_as in units(tmp_path)] == [
        "/2026-03-01/amr",
        "/2026-03-01/b.zip",
        "/2026-03-01/metadata.yaml",
    ]
