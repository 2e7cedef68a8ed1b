"""Small recordings with known content, written by the formats' own libraries."""

import io
import json
import struct
from pathlib import Path
from typing import Any

from mcap.writer import CompressionType, Writer
from rosbags.rosbag1 import Writer as Ros1Writer
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin
from rosbags.rosbag2 import Writer as Ros2Writer
from rosbags.typesys import Stores, get_typestore

from pipelines.logs.extract import Extraction, ExtractSettings, extract

START = 1_700_000_000 * 10**9
STEP = 100_000_000
DELAY = 2_500_000
ROS1 = get_typestore(Stores.ROS1_NOETIC)
ROS2 = get_typestore(Stores.ROS2_HUMBLE)

POSE = {
    "topic": "/pose",
    "time": "header.stamp",
    "recv": "@log_time",
    "fields": {
        "x": {"type": "float", "source": "pose.position.x"},
        "frame": {"type": "string", "source": "header.frame_id"},
    },
}
SCAN = {
    "topic": "/scan",
    "time": "header.stamp",
    "fields": {
        "near": {"type": "float", "source": "ranges[1]"},
        "far": {"type": "float", "source": "ranges[2]"},
    },
}
CHAT = {"topic": "/chat", "kind": "events", "fields": {"data": "string"}}
STREAMS = {"pose": POSE, "scan": SCAN, "chat": CHAT}


def settings(streams: dict[str, Any] = STREAMS, **logs: Any) -> ExtractSettings:
    return ExtractSettings.from_json({"logs": {"robot": {"constant": "amr"}, **logs}, "streams": streams})


def read(path: Path, how: ExtractSettings | None = None, pushed_as: str = "/day/amr") -> Extraction:
    found = extract(path, pushed_as, how or settings())
    balanced(found)
    return found


def balanced(found: Extraction) -> None:
    """The accounting identity holds, and the tables agree with it."""
    rows = found.accounting.to_pylist()
    for row in rows:
        assert row["received"] == row["accepted"] + row["duplicates"] + row["quarantined"], row
        assert row["received"] > 0, row
    for stream, table in found.streams.items():
        own = [row for row in rows if row["stream"] == stream and row["unit"] == "record"]
        assert table.num_rows == sum(row["accepted"] for row in own)


def counted(found: Extraction, unit: str, stream: str = "") -> int:
    rows = found.accounting.to_pylist()
    return sum(row["received"] for row in rows if (row["unit"], row["stream"]) == (unit, stream))


def refused(found: Extraction) -> int:
    return sum(found.accounting.column("quarantined").to_pylist())


def reasons(found: Extraction) -> list[str]:
    return sorted(found.quarantine.column("reason").to_pylist())


def times(number: int) -> tuple[int, int]:
    """(stamp, log time) of message `number`, ns."""
    return START + number * STEP, START + number * STEP + DELAY


