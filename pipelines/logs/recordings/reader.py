"""Messages of recordings to checked records: each message of a mapped topic is accounted for.

It becomes records, goes to the quarantine, or is counted as an `other message`: one that no stream asked for,
or that holds no record of a stream that did.
"""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Final

from pipelines.config import StreamSection
from pipelines.logs.archives.unpack import Unreadable
from pipelines.logs.chunk import CHUNK_BYTES
from pipelines.logs.intake import Intake
from pipelines.logs.quarantine import OTHER
from pipelines.logs.recordings.decode import Decode, decoder
from pipelines.logs.recordings.message import Channel, Message, envelope
from pipelines.logs.records import RecordReader
from pipelines.logs.rows import Origin

BATCH: Final = 4_096


def on_topic(topic: str, pattern: str) -> bool:
    """Whether a stream that names `pattern` (a topic, or a shell pattern of topics) reads this topic."""
    return topic == pattern or fnmatchcase(topic, pattern)


class RecordingReader:
    """Reads file after file, and adds the records of every stream to the spool."""

    def __init__(self, streams: Mapping[str, StreamSection], intake: Intake) -> None:
        self._intake, self._ledger, self._limits = intake, intake.ledger, intake.logs.limits
        self._readers = intake.record_readers(streams)
        self._wanted: dict[str, list[RecordReader]] = {}
        self._decoders: dict[Channel, Decode] = {}
        self._refused: dict[Channel, tuple[Unreadable, Message, int]] = {}
        self._batch: list[Message] = []
        self._member, self._bytes = "", 0
        self.messages = self._first = 0

    def read(self, messages: Iterable[Message], member: str) -> None:
        """Read the messages of one file; `member` is its place within what was pushed, '' for itself."""
        self._member, self._first = member, self.messages
        for message in messages:
            self.messages += 1
            topic = message.channel.topic
            if topic not in self._wanted:
                self._wanted[topic] = [each for each in self._readers if on_topic(topic, each.spec.topic)]
            if self._wanted[topic]:
                self._take(message)
            else:
                self._ledger.count(OTHER, accepted=1)
        self._flush()
        for error, first, count in self._refused.values():
            self._ledger.refuse_member(
                error.reason, first.raw, member, offset=first.offset, detail=str(error), count=count
            )
        self._refused.clear()

    def _take(self, message: Message) -> None:
        """Decode a message and collect its records."""
        try:
            decoded = self._decoder(message)(message.raw) | envelope(message)
        except Unreadable as error:
            self._ledger.refuse_member(
                error.reason, message.raw, self._member, offset=message.offset, detail=str(error)
            )
            return
        except _Refused:
            return
        self._ledger.count("member", accepted=1)
        self._batch.append(message)
        self._bytes += len(message.raw)
        for reader in self._wanted[message.channel.topic]:
            if not reader.read(decoded, len(self._batch) - 1, self._origin, self._ledger):
                self._ledger.count(OTHER, reader.name, accepted=1)
        if len(self._batch) == BATCH or self._bytes > CHUNK_BYTES:
            self._flush()

    def _decoder(self, message: Message) -> Decode:
        """How to read the message. Raises _Refused when its channel cannot be read, and counts it."""
        channel = message.channel
        if channel in self._refused:
            error, first, count = self._refused[channel]
            self._refused[channel] = (error, first, count + 1)
            raise _Refused
        if channel not in self._decoders:
            try:
                self._decoders[channel] = decoder(channel, self._limits)
            except Unreadable as error:
                self._refused[channel] = (error, message, 1)
                raise _Refused from error
        return self._decoders[channel]

    def _origin(self, _spec: StreamSection, number: int, _index: int) -> Origin:
        message = self._batch[number]
        return Origin(message.raw, self._member, offset=message.offset)

    def _flush(self) -> None:
        for reader in self._readers:
            self._intake.add(reader.rows(self._origin, self._first))
            reader.clear()
        self._first = self.messages
        self._batch, self._bytes = [], 0


class _Refused(Exception):  # noqa: N818 - a verdict on a channel, told when its file is read
    pass
