"""The messages of an MCAP, ROS 1 or SQLite recording, whichever its first bytes say it is."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from pipelines.config import LimitsSection
from pipelines.logs.recordings.aside import head_of
from pipelines.logs.recordings.breaks import Breaks
from pipelines.logs.recordings.extras import extra
from pipelines.logs.recordings.kinds import MCAP, ROS1, SQLITE
from pipelines.logs.recordings.message import Message


def messages_of(
    path: Path, limits: LimitsSection, breaks: Breaks, encodings: Mapping[str, str]
) -> Iterator[Message] | None:
    """Message by message; None for a file of another kind. What cannot be read goes to `breaks`.

    `encodings`: topic → encoding, from a bag's metadata. Raises UsageError when a needed extra is missing.
    """
    head = head_of(path)
    if head.startswith(MCAP):
        from pipelines.logs.recordings.mcap_file import mcap_messages

        return _of_file(path, lambda opened: mcap_messages(opened, limits, breaks))
    if head.startswith(ROS1):
        with extra("ros"):
            from pipelines.logs.recordings.ros1_bag import ros1_messages

        return _of_file(path, lambda opened: ros1_messages(opened, limits, breaks))
    if head.startswith(SQLITE):
        from pipelines.logs.recordings.sqlite_bag import sqlite_messages

        return sqlite_messages(path, limits, breaks, encodings)
    return None


def _of_file(path: Path, read: Callable[[BinaryIO], Iterator[Message]]) -> Iterator[Message]:
    with path.open("rb") as opened:
        yield from read(opened)
