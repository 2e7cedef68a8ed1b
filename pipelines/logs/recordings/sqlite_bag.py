"""Messages of a ROS 2 bag in SQLite (.db3), row by row; what stands before a damaged page counts."""

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

from pipelines.config import LimitsSection
from pipelines.logs.archives.unpack import Unreadable
from pipelines.logs.recordings.breaks import Breaks
from pipelines.logs.recordings.message import Channel, Message

TABLES: Final = {"topics", "messages"}


def sqlite_messages(
    path: Path, limits: LimitsSection, breaks: Breaks, encodings: Mapping[str, str]
) -> Iterator[Message]:
    """Every message whose topic is told, as they were written.

    `encodings` (topic → encoding, from a bag's metadata) overrides what the file says of itself.
    """
    read = 0
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True)) as bag:
            bag.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, max(limits.entry_bytes, 1 << 20))
            bag.text_factory = lambda raw: raw.decode("utf-8", "replace")
            bag.execute("PRAGMA trusted_schema = OFF")
            channels = _channels(bag, encodings)
            for number, topic, when, raw in bag.execute(
                "SELECT id, topic_id, timestamp, data FROM messages ORDER BY id"
            ):
                if topic in channels and isinstance(when, int) and isinstance(raw, bytes):
                    read += 1
                    yield Message(channels[topic], when, when, raw, number)
                else:
                    breaks.add(Unreadable("bad_record", f"row {number} is of no topic, or holds no message"))
    except (sqlite3.Error, UnicodeDecodeError, OverflowError, MemoryError) as error:
        breaks.add(Unreadable("database_broken", str(error) or type(error).__name__))
    except Unreadable as error:
        breaks.add(error)
    breaks.close(read)


def _channels(bag: sqlite3.Connection, encodings: Mapping[str, str]) -> dict[int, Channel]:
    tables = {name for (name,) in bag.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables >= TABLES:
        raise Unreadable("not_a_bag", f"a database without the tables {', '.join(sorted(TABLES - tables))}")
    definitions = {}
    if "message_definitions" in tables:
        rows = bag.execute("SELECT topic_type, encoding, encoded_message_definition FROM message_definitions")
        definitions = {name: (kind, text) for name, kind, text in rows if _are_texts(kind, text) and text}
    found = bag.execute("SELECT id, name, type, serialization_format FROM topics").fetchall()
    return {
        number: Channel(
            topic,
            encodings.get(topic, encoding),
            name,
            *definitions.get(name, definitions.get(name.removesuffix("_Event"), ("", ""))),
        )
        for number, topic, name, encoding in found
        if _are_texts(topic, name, encoding)
    }


def _are_texts(*values: object) -> bool:
    """SQLite keeps any type in any column."""
    return all(isinstance(value, str) for value in values)
