"""What a recording begins with, by its kind."""

from typing import Final

MCAP: Final = b"\x89MCAP0\r\n"
ROS1: Final = b"#ROSBAG V"
SQLITE: Final = b"SQLite format 3\x00"
ULOG: Final = b"ULog\x01\x12\x35"
WAL: Final = (b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83")
MAGICS: Final = (MCAP, ROS1, SQLITE, ULOG, *WAL)
HEAD: Final = max(map(len, MAGICS))
