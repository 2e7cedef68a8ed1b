"""ROS 1 bags: compressed, without an index, cut off."""

import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.pipelines.logs.recordings import made

COMPRESSIONS = ["", "bz2", "lz4"]


class Bags(dict[str, bytes]):
    """Bags by compression, with a short word for the reports of failing tests."""

    def __repr__(self) -> str:
        return "bags"


@pytest.fixture(scope="module")
def bags(tmp_path_factory: pytest.TempPathFactory) -> Bags:
    folder = tmp_path_factory.mktemp("bags")
    return Bags({kind: made.ros1_bag(folder / f"{kind}.bag", 40, kind).read_bytes() for kind in COMPRESSIONS})


def read(content: bytes, folder: Path) -> made.Extraction:
    file = folder / "amr.bag"
    file.write_bytes(content)
    return made.read(file, pushed_as="/day/amr.bag")


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_a_bag_reads_as_the_same_messages_in_mcap(bags: Bags, tmp_path: Path, compression: str) -> None:
    found = read(bags[compression], tmp_path)
    twin = tmp_path / "twin.mcap"
    twin.write_bytes(made.mcap(40))
    assert found.streams == made.read(twin).streams
    assert made.refused(found) == 0
    assert made.counted(found, "other message") == 4


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_without_its_index_it_reads_the_same(bags: Bags, tmp_path: Path, compression: str) -> None:
    whole = bags[compression]
    at = whole.index(b"index_pos=") + len(b"index_pos=")
    (index,) = struct.unpack("<Q", whole[at : at + 8])
    found = read(whole[:at] + bytes(8) + whole[at + 8 : index], tmp_path)
    assert found.streams == read(whole, tmp_path).streams
    assert made.refused(found) == 0


@pytest.mark.parametrize("compression", COMPRESSIONS)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_truncated_bag_is_read_up_to_where_it_ends(
    bags: Bags, tmp_path: Path, compression: str, share: float
) -> None:
    whole = bags[compression]
    found = read(whole[: int(len(whole) * share)], tmp_path)
    rows = found.streams["pose"].to_pylist()
    assert rows == read(whole, tmp_path).streams["pose"].to_pylist()[: len(rows)]
    assert found.quarantine.num_rows or len(rows) == 40


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_mutation_crashes_or_loses_count(bags: Bags, tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(bags[data.draw(st.sampled_from(COMPRESSIONS))])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    read(bytes(content), tmp_path)


def test_other_versions_are_refused_by_name(tmp_path: Path) -> None:
    found = read(b"#ROSBAG V1.2\n" + bytes(100), tmp_path)
    assert made.reasons(found) == ["version_unsupported"]
