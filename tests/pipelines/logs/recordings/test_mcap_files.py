"""MCAP files: however they were written they read alike, and what breaks costs only what is broken."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.writer import CompressionType, IndexType

from tests.pipelines.logs.recordings import made

WHOLE = made.mcap(60, chunk_size=2_000)
FILES = {
    "zstd": WHOLE,
    "flat": made.mcap(60, use_chunking=False),
    "lz4": made.mcap(60, CompressionType.LZ4),
    "plain": made.mcap(60, CompressionType.NONE),
}


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mcap")


def read(content: bytes, scratch: Path, **how: object) -> made.Extraction:
    file = scratch / "amr.mcap"
    file.write_bytes(content)
    return made.read(file, pushed_as="/day/amr.mcap", **how)  # type: ignore[arg-type]


def test_header_stamps_are_event_times_and_log_times_arrivals(scratch: Path) -> None:
    found = read(made.mcap(3), scratch)
    rows = found.streams["pose"].to_pylist()
    assert [(row["ts"].value, row["recv_ts"].value) for row in rows] == [made.times(n) for n in range(3)]
    assert [(row["x"], row["frame"]) for row in rows] == [(n / 2, "map") for n in range(3)]
    assert [row["ts"].value for row in found.streams["chat"].to_pylist()] == [made.times(0)[1]]


def test_arrays_by_index_and_nan_as_null(scratch: Path) -> None:
    rows = read(made.mcap(11), scratch).streams["scan"].to_pylist()
    assert [(row["near"], row["far"]) for row in rows] == [(0.0, None), (5.0, None), (10.0, None)]


def test_messages_of_topics_no_stream_maps_are_counted(scratch: Path) -> None:
    found = read(made.mcap(20), scratch)
    assert made.counted(found, "member") == 20 + 4 + 4
    assert made.counted(found, "other message") == 2


def test_messages_without_a_record_of_their_stream_are_counted(scratch: Path) -> None:
    streams = {"pose": made.POSE | {"where": {"pose.position.x": {"above": 2}}}}
    found = read(made.mcap(20), scratch, how=made.settings(streams))
    assert (len(found.streams["pose"]), made.counted(found, "other message", "pose")) == (15, 5)


@pytest.mark.parametrize("compression", list(CompressionType))
@pytest.mark.parametrize(
    "how", [{}, {"use_chunking": False}, {"index_types": IndexType.NONE}, {"chunk_size": 500}]
)
@pytest.mark.parametrize("summary", [True, False])
def test_the_same_however_it_was_written(
    scratch: Path, compression: CompressionType, how: dict[str, object], summary: bool
) -> None:
    options = {"use_statistics": summary, "repeat_channels": summary, "repeat_schemas": summary}
    found = read(made.mcap(60, compression, **options, **how), scratch)
    assert found.streams == read(WHOLE, scratch).streams
    assert made.refused(found) == 0


def test_json_channels(scratch: Path) -> None:
    found = read(
        made.mcap_of("json", [*made.json_poses(3), b'{"header": '], schema=("pose", "jsonschema", b"{}")),
        scratch,
    )
    assert found.streams["pose"].column("x").to_pylist() == [0.0, 0.5, 1.0]
    assert made.reasons(found) == ["bad_json"]


@pytest.mark.parametrize(
    ("encoding", "schema", "reason"),
    [
        ("protobuf", ("Pose", "protobuf", b"..."), "encoding_unsupported"),
        ("", None, "encoding_unsupported"),
        ("cdr", ("Pose", "omgidl", b"struct Pose {};"), "encoding_unsupported"),
        ("cdr", ("my/msg/Pose", "ros2msg", b"float64[ x\n"), "definition_invalid"),
        ("cdr", ("my/msg/Pose", "ros2msg", b"my/Missing x\n"), "definition_invalid"),
        ("cdr", None, "definition_missing"),
        ("cdr", ("my/msg/Pose", "ros2msg", b"float64 x\n"), "message_invalid"),
    ],
)
def test_what_cannot_be_decoded_is_refused_message_by_message(
    scratch: Path, encoding: str, schema: tuple[str, str, bytes] | None, reason: str
) -> None:
    found = read(made.mcap_of(encoding, [b"\0\1\0\0abc"] * 7, schema=schema), scratch)
    assert set(made.reasons(found)) == {reason}
    assert (made.refused(found), made.counted(found, "member")) == (7, 7)


def test_a_chunk_that_is_damaged_costs_its_messages_only(scratch: Path) -> None:
    content = bytearray(made.mcap(60, CompressionType.NONE, chunk_size=2_000))
    content[content.find(b"map", len(content) // 3)] ^= 1
    found, whole = read(bytes(content), scratch), read(WHOLE, scratch)
    assert made.reasons(found) == ["bad_crc"]
    lost = sum(len(whole.streams[name]) - len(found.streams[name]) for name in whole.streams)
    others = made.counted(whole, "other message") - made.counted(found, "other message")
    assert 0 < lost + others == made.refused(found)
    rows = found.streams["pose"].to_pylist()
    assert all(row in whole.streams["pose"].to_pylist() for row in rows)


@pytest.mark.parametrize("name", sorted(FILES))
@settings(max_examples=25)
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_truncated_file_is_read_up_to_where_it_ends(scratch: Path, name: str, share: float) -> None:
    whole = FILES[name]
    found = read(whole[: int(len(whole) * share)], scratch)
    assert found.quarantine.num_rows > 0
    rows, all_rows = found.streams["pose"].to_pylist(), read(whole, scratch).streams["pose"].to_pylist()
    assert rows == all_rows[: len(rows)]


@pytest.mark.parametrize("compression", list(CompressionType))
def test_the_last_chunk_is_recovered_as_far_as_it_goes(scratch: Path, compression: CompressionType) -> None:
    noise = random.Random(1)
    poses = [
        raw[:-1] + b', "noise": "' + noise.randbytes(4_000).hex().encode() + b'"}'
        for raw in made.json_poses(200)
    ]
    whole = made.mcap_of("json", poses, compression=compression)
    found = read(whole[: len(whole) // 2], scratch)
    assert 50 < len(found.streams["pose"]) < 101
    assert made.reasons(found) == ["truncated_recording"]


@settings(max_examples=60)
@given(data=st.data())
def test_no_mutation_crashes_or_loses_count(scratch: Path, data: st.DataObject) -> None:
    content = bytearray(FILES[data.draw(st.sampled_from(sorted(FILES)))])
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    read(bytes(content), scratch)


def test_a_bomb_within_a_chunk_is_refused(scratch: Path) -> None:
    whole = made.mcap_of("json", [b"[" + b" " * (8 << 20) + b"]"], compression=CompressionType.LZ4)
    found = read(whole, scratch, how=made.settings(limits={"entry_bytes": 1 << 20}))
    assert made.reasons(found) == ["entry_too_large"]
