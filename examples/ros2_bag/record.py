"""Writes ROS 2 bags of a small made-up fleet: one bag a robot-day, in turn SQLite, MCAP, and compressed MCAP.

A robot drives, and reports its odometry, its battery and diagnostics. Now and then its drive fails: for ten
minutes it crawls, or it draws more current, then the diagnostics tell of an error for three minutes.

    python record.py bags --days 6
"""

import argparse
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore

START = datetime(2026, 3, 2, 6, tzinfo=UTC)
HOURS = 4
STORE = get_typestore(Stores.ROS2_HUMBLE)
ODOMETRY, BATTERY = "nav_msgs/msg/Odometry", "sensor_msgs/msg/BatteryState"
DIAGNOSTICS = "diagnostic_msgs/msg/DiagnosticArray"
TOPICS = {"/odom": ODOMETRY, "/battery_state": BATTERY, "/diagnostics": DIAGNOSTICS}


def main() -> None:
    """Write the bags."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--days", type=int, default=6)
    parser.add_argument("--hours", type=float, default=HOURS)
    asked = parser.parse_args()
    for day in range(asked.days):
        for robot in range(1, 4):
            begin = START + timedelta(days=day)
            folder = asked.folder / f"{begin:%Y-%m-%d}" / f"amr-{robot}"
            folder.parent.mkdir(parents=True, exist_ok=True)
            record(folder, begin, round(asked.hours * 3_600), random.Random(f"{day} {robot}"), kind=robot)


def record(folder: Path, begin: datetime, seconds: int, chance: random.Random, *, kind: int) -> None:
    """One bag: a message of each topic every five seconds, and four breakdowns of two kinds in turn."""
    storage = StoragePlugin.SQLITE3 if kind == 1 else StoragePlugin.MCAP
    writer = Writer(folder, version=9, storage_plugin=storage)
    if kind == 3:
        writer.set_compression(CompressionMode.MESSAGE, CompressionFormat.ZSTD)
    errors = [round(seconds * (place + chance.uniform(0.4, 0.9)) / 4) for place in range(4)]
    with writer:
        on = {topic: writer.add_connection(topic, name, typestore=STORE) for topic, name in TOPICS.items()}
        for second in range(0, seconds, 5):
            crawls, strains = (any(at - 600 <= second < at for at in errors[n::2]) for n in (0, 1))
            broken = any(at <= second < at + 180 for at in errors)
            stamp = round(begin.timestamp()) * 10**9 + second * 10**9 + chance.randrange(10**7)
            made = {
                "/odom": odometry(stamp, 0.0 if broken else chance.gauss(0.8 if crawls else 1.0, 0.2)),
                "/battery_state": battery(stamp, chance.gauss(8.0 if strains else 7.0, 1.0)),
                "/diagnostics": diagnostics(stamp, 2 if broken else 0),
            }
            for topic, message in made.items():
                raw = STORE.serialize_cdr(message, TOPICS[topic])
                writer.write(on[topic], stamp + 3_000_000, raw)


def of(kind: str, /, **fields: Any) -> Any:
    """A message of a type of the store."""
    return STORE.types[kind](**fields)


def header(stamp: int) -> Any:
    """A header of a time, ns."""
    time = of("builtin_interfaces/msg/Time", sec=stamp // 10**9, nanosec=stamp % 10**9)
    return of("std_msgs/msg/Header", stamp=time, frame_id="base")


def odometry(stamp: int, speed: float) -> Any:
    """A robot that goes straight on."""
    still = of("geometry_msgs/msg/Vector3", x=0.0, y=0.0, z=0.0)
    twist = of(
        "geometry_msgs/msg/Twist",
        linear=of("geometry_msgs/msg/Vector3", x=speed, y=0.0, z=0.0),
        angular=still,
    )
    place = of("geometry_msgs/msg/Point", x=0.0, y=0.0, z=0.0)
    pose = of(
        "geometry_msgs/msg/Pose",
        position=place,
        orientation=of("geometry_msgs/msg/Quaternion", x=0.0, y=0.0, z=0.0, w=1.0),
    )
    none = np.zeros(36)
    return of(
        ODOMETRY,
        header=header(stamp),
        child_frame_id="base",
        pose=of("geometry_msgs/msg/PoseWithCovariance", pose=pose, covariance=none),
        twist=of("geometry_msgs/msg/TwistWithCovariance", twist=twist, covariance=none),
    )


def battery(stamp: int, current: float) -> Any:
    """A battery whose voltage sags with its load."""
    voltage = 25.0 - current / 10
    unknown = dict.fromkeys(
        ("temperature", "charge", "capacity", "design_capacity", "percentage"), float("nan")
    )
    kinds = dict.fromkeys(("power_supply_status", "power_supply_health", "power_supply_technology"), 0)
    cells = np.full(6, voltage / 6, np.float32)
    return of(
        BATTERY,
        header=header(stamp),
        voltage=voltage,
        current=current,
        present=True,
        cell_voltage=cells,
        cell_temperature=np.zeros(0, np.float32),
        location="",
        serial_number="",
        **unknown,
        **kinds,
    )


def diagnostics(stamp: int, level: int) -> Any:
    """The state of the lidar and of the drive."""
    status = [
        of(
            "diagnostic_msgs/msg/DiagnosticStatus",
            level=state,
            name=name,
            message="",
            hardware_id="",
            values=[],
        )
        for name, state in (("lidar", 0), ("drive", level))
    ]
    return of(DIAGNOSTICS, header=header(stamp), status=status)


if __name__ == "__main__":
    main()
