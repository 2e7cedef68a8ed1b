"""What a failure looks like in a record: field → condition, plain enough for a config file.

A condition is a value, a list of values (any of them), or a mapping of tests that must all hold:
`{"above": x}`, `{"below": x}` (both strict) and `{"not": condition}`. All fields must hold. A null field says
nothing, so it satisfies no condition, not even a `not`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.contract import one_chunk
from features.errors import DataError

Flags = npt.NDArray[np.bool_]


def holds(table: pa.Table, when: Mapping[str, Any], what: str) -> Flags:
    """One flag per row: whether it satisfies every condition of `when` (an empty mapping always holds).

    Raises DataError when a field is not in the table or a condition does not fit its type.
    """
    result = np.ones(table.num_rows, dtype=np.bool_)
    for field, condition in when.items():
        if field not in table.column_names:
            raise DataError(
                f"the condition on {what} names a field it does not have",
                got=field,
                expected=table.column_names,
            )
        values = one_chunk(table.column(field))
        if pa.types.is_dictionary(values.type):
            values = values.cast(values.type.value_type)
        known = values.is_valid().to_numpy(zero_copy_only=False)
        if pa.types.is_floating(values.type):
            known &= ~pc.fill_null(pc.is_nan(values), True).to_numpy(zero_copy_only=False)
        result &= known & _test(values, condition, f"{what}.{field}")
    return result


def _test(values: pa.Array, condition: Any, name: str) -> Flags:
    if not isinstance(condition, Mapping):
        options = condition if isinstance(condition, list | tuple | set | frozenset) else [condition]
        return _any_of(values, list(options), name)
    result = np.ones(len(values), dtype=np.bool_)
    for test, operand in condition.items():
        if test == "not":
            result &= ~_test(values, operand, name)
        elif test in ("above", "below"):
            if not (pa.types.is_integer(values.type) or pa.types.is_floating(values.type)):
                raise DataError(
                    f"{name} is not numeric", got=values.type, expected=f"a number to be {test} {operand}"
                )
            compare = pc.greater if test == "above" else pc.less
            result &= pc.fill_null(compare(values, _scalar(operand, None, name)), False).to_numpy(
                zero_copy_only=False
            )
        else:
            raise DataError(
                f"the condition on {name} is unknown", got=test, expected=["above", "below", "not"]
            )
    return result


def _any_of(values: pa.Array, options: list[Any], name: str) -> Flags:
    result = np.zeros(len(values), dtype=np.bool_)
    for option in options:
        equal = pc.equal(values, _scalar(option, values.type, name))
        result |= pc.fill_null(equal, False).to_numpy(zero_copy_only=False)
    return result


def _scalar(option: Any, kind: pa.DataType | None, name: str) -> pa.Scalar:
    textual = kind is not None and (pa.types.is_string(kind) or pa.types.is_large_string(kind))
    fits = (
        isinstance(option, str) == textual
        and isinstance(option, bool) == (kind is not None and pa.types.is_boolean(kind))
        and isinstance(option, str | bool | int | float)
    )
    if not fits:
        raise DataError(
            f"the condition on {name} compares unlike things",
            got=f"{option!r} ({type(option).__name__})",
            expected=kind or "a number",
        )
    return pa.scalar(option)
