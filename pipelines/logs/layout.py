"""The declared part of a message as types, so that decoding reads that part and skips the rest.

Every leaf keeps whatever value the text has; checking types is the batch's work, the same for all formats.
A message the types do not fit (a record that is no object, NaN, bytes that are not UTF-8) is read by the
exact parser instead, with the same result where both can read it, so that one strange record costs itself.
"""

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from typing import Any

import msgspec

from pipelines.config import RobotSection, StreamSection

Getter = Callable[[Any], Any]


class Node:
    """An object of the message: the keys wanted of it, and whether it (or a list of it) is a record."""

    def __init__(self) -> None:
        self.children: dict[str, Node] = {}
        self.record = False
        self.struct: Any = None

    def at(self, path: str) -> "Node":
        """The node at a dotted path, made where missing."""
        node = self
        for key in path.split(".") if path else []:
            node = node.children.setdefault(key, Node())
        return node

    def seal(self) -> Any:
        """The type of this node's value, once every path is known: Any for a leaf."""
        if not self.children:
            return Any
        names = [
            (f"f{index}", child.seal(), msgspec.field(name=key, default=None))
            for index, (key, child) in enumerate(self.children.items())
        ]
        self.struct = msgspec.defstruct("Object", names)
        return list[self.struct] | self.struct | None if self.record else self.struct | None  # type: ignore[name-defined]

    def build(self, value: Any) -> Any:
        """A parsed JSON value as this node's type; in a list of records None stands for what is no object."""
        if self.struct is None:
            return value
        if self.record and value is not None:
            return [self._one(item) for item in (value if isinstance(value, list) else [value])]
        return self._one(value)

    def _one(self, value: Any) -> Any:
        if not isinstance(value, dict):
            return None
        return self.struct(*[child.build(value.get(key)) for key, child in self.children.items()])

    def attribute(self, key: str) -> str:
        """Name of the struct's attribute that holds a key."""
        return f"f{list(self.children).index(key)}"

    def getter(self, path: str) -> Getter:
        """A function from this node's object to the value at a path below it; None where there is none."""
        steps = []
        node = self
        for key in path.split("."):
            steps.append(node.attribute(key))
            node = node.children[key]
        if len(steps) == 1:
            return attrgetter(steps[0])

        def read(value: Any) -> Any:
            for step in steps:
                value = getattr(value, step, None)
            return value

        return read


class Layout:
    """What all streams of a file read, as one type."""

    def __init__(self, streams: Mapping[str, StreamSection], robot: RobotSection) -> None:
        self.root = Node()
        for spec in streams.values():
            node = self.root.at(spec.path)
            node.record = bool(spec.path)
            for path in record_paths(spec, robot):
                (self.root if path.startswith("$.") else node).at(path.removeprefix("$."))
        self.root.seal()
        self.decode = msgspec.json.Decoder(self.root.struct).decode


def record_paths(spec: StreamSection, robot: RobotSection) -> Iterable[str]:
    """Every path a stream reads, relative to its record or from the root (`$.`)."""
    if spec.pairs:
        yield from ("key", "value")
    else:
        yield from (field.source or name for name, field in spec.fields.items())
        yield from spec.where
    yield from filter(None, [spec.time, spec.recv, (spec.robot or robot).field])
