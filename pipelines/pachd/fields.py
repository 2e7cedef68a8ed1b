"""Reads protobuf's JSON form strictly: a misspelt or mistyped key in a spec must not pass in silence.

Protobuf's JSON takes `snake_case` and `camelCase` keys alike, integers as numbers or strings, and durations
as "90s"; older Pachyderm specs also write Go durations such as "1h30m". All are taken here.
"""

import difflib
import re
from collections.abc import Mapping

from features.errors import DataError

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)")
_SIZE = re.compile(r"(\d{1,18}(?:\.\d{1,9})?(?:[eE]\d{1,2})?)(|[kMGTPE]|[KMGTPE]i)")
_BYTES = {"": 1, "k": 10**3, "Ki": 1 << 10} | {
    unit + kind: base**power
    for power, unit in enumerate("MGTPE", start=2)
    for kind, base in (("", 1_000), ("i", 1 << 10))
}
_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


class Fields:
    """One JSON object being read; `where` names it in errors ("input.cross[1].pfs")."""

    def __init__(self, raw: object, where: str) -> None:
        if not isinstance(raw, Mapping):
            raise DataError(f"{where or 'the spec'} must be a JSON object", got=_shown(raw))
        self.where = where
        self.read: set[str] = set()
        self.values: dict[str, object] = {}
        for key, value in raw.items():
            snake = snake_case(str(key))
            if snake in self.values:
                raise DataError(f"{self.path(snake)} is given twice", got=f"{snake} and {key}")
            if value is not None:
                self.values[snake] = value

    def path(self, key: str) -> str:
        """The full name of `key` for an error."""
        return f"{self.where}.{key}" if self.where else key

    def has(self, key: str) -> bool:
        """Whether `key` is present and not null; also counts it as known."""
        self.read.add(key)
        return key in self.values

    def get(self, key: str) -> object:
        """The raw value, or None."""
        self.read.add(key)
        return self.values.get(key)

    def inner(self, key: str) -> "Fields":
        """A nested object; empty when absent."""
        return Fields(self.values.get(key, {}) if self.has(key) else {}, self.path(key))

    def text(self, key: str, default: str = "") -> str:
        """A string; empty counts as absent, as in protobuf."""
        value = self.get(key)
        if value is not None and not isinstance(value, str):
            raise DataError(f"{self.path(key)} must be a string", got=_shown(value))
        return value or default

    def required(self, key: str) -> str:
        """A non-empty string."""
        if value := self.text(key):
            return value
        near = difflib.get_close_matches(key, self.values.keys() - self.read, n=1)
        raise DataError(
            f"{self.path(key)} is missing",
            expected="a non-empty string",
            hint=f"is {near[0]!r} a misspelling?" if near else "",
        )

    def flag(self, key: str) -> bool:
        """A boolean, false when absent."""
        value = self.get(key)
        if value is not None and not isinstance(value, bool):
            raise DataError(f"{self.path(key)} must be true or false", got=_shown(value))
        return bool(value)

    def count(self, key: str, default: int = 0) -> int:
        """An integer from 0; 0 counts as absent, as in protobuf."""
        value = self.get(key)
        if isinstance(value, str) and re.fullmatch(r"\d{1,18}", value):
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int) or value < 0):
            raise DataError(f"{self.path(key)} must be a whole number from 0", got=_shown(value))
        return value or default

    def items(self, key: str) -> list[object]:
        """A JSON array, empty when absent."""
        value = self.get(key)
        if value is not None and not isinstance(value, list | tuple):
            raise DataError(f"{self.path(key)} must be a list", got=_shown(value))
        return list(value or ())

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings."""
        values = self.items(key)
        for i, value in enumerate(values):
            if not isinstance(value, str):
                raise DataError(f"{self.path(key)}[{i}] must be a string", got=_shown(value))
        return tuple(str(value) for value in values)

    def pairs(self, key: str) -> dict[str, str]:
        """An object whose values are strings."""
        value = self.get(key)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            raise DataError(f"{self.path(key)} must be a JSON object", got=_shown(value))
        for name, text in value.items():
            if not isinstance(text, str):
                raise DataError(f"{self.path(key)}.{name} must be a string", got=_shown(text))
        return {str(name): text for name, text in value.items()}

    def seconds(self, key: str) -> float | None:
        """A duration ("90s", "1h30m") in seconds; None when absent or zero."""
        value = self.get(key)
        if value is None:
            return None
        if not isinstance(value, str) or (seconds := parse_duration(value)) is None:
            raise DataError(
                f"{self.path(key)} must be a duration", got=_shown(value), expected='"90s" or "1h30m"'
            )
        return seconds or None

    def size(self, key: str) -> int:
        """Bytes as Kubernetes writes them ("2Gi", "500M", "1e9"); 0 when absent."""
        value = self.get(key)
        if value is None or value == "":
            return 0
        match = _SIZE.fullmatch(str(value)) if isinstance(value, str | int) and value is not True else None
        if match is None:
            raise DataError(f"{self.path(key)} must be a size", got=_shown(value), expected='"2Gi" or "500M"')
        return int(float(match[1]) * _BYTES[match[2]])

    def finish(self) -> None:
        """Refuse every key nobody asked for."""
        for key in self.values.keys() - self.read:
            near = difflib.get_close_matches(key, self.read, n=1)
            raise DataError(
                f"{self.path(key)} is not a key of a pipeline spec",
                hint=f"did you mean {near[0]!r}?" if near else f"known here: {', '.join(sorted(self.read))}",
            )


def snake_case(key: str) -> str:
    """`datumTries` and `datum_tries` are the same key."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", key).lower()


def parse_duration(text: str) -> float | None:
    """Seconds of a Go or protobuf duration, or None when it is neither."""
    parts = _DURATION.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in parts)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
