"""Persistent maps from names to small values: a change costs what it touches, and versions share the rest.

A map of up to 64 names is one node; a larger one branches 16 ways on the hash of the name (a hash array
mapped trie), so a directory of a million files is edited in a few small nodes. The shape depends on the names
alone, never on the order of edits, so equal maps have equal hashes however they came about.
"""

import hashlib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

import msgspec

from pipelines.pachd.errors import IntegrityError
from pipelines.pachd.metadata import Metadata

LEAF_NAMES: Final = 64
CACHED_NODES: Final = 2_048

Value = tuple[Any, ...]
Nodes = dict[bytes, bytes]


class Root(NamedTuple):
    """A map: hash of its top node, number of names, and sum of the last item of every value."""

    hash: bytes
    names: int
    weight: int


class _Leaf(msgspec.Struct, array_like=True, tag=0, frozen=True):
    items: dict[str, Value]


class _Branch(msgspec.Struct, array_like=True, tag=1, frozen=True):
    children: tuple[Root | None, ...]


_Node = _Leaf | _Branch
_ENCODER = msgspec.msgpack.Encoder(order="deterministic")
_DECODER = msgspec.msgpack.Decoder(_Node)
_EMPTY_DATA = _ENCODER.encode(_Leaf({}))
EMPTY: Final = Root(hashlib.sha256(_EMPTY_DATA).digest(), 0, 0)


class Maps:
    """Reads and writes maps of one metadata database; safe from many threads."""

    def __init__(self, metadata: Metadata) -> None:
        self._metadata = metadata
        self._load = lru_cache(maxsize=CACHED_NODES)(self._read)

    def get(self, root: bytes, name: str) -> Value | None:
        """The value of one name, or None."""
        digits = _digits(name)
        node = self._load(root)
        while isinstance(node, _Branch):
            child = node.children[next(digits)]
            if child is None:
                return None
            node = self._load(child.hash)
        return node.items.get(name)

    def weight(self, root: bytes) -> int:
        """The sum of the last item of every value."""
        return _root(root, self._load(root)).weight

    def names(self, root: bytes) -> int:
        """How many names there are."""
        return _root(root, self._load(root)).names

    def items(self, root: bytes) -> Iterator[tuple[str, Value]]:
        """Every name and value, in no useful order."""
        node = self._load(root)
        if isinstance(node, _Leaf):
            yield from node.items.items()
        else:
            for child in node.children:
                if child is not None:
                    yield from self.items(child.hash)

    def update(self, root: bytes, changes: Mapping[str, Value | None], fresh: Nodes | None = None) -> Root:
        """The map with `changes` made; a value of None removes the name.

        New nodes are stored at once, or only put into `fresh`, for the caller to `store`.
        """
        nodes: Nodes = {} if fresh is None else fresh
        result = self._update(root, dict(changes), 0, nodes)
        if fresh is None:
            self.store(nodes)
        return result or EMPTY

    def store(self, nodes: Nodes) -> None:
        """Keep new nodes."""
        self._metadata.run_many("INSERT OR IGNORE INTO nodes (hash, data) VALUES (?, ?)", list(nodes.items()))

    def diff(self, old: bytes, new: bytes) -> Iterator[tuple[str, Value | None, Value | None]]:
        """Names whose value differs, with both values; parts the two share are not visited."""
        if old == new:
            return
        before, after = self._load(old), self._load(new)
        if isinstance(before, _Branch) and isinstance(after, _Branch):
            for left, right in zip(before.children, after.children, strict=True):
                yield from self.diff((left or EMPTY).hash, (right or EMPTY).hash)
            return
        olds, news = dict(self.items(old)), dict(self.items(new))
        for name in olds.keys() | news.keys():
            if olds.get(name) != news.get(name):
                yield name, olds.get(name), news.get(name)

    def unseen(self, root: bytes, seen: set[bytes]) -> Iterator[tuple[str, Value]]:
        """Names and values in nodes of a map that are not in `seen`; these are added."""
        if root in seen:
            return
        seen.add(root)
        node = self._load(root)
        if isinstance(node, _Leaf):
            yield from node.items.items()
        else:
            for child in node.children:
                if child is not None:
                    yield from self.unseen(child.hash, seen)

    def _read(self, root: bytes) -> _Node:
        data = _EMPTY_DATA if root == EMPTY.hash else None
        if data is None:
            data = self._metadata.value("SELECT data FROM nodes WHERE hash = ?", root)
        if data is None or hashlib.sha256(data).digest() != root:
            raise IntegrityError(f"node {root.hex()} is {'missing' if data is None else 'damaged'}")
        node: _Node = _DECODER.decode(data)
        return node

    def _update(self, root: bytes, changes: dict[str, Value | None], depth: int, fresh: Nodes) -> Root | None:
        node = self._load(root)
        if isinstance(node, _Leaf):
            merged = {**node.items, **changes}
            return _build({n: v for n, v in merged.items() if v is not None}, depth, fresh)
        children = list(node.children)
        for digit, part in _parted(changes, depth).items():
            before = children[digit] or EMPTY
            children[digit] = self._update(before.hash, part, depth + 1, fresh)
        if sum(child.names for child in children if child) > LEAF_NAMES:
            return _store(_Branch(tuple(children)), fresh)
        items: dict[str, Value] = {}
        for child in children:
            if child:
                items.update(self._fresh_items(child.hash, fresh))
        return _build(items, depth, fresh)

    def _fresh_items(self, root: bytes, fresh: Nodes) -> Iterator[tuple[str, Value]]:
        node = _DECODER.decode(fresh[root]) if root in fresh else self._load(root)
        if isinstance(node, _Leaf):
            yield from node.items.items()
        else:
            for child in node.children:
                if child is not None:
                    yield from self._fresh_items(child.hash, fresh)


def _build(items: dict[str, Value], depth: int, fresh: Nodes) -> Root | None:
    if not items:
        return None
    if len(items) <= LEAF_NAMES:
        return _store(_Leaf(items), fresh)
    parts = _parted(items, depth)
    return _store(_Branch(tuple(_build(parts.get(d, {}), depth + 1, fresh) for d in range(16))), fresh)


def _store(node: _Node, fresh: Nodes) -> Root:
    data = _ENCODER.encode(node)
    digest = hashlib.sha256(data).digest()
    fresh[digest] = data
    return _root(digest, node)


def _root(digest: bytes, node: _Node) -> Root:
    if isinstance(node, _Leaf):
        return Root(digest, len(node.items), sum(value[-1] for value in node.items.values()))
    children = [child for child in node.children if child]
    return Root(digest, sum(c.names for c in children), sum(c.weight for c in children))


def _parted(items: Mapping[str, Any], depth: int) -> dict[int, dict[str, Any]]:
    parts: dict[int, dict[str, Any]] = {}
    for name, value in items.items():
        digest = _digest(name)
        digit = digest[depth >> 1] >> (0 if depth & 1 else 4) & 15
        parts.setdefault(digit, {})[name] = value
    return parts


def _digest(name: str) -> bytes:
    return hashlib.blake2b(name.encode(), digest_size=32).digest()


def _digits(name: str) -> Iterator[int]:
    for byte in _digest(name):
        yield byte >> 4
        yield byte & 15
