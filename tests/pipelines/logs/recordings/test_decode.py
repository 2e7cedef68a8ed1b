"""Definitions of messages as recordings carry them: values as they are, and definitions that would harm."""

import pytest

from pipelines.logs.archives.unpack import Unreadable
from pipelines.logs.recordings.decode import decoder
from pipelines.logs.recordings.message import Channel
from tests.pipelines.logs.recordings import made

LIMITS = made.settings().logs.limits
LINE = "=" * 80 + "\n"


def channel(encoding: str, definition: str) -> Channel:
    return Channel("/t", encoding, "my/It", {"ros1": "ros1msg", "cdr": "ros2msg"}[encoding], definition)


def test_nan_is_null_constants_are_no_fields_and_messages_nest() -> None:
    definition = f"uint8 FAST=3\nfloat32 a\nfloat64[] b\nmy/In[] c\nbool d\n{LINE}MSG: my/In\nstring s\n"
    raw = b"\0\0\xc0\x7f" + b"\x01\0\0\0" + b"\0" * 8 + b"\x01\0\0\0" + b"\x02\0\0\0hi" + b"\x01"
    found = decoder(channel("ros1", definition), LIMITS)(raw)
    assert found.pop("b").tolist() == [0.0]
    assert found == {"a": None, "c": [{"s": "hi"}], "d": True}


def test_big_endian_messages() -> None:
    assert decoder(channel("cdr", "uint16 a\n"), LIMITS)(b"\0\0\0\0\x01\x02") == {"a": 0x0102}


@pytest.mark.parametrize(
    "definition",
    [
        f"std_msgs/Empty[] x\n{LINE}MSG: std_msgs/Empty\n",
        f"my/A[] x\n{LINE}MSG: my/A\nmy/B b\n{LINE}MSG: my/B\n",
        "my/It x\n",
        "float64[[ x\n",
    ],
)
def test_definitions_that_would_never_end_are_refused(definition: str) -> None:
    with pytest.raises(Unreadable) as refused:
        decoder(channel("ros1", definition), LIMITS)
    assert refused.value.reason == "definition_invalid"


def test_a_list_longer_than_its_message_is_refused_at_once() -> None:
    for encoding, head in (("ros1", b""), ("cdr", b"\0\1\0\0")):
        read = decoder(channel(encoding, f"my/In[] x\n{LINE}MSG: my/In\nuint8 a\n"), LIMITS)
        with pytest.raises(Unreadable) as refused:
            read(head + b"\xff\xff\xff\xff")
        assert refused.value.reason == "message_invalid"
