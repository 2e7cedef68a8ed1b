"""Which records of a source belong to a stream: the conditions of `where` on raw values."""

from typing import Any


def matches(value: Any, condition: Any) -> bool:
    """Equality, any of a list, or `{above = x}`, `{below = x}`, `{not = x}`; missing matches nothing."""
    if isinstance(condition, dict):
        return all(_compares(value, how, bound) for how, bound in condition.items())
    if isinstance(condition, list | tuple):
        return any(matches(value, one) for one in condition)
    return value is not None and type(value) is type(condition) and value == condition


def _compares(value: Any, how: str, bound: Any) -> bool:
    if how == "not":
        return value is not None and not matches(value, bound)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return bool(value > bound if how == "above" else value < bound)
