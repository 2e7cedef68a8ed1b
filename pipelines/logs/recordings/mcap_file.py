"""Messages of an MCAP file, read from front to back: it needs no index, and all before a break counts.

Records are walked by their length; mcap's own classes read them. A chunk's CRC is compared; one that is wrong
or cannot be unfolded costs that chunk. The statistics at the end tell how many messages there should be.
"""

import struct
import zlib
from collections.abc import Iterator
from io import SEEK_CUR, SEEK_END, BytesIO
from typing import BinaryIO, Final, NamedTuple

from mcap.data_stream import ReadDataStream
from mcap.opcode import Opcode
from mcap.records import Channel as ChannelRecord
from mcap.records import Chunk, Schema, Statistics

from pipelines.config import LimitsSection
from pipelines.logs.archives.unpack import Unreadable
from pipelines.logs.recordings.blocks import unfold
from pipelines.logs.recordings.breaks import Breaks
from pipelines.logs.recordings.kinds import MCAP
from pipelines.logs.recordings.message import Channel, Message

HEAD: Final = struct.Struct("<BQ")
MESSAGE: Final = struct.Struct("<HIQQ")
CHUNK_HEAD: Final = struct.Struct("<QQQII")
RECORDS_SIZE: Final = struct.Struct("<Q")
FOOTER_BYTES: Final = 20
READ: Final = {Opcode.SCHEMA, Opcode.CHANNEL, Opcode.MESSAGE, Opcode.CHUNK, Opcode.STATISTICS}


class _Record(NamedTuple):
    opcode: int
    body: bytes
    offset: int
    whole: bool


def mcap_messages(file: BinaryIO, limits: LimitsSection, breaks: Breaks) -> Iterator[Message]:
    """Every message whose channel is told, in the order of the file; the others go to `breaks`."""
    reader = _Reader(limits, breaks)
    end = file.seek(0, SEEK_END)
    file.seek(len(MCAP))
    for record in _walk(file, end, limits, breaks):
        yield from reader.messages(record)
    breaks.close(reader.read, reader.told)


def _walk(file: BinaryIO, end: int, limits: LimitsSection, breaks: Breaks) -> Iterator[_Record]:
    """Records up to the footer; the last one may be a part only."""
    while True:
        offset = file.tell()
        head = file.read(HEAD.size)
        if len(head) < HEAD.size:
            breaks.add(
                Unreadable("truncated_recording", f"it ends at byte {offset}, without a footer"), offset
            )
            return
        opcode, size = HEAD.unpack(head)
        if opcode == Opcode.FOOTER:
            if file.read(FOOTER_BYTES + len(MCAP)).rpartition(MCAP)[1:] != (MCAP, b""):
                breaks.add(Unreadable("truncated_recording", "its end is not that of an MCAP file"), offset)
            return
        if opcode in READ and size <= limits.entry_bytes:
            body = file.read(size)
            yield _Record(opcode, body, offset, len(body) == size)
            if len(body) < size:
                breaks.add(Unreadable("truncated_recording", f"a record of {size} bytes is cut off"), offset)
                return
        else:
            if opcode in READ:
                what = f"a record of {size} bytes, at most {limits.entry_bytes}"
                breaks.add(Unreadable("entry_too_large", what), offset)
            if file.tell() + size > end:
                breaks.add(Unreadable("truncated_recording", f"a record of {size} bytes is cut off"), offset)
                return
            file.seek(size, SEEK_CUR)


class _Reader:
    def __init__(self, limits: LimitsSection, breaks: Breaks) -> None:
        self.read = 0
        self.told: int | None = None
        self._limits, self._breaks = limits, breaks
        self._schemas: dict[int, Schema] = {}
        self._channels: dict[int, Channel] = {}

    def messages(self, record: _Record) -> Iterator[Message]:
        """The messages a record holds; of a record that is cut off, those that are whole."""
        with self._breaks.around(record.offset, record.body):
            if record.opcode == Opcode.CHUNK:
                for inner in _inner(self._content(record), record.offset):
                    if inner.whole:
                        yield from self.messages(inner)
                    elif record.whole:
                        beyond = Unreadable("bad_block", "a record goes beyond the end of its chunk")
                        self._breaks.add(beyond, record.offset, record.body)
            elif record.whole and record.opcode == Opcode.MESSAGE:
                yield self._message(record)
                self.read += 1
            elif record.whole:
                self._tell(record)

    def _message(self, record: _Record) -> Message:
        number, _, log_time, publish_time = MESSAGE.unpack_from(record.body)
        if number not in self._channels:
            raise Unreadable("channel_missing", f"no channel {number}")
        raw = record.body[MESSAGE.size :]
        return Message(self._channels[number], log_time, publish_time, raw, record.offset)

    def _tell(self, record: _Record) -> None:
        stream = ReadDataStream(BytesIO(record.body))
        if record.opcode == Opcode.SCHEMA:
            schema = Schema.read(stream)
            self._schemas[schema.id] = schema
        elif record.opcode == Opcode.CHANNEL:
            channel = ChannelRecord.read(stream)
            known = self._schemas.get(channel.schema_id)
            about = (known.name, known.encoding, known.data.decode("utf-8", "replace")) if known else ()
            self._channels[channel.id] = Channel(channel.topic, channel.message_encoding, *about)
        elif record.opcode == Opcode.STATISTICS:
            told = Statistics.read(stream)
            per_channel = sum(told.channel_message_counts.values())
            self.told = told.message_count if told.message_count == per_channel else None

    def _content(self, record: _Record) -> bytes:
        """What a chunk unfolds to, compared with its CRC where it is whole."""
        limit = self._limits.entry_bytes
        if not record.whole:
            *_, size = CHUNK_HEAD.unpack_from(record.body)
            compression = record.body[CHUNK_HEAD.size : CHUNK_HEAD.size + size].decode()
            rest = record.body[CHUNK_HEAD.size + size + RECORDS_SIZE.size :]
            return unfold(rest, compression, limit, cut_off=True)
        chunk = Chunk.read(ReadDataStream(BytesIO(record.body)))
        content = unfold(chunk.data, chunk.compression, limit)
        if chunk.uncompressed_crc and zlib.crc32(content) != chunk.uncompressed_crc:
            raise Unreadable("bad_crc", "the chunk's CRC-32 differs")
        return content


def _inner(content: bytes, offset: int) -> Iterator[_Record]:
    """Records within a chunk, all told to stand where the chunk does."""
    at = 0
    while at + HEAD.size <= len(content):
        opcode, size = HEAD.unpack_from(content, at)
        at += HEAD.size
        if opcode in READ and opcode != Opcode.CHUNK:
            body = content[at : at + size]
            yield _Record(opcode, body, offset, len(body) == size)
        at += size
    if at != len(content):
        yield _Record(0, b"", offset, whole=False)
