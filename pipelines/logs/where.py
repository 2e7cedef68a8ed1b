"""Which records of a source belong to a stream: the conditions of `where` on raw values."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.logs.rows import Column
from pipelines.logs.scan.cells import Cells
from pipelines.logs.scan.tree import STRING

Flags = npt.NDArray[np.bool_]


def chosen(columns: Mapping[str, Column], conditions: Mapping[str, Any], rows: int) -> Flags:
    """True for the rows that meet every condition."""
    flags = np.ones(rows, np.bool_)
    for path, condition in conditions.items():
        flags &= _column(columns[path], condition)
    return flags


def _column(column: Column, condition: Any) -> Flags:
    if isinstance(column, Cells):
        if column.found == {STRING}:
            words = column.strings().dictionary_encode()
            told = np.array([matches(value, condition) for value in words.dictionary.to_pylist()], np.bool_)
            flags: Flags = told[words.indices.to_numpy()]
            return flags
        column = column.tolist()
    return np.array([matches(value, condition) for value in column], np.bool_)


def matches(value: Any, condition: Any) -> bool:
    """Equality, any of a list, or `{above = x}`, `{below = x}`, `{not = x}`; missing matches nothing."""
    if isinstance(condition, dict):
        return all(_compares(value, how, bound) for how, bound in condition.items())
    if isinstance(condition, list | tuple):
        return any(matches(value, one) for one in condition)
    return value is not None and _alike(value, condition) and bool(value == condition)


def _alike(value: Any, condition: Any) -> bool:
    """Numbers compare with numbers, whole or not; a bool is no number."""
    if isinstance(value, bool) or isinstance(condition, bool):
        return type(value) is type(condition)
    return isinstance(value, int | float) == isinstance(condition, int | float)


def _compares(value: Any, how: str, bound: Any) -> bool:
    if how == "not":
        return value is not None and not matches(value, bound)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return bool(value > bound if how == "above" else value < bound)
