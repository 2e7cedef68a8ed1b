"""Values as logs write them, to declared column types; a value that does not fit costs its record."""

import math
from typing import Any, Final

import pyarrow as pa

from pipelines.config import FieldSection
from pipelines.logs.timestamps import Refused

ARROW: Final = {"float": pa.float64(), "int": pa.int64(), "bool": pa.bool_(), "string": pa.string()}
PLAIN: Final[dict[str, set[type]]] = {
    "float": {float, int, type(None)},
    "int": {int, type(None)},
    "bool": {bool, type(None)},
    "string": {str, type(None)},
}
TRUE: Final = {"true": True, "false": False, "1": True, "0": False}


def to_column(values: list[Any], spec: FieldSection, name: str, *, text: bool) -> tuple[list[Any], Refused]:
    """Values that fit the declared type (None where refused), and row → (reason, detail).

    With `text` the values come from a table without types: numbers are read from strings and an empty
    string is null. A message's values must have the declared type; an int fits a float field, and a whole
    float an int field, nothing else.
    """
    if not text and set(map(type, values)) <= PLAIN[spec.type] and _storable(values, spec.type):
        return values, {}
    refused: Refused = {}
    fitted: list[Any] = []
    for row, value in enumerate(values):
        fit, good = _fit(value, spec.type, text=text)
        fitted.append(fit)
        if not good:
            refused[row] = (good_reason(value), f"{name} = {value!r} is no {spec.type}"[:120])
    return fitted, refused


def good_reason(value: Any) -> str:
    """The reason code of a value that does not fit."""
    if isinstance(value, float) and not math.isfinite(value):
        return "not_finite"
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return "number_beyond_64_bits"
    return "type_mismatch"


def _storable(values: list[Any], kind: str) -> bool:
    """Whether values of the right type are also within what the column can hold."""
    if kind == "string":
        return all(map(_is_unicode, {value for value in values if value is not None}))
    if kind == "bool":
        return True
    numbers = [value for value in values if value is not None]
    if not numbers:
        return True
    if kind == "float":
        return all(map(math.isfinite, numbers)) and all(
            abs(value) < 2**1023 for value in (min(numbers), max(numbers))
        )
    return bool(min(numbers) >= -(2**63) and max(numbers) < 2**63)


def _fit(value: Any, kind: str, *, text: bool) -> tuple[Any, bool]:
    if value is None or (text and value == ""):
        return None, True
    if kind == "string":
        if isinstance(value, str):
            return (value, True) if _is_unicode(value) else (None, False)
        return (_as_text(value), True) if text else (None, False)
    if kind == "bool":
        if isinstance(value, bool):
            return value, True
        told = TRUE.get(str(value).strip().lower()) if text else None
        return told, told is not None
    return _number(value, kind, text=text)


def _number(value: Any, kind: str, *, text: bool) -> tuple[Any, bool]:
    if text and isinstance(value, str):
        try:
            value = float(value) if kind == "float" else int(value)
        except ValueError:
            return None, False
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None, False
    if isinstance(value, float) and not math.isfinite(value):
        return None, False
    if kind == "int":
        if value != int(value) or not -(2**63) <= value < 2**63:
            return None, False
        return int(value), True
    if isinstance(value, int) and abs(value) >= 2**1023:
        return None, False
    return float(value), True


def _is_unicode(value: str) -> bool:
    """False for half of a surrogate pair, which JSON can escape and no encoding can hold."""
    return value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value)


def _as_text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
