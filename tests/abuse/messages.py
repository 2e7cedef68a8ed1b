"""Requests nobody should send: messages with hostile values, unknown fields, broken and random bytes."""

import json
import random
import struct
from types import ModuleType
from typing import Any

import betterproto
from betterproto.lib.google.protobuf import Empty

TEXTS = (
    "", "a" * 100_000, "in", "copy", "master", "/a", "in@master", "default", "user", "/", "//", ".", "..",
    "/a/../b", "/a\0b", "/../etc/passwd", "a\nb", "é", "💥", "*", "**", "[", "[[", "(((", "{a,", "@(", "\\",
    "/" * 5_000,
    "master^", "master^99999999999999999999", "master.0", "master.99999999999999999999", "0" * 32, "f" * 32,
    "'; DROP TABLE commits; --", "%s%n", "{{7*7}}", "null", "[]", "{}", '{"pipeline":', "-1", "1e999", "true",
    '{"pipeline":{"name":"p"},"input":{"pfs":{"repo":"in","glob":"(("}},"transform":{"cmd":["nothing"]}}',
    '{"pipeline":{"name":"../p"},"input":{"cross":[]},"transform":{"cmd":[]}}', '{"input":' * 500,
)  # fmt: skip
NUMBERS = (0, 1, -1, 2, 7, 99, 2**31 - 1, -(2**31), 2**63 - 1, -(2**63))


def message(kind: Any, draw: random.Random, depth: int = 0) -> Any:
    """A message of a class of the SDK, some of its fields set to values nobody expects."""
    made = kind()
    for name, meta in made._betterproto.meta_by_field_name.items():
        if draw.random() < 0.4:
            continue
        try:
            setattr(made, name, _value(made, name, meta, draw, depth))
        except (TypeError, ValueError, OverflowError):
            continue
    return made


def wire(kind: Any, draw: random.Random) -> bytes:
    """The bytes of such a message, sometimes broken, followed by something unknown, or none at all."""
    mode = draw.random()
    if mode < 0.1:
        return draw.randbytes(draw.choice((0, 1, 7, 300)))
    try:
        data = bytes(message(kind, draw))
    except (TypeError, ValueError, OverflowError, struct.error):
        return b""
    if mode < 0.2 and data:
        at = draw.randrange(len(data))
        return data[:at] + draw.randbytes(1) + data[at + 1 :]
    if mode < 0.3:
        return data[: draw.randint(0, len(data))]
    if mode < 0.4:
        return data + b"\xfa\x3f\x05hello"
    return data


def arguments(draw: random.Random) -> bytes:
    """JSON, or nearly, for forewarn's own calls."""
    names = ("pipeline", "puts", "deletes", "specs", "number", "datums", "repo", "commit", "path", "paths")
    value: Any = {
        name: draw.choice((*TEXTS, *NUMBERS, None, [], {}, ["/a"], {"in": {"/a": ["0", 1]}}, {"in": ["/a"]}))
        for name in (*names, "segment", "target", "fix")
        if draw.random() < 0.4
    }
    text = json.dumps(draw.choice((value, value, value, [value], None, 7))).encode()
    return text if draw.random() < 0.9 else text[: len(text) // 2]


def requests_of(module: ModuleType, call: str) -> Any:
    """The class of a call's requests."""
    odd = {"GetFileTAR": "GetFileRequest", "CreateFileSet": "ModifyFileRequest"}
    return getattr(module, odd.get(call, f"{call}Request"), Empty)


def _value(made: Any, name: str, meta: Any, draw: random.Random, depth: int) -> Any:
    repeated = made._betterproto.default_gen[name] is list
    if meta.map_types:
        return {draw.choice(TEXTS): draw.choice(TEXTS)}
    if repeated:
        return [_one(made, name, meta, draw, depth) for _ in range(draw.randint(0, 2))]
    return _one(made, name, meta, draw, depth)


def _one(made: Any, name: str, meta: Any, draw: random.Random, depth: int) -> Any:
    match meta.proto_type:
        case betterproto.TYPE_STRING:
            return draw.choice(TEXTS)
        case betterproto.TYPE_BYTES:
            return draw.randbytes(draw.choice((0, 3, 5_000)))
        case betterproto.TYPE_BOOL:
            return draw.random() < 0.5
        case betterproto.TYPE_MESSAGE:
            kind = made._betterproto.cls_by_field[name]
            if not issubclass(kind, betterproto.Message) or depth > 4:
                raise TypeError
            return message(kind, draw, depth + 1)
        case betterproto.TYPE_DOUBLE | betterproto.TYPE_FLOAT:
            return draw.choice((0.0, -1.5, float("inf"), float("nan")))
        case _:
            return draw.choice(NUMBERS)
