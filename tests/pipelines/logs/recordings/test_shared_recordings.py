"""Real recordings of others: each is read or refused for the right reason, and counted as declared."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.logs.recordings.decode import decoder
from pipelines.logs.recordings.message import Channel
from tests.pipelines.logs.recordings import made

SINCE_1970 = {"limits": {"earliest": "1970-01-01T00:00:00Z"}}
BAGS = [
    "bag_with_topics_and_service_events",
    "cdr_test",
    "convert_a",
    "convert_b",
    "rewriter_a",
    "rewriter_b",
]
BAGS += ["talker", "test_bag_for_seek", "wbag"]
WITHOUT_DEFINITION = {"convert_a", "convert_b", "rewriter_a", "rewriter_b", "test_bag_for_seek"}
LOOSE = {"only_services.mcap": 12, "only_topics.mcap": 7, "topics_and_services.mcap": 13}
LOOSE |= {"topics_and_services.db3": 13}
PARTS = {"multiple_files_0": 1324, "multiple_files_1": 1324, "multiple_files_2": 529}
SPLIT = "{}/reindex_test_bags/multiple_files/{}.{}"
LOOSE |= {SPLIT.format("mcap", name, "mcap"): count for name, count in PARTS.items()}
LOOSE |= {SPLIT.format("sqlite3", name, "db3"): count for name, count in PARTS.items()}


@pytest.fixture(scope="module")
def bags(shared_data: Path) -> Path:
    folder = shared_data / "rosbag2"
    if not folder.is_dir():
        pytest.skip(f"no ROS 2 recordings at {folder}")
    return folder


def per_topic(metadata: Path) -> dict[str, int]:
    told = yaml.safe_load(metadata.read_text())["rosbag2_bagfile_information"]["topics_with_message_count"]
    counts = {topic["topic_metadata"]["name"]: topic["message_count"] for topic in told}
    return {name: count for name, count in counts.items() if count}


def everything(topic: str = "*") -> Any:
    fields = {"topic": {"type": "string", "source": "@topic"}, "data": "string"}
    return made.settings({"all": {"topic": topic, "fields": fields}}, **SINCE_1970)


@pytest.mark.parametrize("bag", BAGS)
def test_every_message_of_an_mcap_bag_is_a_record(bags: Path, bag: str) -> None:
    folder = bags / "mcap" / bag
    found = made.read(folder, everything())
    assert made.refused(found) == 0
    told = per_topic(folder / "metadata.yaml")
    assert made.counted(found, "record", "all") == sum(told.values())
    for topic, count in told.items():
        assert made.counted(made.read(folder, everything(topic)), "record", "all") == count, topic


@pytest.mark.parametrize("bag", sorted({*BAGS} - WITHOUT_DEFINITION - {"talker"}))
def test_a_sqlite_bag_reads_as_its_mcap_twin(bags: Path, bag: str) -> None:
    twins = [made.read(bags / storage / bag, everything()) for storage in ("sqlite3", "mcap")]
    assert made.refused(twins[0]) == 0
    topics = [Counter(found.streams["all"].column("topic").to_pylist()) for found in twins]
    assert topics[0] == topics[1]


@pytest.mark.parametrize("bag", sorted(WITHOUT_DEFINITION))
def test_sqlite_bags_older_than_definitions_are_refused_for_types_no_one_knows(bags: Path, bag: str) -> None:
    folder = bags / "sqlite3" / bag
    found = made.read(folder, everything())
    assert set(made.reasons(found)) == {"definition_missing"}
    assert made.refused(found) == sum(per_topic(folder / "metadata.yaml").values())


def test_messages_of_a_type_that_changed_since_are_refused_and_the_others_read(bags: Path) -> None:
    found = made.read(bags / "sqlite3" / "talker", everything())
    assert set(made.reasons(found)) == {"message_invalid"}
    assert made.refused(found) == 10
    assert sorted(found.streams["all"].column("data").to_pylist()) == [
        f"Hello, world! {n}" for n in range(10)
    ]


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_the_wrong_encoding_is_refused_as_such(bags: Path, storage: str) -> None:
    found = made.read(bags / storage / "wrong_rmw_test", everything())
    assert set(made.reasons(found)) == {"encoding_unsupported"}
    assert made.refused(found) == 7
    assert all("wrong_format" in detail for detail in found.quarantine.column("detail").to_pylist())


@pytest.mark.parametrize(("name", "count"), LOOSE.items())
def test_single_files(bags: Path, name: str, count: int) -> None:
    found = made.read(bags / name, everything(), f"/day/{Path(name).name}")
    assert (made.counted(found, "record", "all"), made.refused(found)) == (count, 0)


def test_service_events_are_read_by_the_service_they_are_of(bags: Path) -> None:
    fields = {
        "kind": {"type": "int", "source": "info.event_type"},
        "a": {"type": "int", "source": "request[0].a"},
        "sum": {"type": "int", "source": "response[0].sum"},
    }
    streams = {"calls": {"topic": "/add_two_ints*/_service_event", "time": "info.stamp", "fields": fields}}
    found = made.read(bags / "only_services.mcap", made.settings(streams))
    rows = [(row["kind"], row["a"], row["sum"]) for row in found.streams["calls"].to_pylist()]
    assert rows == [row for a in range(1, 7) for row in ((1, a, None), (2, None, a + 3))]


def test_values_are_those_another_library_reads(bags: Path) -> None:
    from mcap.reader import make_reader
    from mcap_ros2.decoder import DecoderFactory

    with (bags / "mcap" / "cdr_test" / "cdr_test_0.mcap").open("rb") as file:
        reader = make_reader(file, decoder_factories=[DecoderFactory()])
        for schema, channel, message, theirs in reader.iter_decoded_messages():
            told = Channel(channel.topic, "cdr", schema.name, schema.encoding, schema.data.decode())
            ours = decoder(told, made.settings().logs.limits)(message.data)
            assert list(ours) == list(theirs.__slots__)
            for name, value in ours.items():
                assert_alike(value, getattr(theirs, name))


def assert_alike(ours: Any, theirs: Any) -> None:
    if isinstance(ours, dict):
        for name, value in ours.items():
            assert_alike(value, getattr(theirs, name))
    elif isinstance(ours, list):
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            assert_alike(one, other)
    elif hasattr(ours, "tolist"):
        signed = [value - 256 if ours.dtype == "int8" and value > 127 else value for value in theirs]
        assert ours.tolist() == signed
    else:
        assert ours == theirs


def test_a_px4_log_says_what_its_publisher_expects(shared_data: Path) -> None:
    log = shared_data / "ulog" / "sample_log_small.ulg"
    if not log.is_file():
        pytest.skip(f"no PX4 log at {log}")
    from pyulog import ULog

    lines = log.with_name("sample_log_small_messages.txt").read_text().splitlines()
    fields = {"level": "string", "message": "string"}
    streams = {
        "text": {"topic": "logged_messages", "kind": "events", "fields": fields},
        "voltage": {"topic": "battery_status", "fields": {"voltage_v": "float"}},
        "second": {"topic": "battery_status:1", "fields": {"voltage_v": "float"}},
    }
    found = made.read(log, made.settings(streams), "/day/x1.ulg")
    rows = found.streams["text"].to_pylist()
    assert [f"{row['level']}: {row['message']}" for row in rows] == [line.partition(" ")[2] for line in lines]
    peer = ULog(str(log))
    assert [len(found.streams[name]) for name in ("voltage", "second")] == [21, 21]
    assert found.streams["second"].column("voltage_v").to_pylist() == [
        float(value) for value in peer.get_dataset("battery_status", 1).data["voltage_v"]
    ]
    gps = peer.get_dataset("vehicle_gps_position").data
    first = peer.get_dataset("battery_status").data["timestamp"][0]
    utc = found.streams["voltage"].column("ts")[0].value // 1_000
    assert abs(int(utc) - int(first) - int(gps["time_utc_usec"][0] - gps["timestamp"][0])) < 100_000
    assert made.reasons(found) == ["logger_dropout"]
