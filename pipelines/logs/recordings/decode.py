"""Bytes of a message to Python values, by the definition its recording carries.

The definitions are compiled by rosbags, once per process. NaN, with which ROS messages say "not measured",
becomes null; arrays of numbers stay arrays.
"""

import functools
import math
import re
from collections.abc import Callable
from typing import Any, Final

from pipelines.config import LimitsSection
from pipelines.logs.archives.unpack import ZSTD, Unreadable, unzstd
from pipelines.logs.jsontext import parse_message
from pipelines.logs.recordings.extras import extra
from pipelines.logs.recordings.message import Channel

Decode = Callable[[bytes], dict[str, Any]]
KINDS: Final = {"cdr": ("ros2msg", "ros2idl"), "ros1": ("ros1msg",)}
FILLER: Final = "structure_needs_at_least_one_member"
NAME: Final = 2
LISTS: Final = (3, 4)
DIVIDER: Final = re.compile(r"^---[ \t]*$", re.MULTILINE)
SERVICE_EVENT: Final = """service_msgs/ServiceEventInfo info
{name}_Request[<=1] request
{name}_Response[<=1] response
{line}
MSG: {name}_Request
{request}
{line}
MSG: {name}_Response
{response}
{line}
MSG: service_msgs/ServiceEventInfo
uint8 event_type
builtin_interfaces/Time stamp
uint8[16] client_gid
int64 sequence_number
"""


def decoder(channel: Channel, limits: LimitsSection) -> Decode:
    """How to read a channel's messages.

    Raises Unreadable with encoding_unsupported, definition_missing or definition_invalid; what it returns
    raises Unreadable with message_invalid, and with the reasons of JSON and zstd.
    """
    if channel.encoding == "json":
        return lambda raw: parse_message(raw, limits.nesting)
    if channel.encoding not in KINDS or channel.definition_kind not in (*KINDS[channel.encoding], ""):
        told = f"{channel.encoding or 'no encoding'}/{channel.definition_kind or 'no definition'}"
        raise Unreadable("encoding_unsupported", f"{channel.topic}: {told}")
    read = _compiled(channel.encoding, channel.type_name, channel.definition_kind, channel.definition)

    def decode(raw: bytes) -> dict[str, Any]:
        if raw.startswith(ZSTD) and channel.encoding == "cdr":
            raw = unzstd(raw, limits)
        try:
            return read(raw)
        except Exception as error:
            raise Unreadable("message_invalid", f"{channel.topic}: {error}"[:200]) from error

    return decode


@functools.lru_cache(maxsize=512)
def _compiled(encoding: str, type_name: str, kind: str, text: str) -> Decode:
    with extra("ros"):
        from rosbags.typesys import Stores, get_types_from_idl, get_types_from_msg, get_typestore
        from rosbags.typesys.msg import normalize_msgtype

    name = normalize_msgtype(type_name)
    try:
        if kind:
            store = get_typestore(Stores.EMPTY)
            found = (
                get_types_from_idl(text)
                if kind == "ros2idl"
                else get_types_from_msg(_event(name, text), name)
            )
            store.register({key: value for key, value in found.items() if key not in store.fielddefs})
        else:
            store = get_typestore(Stores.ROS2_HUMBLE)
        if encoding == "ros1":
            _check_lists(store)
        if name in store.fielddefs:
            store.get_msgdef(name)
    except Exception as error:
        raise Unreadable("definition_invalid", f"{type_name}: {error}"[:200]) from error
    if name not in store.fielddefs:
        raise Unreadable(
            "definition_missing", f"{type_name} is neither in the recording nor a ROS 2 standard"
        )
    read = store.deserialize_cdr if encoding == "cdr" else store.deserialize_ros1
    plain = _Plain(store)
    return lambda raw: plain.fields(read(raw, name))


def _check_lists(store: Any) -> None:
    """Refuse lists of messages that take no bytes: of such a list four bytes could claim billions."""
    empty: set[str] = set()
    before = -1
    while len(empty) != before:
        before = len(empty)
        for name, (_, fields) in store.fielddefs.items():
            if all(field == FILLER or (kind == NAME and of in empty) for field, (kind, of) in fields):
                empty.add(name)
    for name, (_, fields) in store.fielddefs.items():
        for field, (kind, of) in fields:
            if kind in LISTS and of[0][0] == NAME and of[0][1] in empty:
                raise ValueError(f"{name}.{field} is a list of messages without a field")


class _Plain:
    """Message objects to dicts of their fields, which are not all that such an object holds."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self._names: dict[str, tuple[str, ...]] = {}

    def fields(self, message: Any) -> dict[str, Any]:
        """The fields of a message, and of messages within it."""
        kind = message.__msgtype__
        if kind not in self._names:
            names = (name for name, _ in self._store.get_msgdef(kind).fields)
            self._names[kind] = tuple(name for name in names if name != FILLER)
        return {name: self._value(getattr(message, name)) for name in self._names[kind]}

    def _value(self, value: Any) -> Any:
        if isinstance(value, float):
            return None if math.isnan(value) else value
        if isinstance(value, list):
            return [self._value(item) for item in value]
        return self.fields(value) if hasattr(value, "__msgtype__") else value


def _event(name: str, text: str) -> str:
    """The definition of a service's event, where the recording gives that of the service instead."""
    parts = DIVIDER.split(text, maxsplit=1)
    if len(parts) < 2 or not name.endswith("_Event"):
        return text
    request, response = map(str.strip, parts)
    service = name.removesuffix("_Event")
    return SERVICE_EVENT.format(name=service, line="=" * 80, request=request, response=response)
