"""The JSON texts that are the values of key-value pairs, in the scanner."""

from numba import njit

from pipelines.logs.scan.lanes import byte
from pipelines.logs.scan.numbers import number
from pipelines.logs.scan.strings import is_literal
from pipelines.logs.scan.tree import FALSE, NULL, ODD, STRING, TRUE


@njit(cache=True, nogil=True)
def json_text(text, begin, size):  # type: ignore[no-untyped-def]
    """The scalar a JSON text says; a word that is no JSON is the text itself; ODD when it takes a parser."""
    mark = byte(text, begin) if size > 0 else 0
    if mark == 45 or 48 <= mark <= 57:
        end, kind, value, real = number(text, begin)
        return (kind, value, real) if end == begin + size else (ODD, 0, 0.0)
    if mark == 92 and size >= 4:
        last = begin + size - 2
        for at in range(begin + 2, last):
            if byte(text, at) == 92:
                return ODD, 0, 0.0
        if byte(text, begin + 1) == 34 and byte(text, last) == 92 and byte(text, last + 1) == 34:
            return STRING, (begin + 2) << 32 | (size - 4), 0.0
        return ODD, 0, 0.0
    if size == 4 and is_literal(text, begin, 0x65757274, 4):
        return TRUE, 0, 0.0
    if size == 5 and is_literal(text, begin, 0x65736C6166, 5):
        return FALSE, 0, 0.0
    if size == 4 and is_literal(text, begin, 0x6C6C756E, 4):
        return NULL, 0, 0.0
    if not (65 <= mark <= 90 or 97 <= mark <= 122) or mark == 116 or mark == 102 or mark == 110:
        return ODD, 0, 0.0
    for at in range(begin, begin + size):
        if byte(text, at) == 92:
            return ODD, 0, 0.0
    return STRING, begin << 32 | size, 0.0
