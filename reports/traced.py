"""JSON values that know where they stand, so that every number on a page names its place in summary.json."""

from collections.abc import Iterator
from typing import Any

from markupsafe import Markup, escape


class Traced:
    """A number, list or object of the summary with its JSON pointer (RFC 6901).

    Templates reach into it as into the value itself; texts, booleans and null come out plain.
    """

    __slots__ = ("_pointer", "_value")

    def __init__(self, value: Any, pointer: str = "") -> None:
        self._value = value
        self._pointer = pointer

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except (KeyError, TypeError) as error:
            raise AttributeError(f"the summary has no {self._pointer}/{name}") from error

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            return [self[index] for index in range(*key.indices(len(self._value)))]
        child = self._value[key]
        if child is None or isinstance(child, str | bool):
            return child
        token = str(key).replace("~", "~0").replace("/", "~1")
        return Traced(child, f"{self._pointer}/{token}")

    def __iter__(self) -> Iterator[Any]:
        keys = self._value if isinstance(self._value, dict) else range(len(self._value))
        return iter(list(keys)) if isinstance(self._value, dict) else (self[index] for index in keys)

    def __len__(self) -> int:
        return len(self._value)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return bool(self._value == plain(other))

    def __gt__(self, other: Any) -> bool:
        return bool(self._value > plain(other))

    def __hash__(self) -> int:
        return hash(self._pointer)

    def __str__(self) -> str:
        raise TypeError(f"{self._pointer} is shown without a form; use a filter such as percent or count")

    def marked(self, text: str) -> Markup:
        """`text` as a `<data>` element that carries the exact value and its pointer."""
        return Markup('<data value="{}" data-of="{}">{}</data>').format(
            repr(self._value), self._pointer, escape(text)
        )


def plain(value: Any) -> Any:
    """The value itself, traced or not."""
    return value._value if isinstance(value, Traced) else value
