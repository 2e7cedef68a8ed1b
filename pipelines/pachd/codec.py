"""The two messages that come by the ten thousand or by the gigabyte, coded by hand.

The SDK's codec is general and copies: a piece of a file costs several times its size in memory, a listed file
0.6 ms. Whatever does not look exactly as expected here is left to the SDK's codec.
"""

from collections.abc import Iterator
from datetime import datetime
from operator import itemgetter
from typing import Final

from pachyderm_sdk.api import pfs

from pipelines.pachd.files import Append
from pipelines.pachd.trees import Entry

_ADD_FILE: Final = 0x12
_PATH: Final = 0x0A
_RAW: Final = 0x1A
_VALUE: Final = 0x0A


def decode_change(data: bytes) -> "Append | pfs.ModifyFileRequest":
    """A ModifyFileRequest; a piece of a file as an `Append` whose data is a view of the message."""
    try:
        return _piece(memoryview(data))
    except (_Unexpected, IndexError):
        request: pfs.ModifyFileRequest = pfs.ModifyFileRequest.FromString(data)
        return request


class _Unexpected(Exception):  # noqa: N818 - never seen outside
    """A message that is for the SDK's codec."""


def _piece(message: memoryview) -> Append:
    match list(_fields(message)):
        case [(tag, add_file)] if tag == _ADD_FILE:
            pass
        case _:
            raise _Unexpected
    match sorted(_fields(add_file), key=itemgetter(0)):
        case [(first, path), (second, raw)] if (first, second) == (_PATH, _RAW):
            pass
        case _:
            raise _Unexpected
    match list(_fields(raw)):
        case []:
            content = memoryview(b"")
        case [(tag, content)] if tag == _VALUE:
            pass
        case _:
            raise _Unexpected
    return Append(str(path, "utf-8"), content)


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Tag and body of every field, all of them of the kind that has a length."""
    at = 0
    while at < len(message):
        tag = message[at]
        if tag & 0x87 != 0x02:
            raise _Unexpected
        length = shift = 0
        at += 1
        while message[at] & 0x80:
            length |= (message[at] & 0x7F) << shift
            shift += 7
            at += 1
        length |= message[at] << shift
        at += 1
        if at + length > len(message):
            raise _Unexpected
        yield tag, message[at : at + length]
        at += length


class FileInfos:
    """Encodes the files of one commit as FileInfo messages."""

    def __init__(self, commit: pfs.Commit, committed: datetime | None) -> None:
        self._commit = _field(0x0A, bytes(commit))
        self._committed = b"" if committed is None else bytes(pfs.FileInfo(committed=committed))

    def encode(self, entry: Entry) -> bytes:
        """One file or directory; directories' paths end in a slash, as Pachyderm's do."""
        is_file = entry.kind == "file"
        path = entry.path if is_file or entry.path == "/" else f"{entry.path}/"
        file = _field(0x0A, self._commit + _field(0x12, path.encode()))
        kind = b"\x10\x01" if is_file else b"\x10\x02"
        size = b"\x20" + _varint(entry.size) if entry.size else b""
        return file + kind + self._committed + size + _field(0x2A, bytes.fromhex(entry.hash))


def _field(tag: int, body: bytes) -> bytes:
    return bytes((tag,)) + _varint(len(body)) + body


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
