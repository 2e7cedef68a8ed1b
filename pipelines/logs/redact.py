"""Values that must not be kept, such as API keys: masked before refused bytes go to the quarantine."""

import functools
import re
from collections.abc import Sequence
from typing import Final

from pipelines.logs.archives.unpack import GZIP, ZSTD

MASK: Final = b'"***"'
PACKED: Final = (GZIP, ZSTD, b"PK\x03\x04")
LONGEST: Final = 1 << 16

QUOTE: Final = rb'\\{0,64}"'
COLON: Final = QUOTE + rb"\s*:\s*"
SCALAR: Final = (
    rb'(?:"(?:[^"\\]|\\.)*"?'  # a string, which may break off
    rb'|(?P<slashes>\\{1,64})"(?:(?!(?<!\\)(?P=slashes)").)*(?:(?P=slashes)")?'  # one within a string
    rb'|[^\s,}\]{\["\\][^\s,}\]]*)'
)
REST: Final = rb"[\[{].*"
NEAR: Final = rb"[^{}]{0,1000}"


def redacted(raw: bytes, keys: Sequence[str]) -> bytes:
    """JSON text, whole or broken, with the values of these keys masked, and of pairs with such a key.

    A value that is an object or list masks what follows it as well. Compressed bytes, into which one cannot
    look, are left out, and so is what comes after the first 64 KiB.
    """
    if not keys:
        return raw
    if raw.startswith(PACKED):
        return b""
    raw = raw[:LONGEST]
    for pattern in _patterns(tuple(keys)):
        raw = pattern.sub(lambda found: found["before"] + MASK, raw)
    return raw


@functools.lru_cache(maxsize=16)
def _patterns(keys: tuple[str, ...]) -> list[re.Pattern[bytes]]:
    """A key and its value; a pair's key, then its value; a pair's value, then its key."""
    names = QUOTE + rb"(?:" + b"|".join(re.escape(key.encode()) for key in keys) + rb")"
    pair = QUOTE + rb"key" + COLON + names + QUOTE
    value = QUOTE + rb"value" + COLON
    any_value = rb"(?:" + SCALAR + rb"|" + REST + rb")"
    texts = [
        rb"(?P<before>" + names + COLON + rb")" + any_value,
        rb"(?P<before>" + pair + NEAR + rb"?" + value + rb")" + any_value,
        rb"(?P<before>" + value + rb")" + SCALAR + rb"(?=" + NEAR + pair + rb")",
    ]
    return [re.compile(text, re.DOTALL | re.IGNORECASE) for text in texts]
