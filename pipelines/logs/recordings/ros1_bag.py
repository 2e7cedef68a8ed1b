"""Messages of a ROS 1 bag (2.0), read from front to back, so that bags without an index are read too.

Records are a header of fields and a body; rosbags reads the headers. A chunk that cannot be unfolded costs
that chunk; the chunk infos at the end tell how many messages there should be.
"""

import struct
from collections.abc import Iterator
from io import SEEK_CUR, SEEK_END, BytesIO
from typing import BinaryIO, Final, NamedTuple

from rosbags.rosbag1.reader import Header, ReaderError, RecordType

from pipelines.config import LimitsSection
from pipelines.logs.archives.unpack import Unreadable
from pipelines.logs.recordings.blocks import unfold
from pipelines.logs.recordings.breaks import Breaks
from pipelines.logs.recordings.message import Channel, Message

VERSION: Final = b"#ROSBAG V2.0\n"
SIZE: Final = struct.Struct("<I")
COUNT: Final = struct.Struct("<II")
HEADER_LIMIT: Final = 1 << 20
READ: Final = {RecordType.CHUNK, RecordType.CONNECTION, RecordType.MSGDATA, RecordType.CHUNK_INFO}


class _Record(NamedTuple):
    kind: int
    header: Header
    body: bytes
    offset: int
    whole: bool


def ros1_messages(file: BinaryIO, limits: LimitsSection, breaks: Breaks) -> Iterator[Message]:
    """Every message whose connection is told, in the order of the file; the others go to `breaks`."""
    reader = _Reader(limits.entry_bytes, breaks)
    line = file.readline(len(VERSION))
    if line != VERSION:
        breaks.add(Unreadable("version_unsupported", line.decode("latin-1").strip()))
    else:
        for record in _walk(file, limits.entry_bytes, breaks):
            yield from reader.messages(record)
    breaks.close(reader.read, reader.told)


def _walk(file: BinaryIO, limit: int, breaks: Breaks) -> Iterator[_Record]:
    """Records to the end; the last one may be a part only."""
    start = file.tell()
    size = file.seek(0, SEEK_END)
    file.seek(start)
    while True:
        offset = file.tell()
        head_size = file.read(SIZE.size)
        if not head_size:
            return
        head = file.read(_number(head_size)) if _number(head_size) <= HEADER_LIMIT else b""
        told = file.read(SIZE.size)
        if not head or len(told) < SIZE.size:
            breaks.add(Unreadable("truncated_recording", f"it breaks off at byte {offset}"), offset)
            return
        try:
            header = Header.read(BytesIO(head_size + head))
            kind = header.get_uint8("op")
            if kind == RecordType.BAGHEADER and header.get_uint64("index_pos") > size:
                breaks.add(
                    Unreadable("truncated_recording", f"its index would begin beyond byte {size}"), size
                )
        except (ReaderError, UnicodeDecodeError) as error:
            breaks.add(Unreadable("bad_record", str(error)), offset, head)
            kind = 0
        length = _number(told)
        if kind not in READ or length > limit:
            if kind in READ:
                breaks.add(Unreadable("entry_too_large", f"{length} bytes, at most {limit}"), offset)
            if file.seek(length, SEEK_CUR) > size:
                breaks.add(Unreadable("truncated_recording", f"it breaks off at byte {offset}"), offset)
                return
            continue
        body = file.read(length)
        yield _Record(kind, header, body, offset, len(body) == length)
        if len(body) < length:
            breaks.add(Unreadable("truncated_recording", f"a record of {length} bytes is cut off"), offset)
            return


class _Reader:
    def __init__(self, limit: int, breaks: Breaks) -> None:
        self.read = 0
        self.told: int | None = None
        self._limit, self._breaks = limit, breaks
        self._channels: dict[int, Channel] = {}

    def messages(self, record: _Record) -> Iterator[Message]:
        """The messages a record holds; of a chunk that is cut off, those that are whole."""
        with self._breaks.around(record.offset, record.body):
            if record.kind == RecordType.CHUNK:
                content = self._content(record)
                inner = Breaks(self._breaks.ledger, self._breaks.member) if not record.whole else self._breaks
                for one in _walk(BytesIO(content), self._limit, inner):
                    if one.kind != RecordType.CHUNK:
                        yield from self.messages(one._replace(offset=record.offset))
            elif record.whole and record.kind == RecordType.MSGDATA:
                yield self._message(record)
                self.read += 1
            elif record.whole:
                self._tell(record)

    def _content(self, record: _Record) -> bytes:
        compression = record.header.get_string("compression")
        content = unfold(record.body, compression, self._limit, cut_off=not record.whole)
        if record.whole and record.body and len(content) != record.header.get_uint32("size"):
            raise Unreadable("size_mismatch", f"{len(content)} bytes, the header says otherwise")
        return content

    def _message(self, record: _Record) -> Message:
        number, when = record.header.get_uint32("conn"), record.header.get_time("time")
        if number not in self._channels:
            raise Unreadable("channel_missing", f"no connection {number}")
        return Message(self._channels[number], when, when, record.body, record.offset)

    def _tell(self, record: _Record) -> None:
        if record.kind == RecordType.CONNECTION:
            about = Header.read(BytesIO(SIZE.pack(len(record.body)) + record.body))
            self._channels[record.header.get_uint32("conn")] = Channel(
                record.header.get_string("topic"),
                "ros1",
                about.get_string("type"),
                "ros1msg",
                about.get_string("message_definition"),
            )
        elif record.kind == RecordType.CHUNK_INFO:
            counts = COUNT.iter_unpack(record.body)
            self.told = (self.told or 0) + sum(count for _, count in counts)


def _number(four: bytes) -> int:
    return int(SIZE.unpack(four)[0]) if len(four) == SIZE.size else 2**32
