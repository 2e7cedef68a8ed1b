"""Values as logs write them, to declared column types; a value that does not fit costs its record."""

import math
from typing import Any, Final

import numpy as np
import pyarrow as pa

from pipelines.config import FieldSection
from pipelines.logs.rows import Column
from pipelines.logs.scan.cells import Cells
from pipelines.logs.scan.tree import FALSE, FLOAT, INT, MISSING, NULL, STRING, TRUE
from pipelines.logs.timestamps import Refused, as_list

ARROW: Final = {"float": pa.float64(), "int": pa.int64(), "bool": pa.bool_(), "string": pa.string()}
FITTING: Final = {
    "float": {MISSING, NULL, INT, FLOAT},
    "int": {MISSING, NULL, INT},
    "bool": {MISSING, NULL, FALSE, TRUE},
    "string": {MISSING, NULL, STRING},
}
PLAIN: Final[dict[str, set[type]]] = {
    "float": {float, int, type(None)},
    "int": {int, type(None)},
    "bool": {bool, type(None)},
    "string": {str, type(None)},
}
WORDS: Final = {"true": True, "false": False, "1": True, "0": False}


def to_column(values: Column, spec: FieldSection, name: str, *, text: bool) -> tuple[pa.Array, Refused]:
    """An Arrow column of the declared type (null where refused), and row → (reason, detail).

    With `text` the values come from a table without types: numbers are read from strings and an empty
    string is null. A message's values must have the declared type; an int fits a float field, and a whole
    float an int field, nothing else.
    """
    if isinstance(values, Cells) and values.found <= FITTING[spec.type]:
        return _at_once(values, spec.type), {}
    told = as_list(values)
    if not text and set(map(type, told)) <= PLAIN[spec.type] and _storable(told, spec.type):
        return pa.array(told, ARROW[spec.type]), {}
    refused: Refused = {}
    fitted: list[Any] = []
    for row, value in enumerate(told):
        fit, good = _fit(value, spec.type, text=text)
        fitted.append(fit)
        if not good:
            refused[row] = (reason_for(value), f"{name} = {value!r} is no {spec.type}"[:120])
    return pa.array(fitted, ARROW[spec.type]), refused


def _at_once(cells: Cells, kind: str) -> pa.Array:
    if kind == "string":
        return cells.strings()
    absent = cells.absent
    mask = absent if absent.any() else None
    if kind == "bool":
        return pa.array(cells.kinds == TRUE, mask=mask)
    if kind == "int":
        return pa.array(cells.values.copy(), mask=mask)
    if INT in cells.found:
        return pa.array(np.where(cells.kinds == INT, cells.values, cells.floats), mask=mask)
    return pa.array(cells.floats.copy(), mask=mask)


def reason_for(value: Any) -> str:
    """The reason code of a value that does not fit."""
    if isinstance(value, float) and not math.isfinite(value):
        return "not_finite"
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return "number_beyond_64_bits"
    if isinstance(value, str) and not is_unicode(value):
        return "not_utf8"
    return "type_mismatch"


def _storable(values: list[Any], kind: str) -> bool:
    """Whether values of the right type are also within what the column can hold."""
    if kind == "string":
        return all(map(is_unicode, {value for value in values if value is not None}))
    if kind == "bool":
        return True
    numbers = [value for value in values if value is not None]
    if not numbers:
        return True
    if kind == "float":
        return all(isinstance(value, float) for value in numbers) and all(map(math.isfinite, numbers))
    return bool(min(numbers) >= -(2**63) and max(numbers) < 2**63)


def _fit(value: Any, kind: str, *, text: bool) -> tuple[Any, bool]:
    if value is None or (text and value == ""):
        return None, True
    if kind == "string":
        if isinstance(value, str):
            return (value, True) if is_unicode(value) else (None, False)
        return (_as_text(value), True) if text else (None, False)
    if kind == "bool":
        if isinstance(value, bool):
            return value, True
        told = WORDS.get(_as_text(value).strip().lower()) if text else None
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


def is_unicode(value: str) -> bool:
    """False for half of a surrogate pair, which JSON can escape and no encoding can hold."""
    return value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value)


def _as_text(value: Any) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
