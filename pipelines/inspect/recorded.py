"""Topics of a recording as sources: its first messages, each with what the recording says of it."""

from pathlib import Path
from typing import Any, Final

from pipelines.config import LimitsSection
from pipelines.inspect.source import Record, Row, Source, identifier
from pipelines.logs.archives.unpack import Unreadable
from pipelines.logs.quarantine import Ledger
from pipelines.logs.recordings.aside import head_of
from pipelines.logs.recordings.breaks import Breaks
from pipelines.logs.recordings.decode import Decode, decoder
from pipelines.logs.recordings.kinds import ULOG
from pipelines.logs.recordings.message import LOG_TIME, Channel, as_stamp, envelope
from pipelines.logs.recordings.messages import messages_of

PER_TOPIC: Final = 2_000
MOST: Final = 50_000


def topics(path: Path, pushed_as: str, limits: LimitsSection, ledger: Ledger, sources: list[Source]) -> bool:
    """Add a recording's topics to `sources`; false when messages were left out."""
    if head_of(path).startswith(ULOG):
        return _ulog(path, pushed_as, ledger, sources)
    breaks = Breaks(ledger, "")
    by_topic = {source.topic: source for source in sources if source.topic}
    decoders: dict[Channel, Decode | None] = {}
    for number, message in enumerate(messages_of(path, limits, breaks, {}) or ()):
        channel = message.channel
        if number == MOST:
            return False
        if channel not in decoders:
            try:
                decoders[channel] = decoder(channel, limits)
            except Unreadable as error:
                decoders[channel] = None
                ledger.refuse_member(error.reason, b"", detail=str(error))
        decode = decoders[channel]
        if decode is None:
            continue
        source = by_topic.get(channel.topic)
        if source is None:
            source = by_topic[channel.topic] = Source(identifier(channel.topic), topic=channel.topic)
            sources.append(source)
        source.messages += 1
        if len(source.records) < PER_TOPIC:
            try:
                decoded = decode(message.raw)
            except Unreadable as error:
                ledger.refuse_member(error.reason, b"", detail=str(error))
                continue
            source.records.append(Record(decoded | envelope(message), decoded, pushed_as))
    return all(source.messages == len(source.records) for source in by_topic.values())


def _ulog(path: Path, pushed_as: str, ledger: Ledger, sources: list[Source]) -> bool:
    """A PX4 log's topics; its times are UTC where GPS tells it."""
    from pyulog import ULog

    from pipelines.logs.recordings.ulog_file import BOOT_TIME, load_ulog

    try:
        names = set(ULog(str(path), parse_header_only=True).message_formats)
        log = load_ulog(path, names | {"logged_messages"})
    except Exception as error:
        ledger.refuse_member("bad_ulog", b"", detail=str(error)[:200])
        return True
    whole = True
    offset = log.utc_offset_us or 0
    for topic in log.topics:
        name = topic.name if not topic.instance else f"{topic.name}:{topic.instance}"
        source = Source(identifier(name), topic=name, messages=len(topic))
        whole &= len(topic) <= PER_TOPIC
        for row in range(min(len(topic), PER_TOPIC)):
            told = {key: _plain(values[row]) for key, values in topic.columns.items() if key != BOOT_TIME}
            stamp = as_stamp((int(topic.columns[BOOT_TIME][row]) + offset) * 1_000)
            source.records.append(Record(Row(told | {LOG_TIME: stamp}), Row(told), pushed_as))
        sources.append(source)
    return whole


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
