"""Values that must not be kept, such as API keys: masked before refused bytes go to the quarantine."""

import functools
import re
from collections.abc import Sequence
from typing import Final

from pipelines.logs.archives.unpack import GZIP, ZSTD

MASK: Final = b'"***"'
PACKED: Final = (GZIP, ZSTD, b"PK\x03\x04")
VALUE: Final = rb'(?:"(?:[^"\\]|\\.)*"?|[^\s,}\]{\["][^\s,}\]]*|[\[{].*)'
ESCAPED: Final = rb'\\+"(?:(?!\\*").)*(?:\\+")?'


def redacted(raw: bytes, keys: Sequence[str]) -> bytes:
    """JSON text, whole or broken, with the values of these keys masked; pairs with such a key too.

    A value that is an object or list masks what follows it as well. Compressed bytes, into which one cannot
    look, are left out.
    """
    if not keys:
        return raw
    if raw.startswith(PACKED):
        return b""
    direct, pair, value = _patterns(tuple(keys))
    raw = direct.sub(lambda found: found[1] + MASK, raw)
    return pair.sub(lambda found: value.sub(lambda inner: inner[1] + MASK, found[0]), raw)


@functools.lru_cache(maxsize=16)
def _patterns(keys: tuple[str, ...]) -> tuple[re.Pattern[bytes], re.Pattern[bytes], re.Pattern[bytes]]:
    flags = re.DOTALL | re.IGNORECASE
    names = b"|".join(re.escape(key.encode()) for key in keys)
    direct = rb'(\\*"(?:' + names + rb')\\*"\s*:\s*)(?:' + ESCAPED + rb"|" + VALUE + rb")"
    pair = rb'\{[^{}]*"key"\s*:\s*"(?:' + names + rb')"[^{}]*'
    return (
        re.compile(direct, flags),
        re.compile(pair, flags),
        re.compile(rb'("value"\s*:\s*)' + VALUE, flags),
    )
