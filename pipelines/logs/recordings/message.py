"""A message as a recording holds it: on which topic, when it was logged, and its bytes."""

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

LOG_TIME: Final = "@log_time"
PUBLISH_TIME: Final = "@publish_time"
TOPIC: Final = "@topic"
SECOND_NS: Final = 1_000_000_000


@dataclass(frozen=True)
class Channel:
    """Where messages of one kind come from: their topic, and what tells how to read them.

    `encoding` is of the messages (cdr, ros1, json), `definition_kind` of the definition's text (ros2msg,
    ros2idl, ros1msg, '' for none).
    """

    topic: str
    encoding: str
    type_name: str = ""
    definition_kind: str = ""
    definition: str = ""


class Message(NamedTuple):
    """Times in nanoseconds since the epoch; `offset` is where it (or the chunk that holds it) stands."""

    channel: Channel
    log_time: int
    publish_time: int
    raw: bytes
    offset: int


def envelope(message: Message) -> dict[str, Any]:
    """What the recording says about a message, under names no field has."""
    return {
        TOPIC: message.channel.topic,
        LOG_TIME: as_stamp(message.log_time),
        PUBLISH_TIME: as_stamp(message.publish_time),
    }


def as_stamp(ns: int) -> dict[str, int]:
    """A time as ROS writes it, so that it needs no declared unit."""
    return {"sec": ns // SECOND_NS, "nanosec": ns % SECOND_NS}
