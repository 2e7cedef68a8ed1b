"""Requests from bytes anybody may have sent: refused in words unless every field is what the protocol says.

The SDK's codec takes a number where a message belongs and hands it on; whoever uses the field would fail.
"""

from collections.abc import Callable
from typing import Any, Final

import betterproto

from features.errors import DataError, ForewarnError

_TYPES: Final[dict[str, type]] = {
    betterproto.TYPE_STRING: str,
    betterproto.TYPE_BYTES: bytes,
    betterproto.TYPE_BOOL: bool,
    betterproto.TYPE_MESSAGE: object,
    betterproto.TYPE_MAP: dict,
    betterproto.TYPE_DOUBLE: float,
    betterproto.TYPE_FLOAT: float,
}


def reader(decode: Callable[[bytes], Any], expected: str) -> Callable[[bytes], Any]:
    """`decode`, but that whatever it cannot read is a DataError, and so is a field of another type."""

    def read(data: bytes) -> Any:
        try:
            message = decode(data)
            if isinstance(message, betterproto.Message):
                _check(message)
        except ForewarnError:
            raise
        except Exception as error:  # a codec fails in as many ways as there are broken bytes
            got = f"{len(data)} bytes: {type(error).__name__}: {error}"
            raise DataError("the request cannot be read", got=got, expected=expected) from error
        return message

    return read


def _check(message: betterproto.Message) -> None:
    for name, meta in message._betterproto.meta_by_field_name.items():
        value = object.__getattribute__(message, name)
        if value is betterproto.PLACEHOLDER or (value is None and (meta.optional or meta.wraps)):
            continue
        repeated = message._betterproto.default_gen[name] is list
        for one in value if repeated else (value,):
            _check_value(name, meta.proto_type, message._betterproto.cls_by_field.get(name), one)


def _check_value(name: str, kind: str, declared: Any, value: Any) -> None:
    if kind == betterproto.TYPE_ENUM:
        declared(value)
    elif kind == betterproto.TYPE_MESSAGE and issubclass(declared, betterproto.Message):
        if not isinstance(value, declared):
            raise TypeError(f"{name} is {value!r}")
        _check(value)
    elif not isinstance(value, _TYPES.get(kind, int)):
        raise TypeError(f"{name} is {value!r}")
    elif name == "number" and isinstance(value, int) and value < 0:
        raise ValueError(f"{name} is {value}")