def messages(store: Any, count: int) -> list[tuple[str, str, int, Any]]:
    """(topic, type, log time, message): poses, and a scan and a word now and then, and what nobody maps."""
    kinds = store.types
    header, stamp = kinds["std_msgs/msg/Header"], kinds["builtin_interfaces/msg/Time"]
    made = []
    for number in range(count):
        ts, log = times(number)
        more = {"seq": number} if store is ROS1 else {}
        head = header(stamp=stamp(ts // 10**9, ts % 10**9), frame_id="map", **more)
        pose = kinds["geometry_msgs/msg/Pose"](
            position=kinds["geometry_msgs/msg/Point"](number / 2, 0.0, 0.0),
            orientation=kinds["geometry_msgs/msg/Quaternion"](0.0, 0.0, 0.0, 1.0),
        )
        stamped = "geometry_msgs/msg/PoseStamped"
        made.append(("/pose", stamped, log, kinds[stamped](header=head, pose=pose)))
        if number % 5 == 0:
            made.append(("/scan", "sensor_msgs/msg/LaserScan", log, _scan(kinds, head, number)))
            made.append(
                ("/chat", "std_msgs/msg/String", log, kinds["std_msgs/msg/String"](data=f"word {number}"))
            )
        if number % 10 == 0:
            made.append(("/unmapped", "std_msgs/msg/String", log, kinds["std_msgs/msg/String"](data="x")))
    return made


def _scan(kinds: Any, head: Any, number: int) -> Any:
    import numpy as np

    ranges = np.array([0.5, number, np.nan], np.float32)
    zero = dict.fromkeys(("angle_min", "angle_max", "angle_increment", "time_increment", "scan_time"), 0.0)
    limits = {"range_min": 0.0, "range_max": 9.0, "intensities": np.zeros(0, np.float32)}
    return kinds["sensor_msgs/msg/LaserScan"](header=head, ranges=ranges, **zero, **limits)


def mcap(count: int = 20, compression: CompressionType = CompressionType.ZSTD, **how: Any) -> bytes:
    """ROS 2 messages in an MCAP file."""
    file = io.BytesIO()
    writer = Writer(file, compression=compression, **how)
    writer.start("ros2", "test")
    channels: dict[str, int] = {}
    for topic, kind, log, message in messages(ROS2, count):
        if topic not in channels:
            definition, _ = ROS2.generate_msgdef(kind, ros_version=2)
            schema = writer.register_schema(kind, "ros2msg", definition.encode())
            channels[topic] = writer.register_channel(topic, "cdr", schema)
        raw = bytes(ROS2.serialize_cdr(message, kind))
        writer.add_message(channels[topic], log, raw, log)
    writer.finish()
    return file.getvalue()


def mcap_of(
    encoding: str,
    payloads: list[bytes],
    topic: str = "/pose",
    schema: tuple[str, str, bytes] | None = None,
    compression: CompressionType = CompressionType.ZSTD,
) -> bytes:
    """Any payloads on one channel."""
    file = io.BytesIO()
    writer = Writer(file, compression=compression, chunk_size=64 << 20)
    writer.start("", "test")
    number = writer.register_schema(*schema) if schema else 0
    channel = writer.register_channel(topic, encoding, number)
    for place, payload in enumerate(payloads):
        writer.add_message(channel, times(place)[1], payload, times(place)[1])
    writer.finish()
    return file.getvalue()


def json_poses(count: int) -> list[bytes]:
    return [
        json.dumps(
            {
                "header": {
                    "stamp": {"sec": times(n)[0] // 10**9, "nsec": times(n)[0] % 10**9},
                    "frame_id": "map",
                },
                "pose": {"position": {"x": n / 2}},
            }
        ).encode()
        for n in range(count)
    ]


def ros1_bag(path: Path, count: int = 20, compression: str = "") -> Path:
    writer = Ros1Writer(path)
    if compression:
        writer.set_compression(Ros1Writer.CompressionFormat[compression.upper()])
    with writer:
        connections: dict[str, Any] = {}
        for topic, kind, log, message in messages(ROS1, count):
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=ROS1)
            writer.write(connections[topic], log, ROS1.serialize_ros1(message, kind))
    return path


def ros2_bag(folder: Path, count: int = 20, storage: str = "sqlite3", mode: str = "none") -> Path:
    writer = Ros2Writer(folder, version=9, storage_plugin=StoragePlugin[storage.upper()])
    if mode != "none":
        writer.set_compression(CompressionMode[mode.upper()], CompressionFormat.ZSTD)
    with writer:
        connections: dict[str, Any] = {}
        for topic, kind, log, message in messages(ROS2, count):
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=ROS2)
            writer.write(connections[topic], log, ROS2.serialize_cdr(message, kind))
    return folder


def ulog(rows: int = 10, gps: bool = True, instances: int = 2, dropouts: int = 1) -> bytes:
    """A PX4 log: battery_status instances at 10 Hz, a GPS with UTC, a text message, dropouts."""
    out = [b"ULog\x01\x12\x35\x01" + struct.pack("<Q", 1_000_000)]
    out.append(_ulog(b"B", bytes(40)))
    out.append(
        _ulog(b"F", b"battery_status:uint64_t timestamp;float voltage_v;bool ok;float[2] cells;char[8] name;")
    )
    out.append(_ulog(b"F", b"vehicle_gps_position:uint64_t timestamp;uint64_t time_utc_usec;"))
    out += [_ulog(b"A", struct.pack("<BH", n, n) + b"battery_status") for n in range(instances)]
    out.append(_ulog(b"A", struct.pack("<BH", 0, 9) + b"vehicle_gps_position"))
    for row in range(rows):
        boot = 2_000_000 + row * 100_000
        for number in range(instances):
            voltage = 20.0 + row / 4 + number if row else float("nan")
            fields = struct.pack("<Qf?ff8s", boot, voltage, row % 2 == 1, 1.5, 2.5, b"main")
            out.append(_ulog(b"D", struct.pack("<H", number) + fields))
        utc = START // 1_000 + boot if gps else 0
        out.append(_ulog(b"D", struct.pack("<HQQ", 9, boot, utc)))
    out.append(_ulog(b"L", b"6" + struct.pack("<Q", 2_000_000) + b"Takeoff"))
    out += [_ulog(b"O", struct.pack("<H", 25))] * dropouts
    return b"".join(out)


def _ulog(kind: bytes, body: bytes) -> bytes:
    return struct.pack("<H", len(body)) + kind + body
