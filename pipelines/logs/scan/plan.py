"""From declared streams to the scanner's tables, or to None where only the exact parser can read them."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from pipelines.config import RobotSection, StreamSection
from pipelines.logs.paths import ROOT as FROM_ROOT
from pipelines.logs.paths import keys
from pipelines.logs.scan.tree import KEY, MAX_KEY, NONE, VALUE, WHEN, WORDS, Tree

ROOT: Final = 0
SAMPLES: Final = 8
MAX_LEARNT: Final = 64


@dataclass
class _Node:
    children: dict[str, "_Child"] = field(default_factory=dict)

    def at(self, path: str) -> "_Child":
        """The child at a path, made where missing. Raises _Unsupported where it takes more than keys."""
        found = keys(path)
        if found is None:
            raise _Unsupported
        *above, last = found
        node = self
        for key in above:
            child = node.children.setdefault(key, _Child())
            if child.table != NONE:
                raise _Unsupported
            child.into = child.into or _Node()
            node = child.into
        return node.children.setdefault(last, _Child())


@dataclass
class _Child:
    leaf: int = NONE
    into: _Node | None = None
    table: int = NONE


@dataclass
class _Table:
    record: _Node
    keys: _Node | None = None
    time: str | None = None
    columns: list[str] = field(default_factory=list)


class _Unsupported(Exception):  # noqa: N818 - a verdict on the declaration
    pass


@dataclass(frozen=True)
class Source:
    """Where a stream's values are: its table, and path → (table, column within it)."""

    table: int
    cells: Mapping[str, tuple[int, int]]


@dataclass(frozen=True)
class Plan:
    """The scanner's tables for a set of streams."""

    tree: Tree
    sources: Mapping[str, Source]


def plan(
    streams: Mapping[str, StreamSection], robot: RobotSection, samples: Iterable[Any] = ()
) -> Plan | None:
    """How to scan messages for these streams; None when their paths cross each other.

    `samples` are parsed messages whose keys the scanner may expect, in their order: that changes its speed,
    never what it finds.
    """
    try:
        builder = _Builder(streams, robot)
        for message in itertools.islice(samples, SAMPLES):
            builder.learn(builder.root, message)
        return builder.plan()
    except _Unsupported:
        return None


def record_paths(spec: StreamSection, robot: RobotSection) -> Iterator[str]:
    """Every path a stream reads, relative to its record or from the root (`$.`)."""
    yield from (field.source or name for name, field in spec.fields.items())
    yield from spec.where
    yield from filter(None, [spec.time, spec.recv, (spec.robot or robot).field])


class _Builder:
    def __init__(self, streams: Mapping[str, StreamSection], robot: RobotSection) -> None:
        self.root = _Node()
        self.tables = [_Table(self.root)]
        self.of_path: dict[str, int] = {"": ROOT}
        for spec in streams.values():
            self._declare(spec)
        self.sources = {name: self._source(spec, robot) for name, spec in streams.items()}

    def _declare(self, spec: StreamSection) -> None:
        """The table of a stream's path."""
        if spec.path in self.of_path:
            if spec.pairs != (self.tables[self.of_path[spec.path]].keys is not None):
                raise _Unsupported
            return
        child = self.root.at(spec.path)
        if child.into is not None or child.leaf != NONE or child.table != NONE:
            raise _Unsupported
        child.table = self.of_path[spec.path] = len(self.tables)
        table = _Table(_Node())
        if spec.pairs:
            table = _Table(_Node({"key": _Child(KEY), "value": _Child(VALUE)}), _Node(), columns=["time"])
        self.tables.append(table)

    def _source(self, spec: StreamSection, robot: RobotSection) -> Source:
        table = self.of_path[spec.path]
        return Source(table, {path: self._cell(path, spec, table) for path in record_paths(spec, robot)})

    def _cell(self, path: str, spec: StreamSection, table: int) -> tuple[int, int]:
        if path.startswith(FROM_ROOT):
            return self._leaf(self.root, path, ROOT)
        if not spec.pairs:
            return self._leaf(self.tables[table].record, path, table)
        if path == spec.time:
            return self._pair_time(path, table)
        names = {field.source or name for name, field in spec.fields.items()} | set(spec.where)
        keyed = self.tables[table].keys
        if path not in names or keyed is None:
            raise _Unsupported
        return self._column(keyed.children.setdefault(path, _Child()), path, table)

    def _pair_time(self, path: str, table: int) -> tuple[int, int]:
        declared = self.tables[table]
        if path in ("key", "value") or "." in path or declared.time not in (None, path):
            raise _Unsupported
        declared.time = path
        declared.record.children[path] = _Child(WHEN)
        return table, 0

    def _leaf(self, node: _Node, path: str, table: int) -> tuple[int, int]:
        child = node.at(path)
        if child.table != NONE:
            raise _Unsupported
        return self._column(child, path, table)

    def _column(self, child: _Child, path: str, table: int) -> tuple[int, int]:
        columns = self.tables[table].columns
        if child.leaf == NONE:
            child.leaf = len(columns)
            columns.append(path)
        return table, child.leaf

    def learn(self, node: _Node, value: Any) -> None:
        """Put a node's children in the order of an object's keys, with those that are not declared."""
        if not isinstance(value, dict) or len(value) > MAX_LEARNT:
            return
        for key, inner in value.items():
            if not _is_plain(key):
                return
            child = node.children.setdefault(key, _Child())
            if child.into is not None:
                self.learn(child.into, inner)
            elif child.table != NONE:
                for record in (inner if isinstance(inner, list) else [inner])[:SAMPLES]:
                    self.learn(self.tables[child.table].record, record)
        seen = {key: node.children[key] for key in value}
        node.children = seen | {key: child for key, child in node.children.items() if key not in seen}

    def plan(self) -> Plan:
        """The tables as arrays."""
        bounds = np.cumsum([0, *(len(table.columns) for table in self.tables)])
        nodes: list[tuple[_Node, int]] = []
        record = [
            self._add(table.record, NONE if table.keys else int(bounds[t]), nodes)
            for t, table in enumerate(self.tables)
        ]
        keyed = [
            self._add(table.keys, int(bounds[t]), nodes) if table.keys else NONE
            for t, table in enumerate(self.tables)
        ]
        return Plan(_arrays(nodes, bounds, record, keyed), self.sources)

    def _add(self, node: _Node, base: int, nodes: list[tuple[_Node, int]]) -> int:
        nodes.append((node, base))
        number = len(nodes) - 1
        for child in node.children.values():
            if child.into is not None:
                self._add(child.into, base, nodes)
        return number


def _is_plain(key: str) -> bool:
    return key.isprintable() and not any(mark in key for mark in '"\\') and len(key.encode()) <= MAX_KEY


def _arrays(nodes: list[tuple[_Node, int]], bounds: np.ndarray, record: list[int], keyed: list[int]) -> Tree:
    number = {id(node): index for index, (node, _) in enumerate(nodes)}
    if not all(_is_plain(key) for node, _ in nodes for key in node.children):
        raise _Unsupported
    children = [(key.encode(), child, base) for node, base in nodes for key, child in node.children.items()]
    words = np.zeros((len(children) + 1, 8 * WORDS), np.uint8)
    masks = np.zeros_like(words)
    for row, (key, _, _) in enumerate(children):
        words[row, : len(key) + 1] = np.frombuffer(key + b'"', np.uint8)
        masks[row, : len(key) + 1] = 0xFF
    return Tree(
        first=np.cumsum([0, *(len(node.children) for node, _ in nodes)]),
        words=words.view("<u8").ravel(),
        masks=masks.view("<u8").ravel(),
        length=np.array([len(key) for key, _, _ in children] + [0]),
        leaf=np.array(
            [child.leaf + max(base, 0) if child.leaf != NONE else NONE for _, child, base in children]
            + [NONE]
        ),
        into=np.array(
            [NONE if child.into is None else number[id(child.into)] for _, child, _ in children] + [NONE]
        ),
        table=np.array([child.table for _, child, _ in children] + [NONE]),
        columns=bounds,
        record=np.array(record),
        keyed=np.array(keyed),
    )
