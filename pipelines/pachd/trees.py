"""The files of a commit: immutable directory trees that share what did not change.

Each directory is a persistent map (maps.py) from name to kind, content hash and size, so a directory's hash
covers everything below it, two commits are compared without visiting what they share, and a commit costs what
it changes, not what it holds. A directory exists because of the files in it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Literal

from features.errors import DataError, NotFoundError
from pipelines.pachd.contents import Contents
from pipelines.pachd.edits import Edit
from pipelines.pachd.globs import Glob, compile_glob
from pipelines.pachd.maps import EMPTY, Maps, Nodes, Root, Value
from pipelines.pachd.metadata import Metadata
from pipelines.pachd.objects import FileRef, Objects
from pipelines.pachd.paths import canonical, parts

FILE: Final = 0
DIR: Final = 1
EMPTY_TREE: Final = EMPTY.hash


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or directory. hash: of a file's content, or of a directory's whole tree. size: in bytes."""

    path: str
    kind: Literal["file", "dir"]
    size: int
    hash: str


@dataclass(frozen=True, slots=True)
class Change:
    """A path whose entry differs between two trees; None where it does not exist."""

    path: str
    old: Entry | None
    new: Entry | None


class Trees:
    """All trees of one engine, and what they are made of: maps, contents, objects."""

    def __init__(self, metadata: Metadata, objects: Objects) -> None:
        self.metadata = metadata
        self.objects = objects
        self.maps = Maps(metadata)
        self.contents = Contents(metadata)

    def open(self, root: bytes | None) -> "Tree":
        """The tree with this root; None is the empty tree."""
        return Tree(self, root or EMPTY_TREE)

    def files(self, root: bytes | None, seen: set[bytes], path: str = "") -> Iterator[tuple[str, str]]:
        """Path and content hash of every file in nodes that are not in `seen`; these are added."""
        for name, (kind, hash_, _) in self.maps.unseen(root or EMPTY_TREE, seen):
            if kind == DIR:
                yield from self.files(hash_, seen, f"{path}/{name}")
            else:
                yield f"{path}/{name}", hash_.hex()

    def apply(self, root: bytes | None, edit: Edit, fresh: Nodes | None = None) -> Root:
        """The tree with `edit` made; raises DataError when a path would be both file and directory.

        New nodes are stored at once, or only put into `fresh`, for the caller to store.
        """
        nodes: Nodes = {} if fresh is None else fresh
        result = self._apply(EMPTY_TREE if edit.replaced else root or EMPTY_TREE, edit, "", nodes)
        if fresh is None:
            self.maps.store(nodes)
        return result

    def _apply(self, root: bytes, edit: Edit, path: str, fresh: Nodes) -> Root:
        changes: dict[str, Value | None] = {}
        for name, child in edit.children.items():
            here = f"{path}/{name}"
            old = None if child.replaced else self.maps.get(root, name)
            changes[name] = self._child(old, child, here, fresh)
        return self.maps.update(root, changes, fresh)

    def _child(self, old: Value | None, edit: Edit, path: str, fresh: Nodes) -> Value | None:
        below_writes = any(below.writes for below in edit.children.values())
        if below_writes and (edit.content or (old is not None and old[0] == FILE)):
            raise _two_kinds(path)
        if edit.content:
            if old is not None and old[0] == DIR:
                if self._apply(old[1], Edit(children=edit.children), path, fresh).names:
                    raise _two_kinds(path)
                old = None
            base = self.contents.ref(old[1].hex()) if old is not None else None
            ref = self._joined(base, edit.content)
            return (FILE, bytes.fromhex(ref.hash), ref.size)
        if not edit.children or (old is not None and old[0] == FILE):
            return old
        below = self._apply(old[1] if old is not None else EMPTY_TREE, edit, path, fresh)
        return (DIR, below.hash, below.weight) if below.names else None

    def _joined(self, base: FileRef | None, contents: list[str]) -> FileRef:
        refs = [self.contents.ref(content) for content in contents]
        if base is not None:
            refs.insert(0, base)
        refs = [ref for ref in refs if ref.size] or refs[:1]
        if len(refs) == 1:
            return refs[0]
        with self.objects.writer() as writer:
            joined = writer.join(self.objects, refs)
        self.contents.register([joined])
        return joined


@dataclass(frozen=True)
class Tree:
    """One tree, to be read. Paths may be given in any spelling `paths.canonical` accepts."""

    trees: Trees
    root: bytes

    @property
    def empty(self) -> "Tree":
        """The empty tree of the same engine."""
        return self.trees.open(None)

    @property
    def hash(self) -> str:
        """Covers every path and content of the tree."""
        return self.root.hex()

    def get(self, path: str) -> Entry | None:
        """The file or directory at `path`; None when there is none. The root always exists."""
        clean = canonical(path)
        if clean == "/":
            return Entry("/", "dir", self.trees.maps.weight(self.root), self.hash)
        value: Value | None = (DIR, self.root, 0)
        for name in parts(clean):
            if value is None or value[0] == FILE:
                return None
            value = self.trees.maps.get(value[1], name)
        return None if value is None else _entry(clean, value)

    def list(self, path: str = "/") -> Iterator[Entry]:
        """What a directory holds, by name; a file lists itself. NotFoundError when there is nothing."""
        root = self._directory(path)
        if root is None:
            yield self._existing(path)
            return
        prefix = canonical(path).rstrip("/")
        for name, value in sorted(self.trees.maps.items(root)):
            yield _entry(f"{prefix}/{name}", value)

    def walk(self, path: str = "/") -> Iterator[Entry]:
        """`path` and everything below it, directories before what they hold."""
        yield self._existing(path)
        root = self._directory(path)
        if root is not None:
            yield from self._walk(root, canonical(path).rstrip("/"))

    def files(self, path: str = "/") -> Iterator[Entry]:
        """Only the files among `walk`."""
        return (entry for entry in self.walk(path) if entry.kind == "file")

    def glob(self, pattern: str) -> Iterator[Entry]:
        """Files and directories whose path matches a Pachyderm glob, in path order; none in an empty tree."""
        glob = compile_glob(pattern)
        if glob.literal is not None:
            found = self.get(glob.literal)
            if found is not None and self.root != EMPTY_TREE:
                yield found
            return
        root = self._directory(glob.prefix, missing_ok=True)
        if root is not None:
            yield from self._glob(glob, root, glob.prefix.rstrip("/"))

    def file(self, path: str) -> FileRef:
        """Where the content of the file at `path` lies; NotFoundError when it is no file."""
        entry = self._existing(path)
        if entry.kind == "dir":
            raise NotFoundError(f"{entry.path} is a directory, not a file")
        return self.trees.contents.ref(entry.hash)

    def diff(
        self,
        new: "Tree",
        path: str = "/",
        old_path: str = "",
        below: Callable[[str], bool] = lambda _: True,
    ) -> Iterator[Change]:
        """Files and directories that differ from this tree to `new`, in path order.

        path, old_path: where to begin in `new` and in this tree. below: whether to look into a directory.
        An empty tree has no root here.
        """
        before, after = (
            None if e is None or e.hash == EMPTY_TREE.hex() else e
            for e in (self.get(old_path or path), new.get(path))
        )
        yield from self._diff(canonical(path), before, after, below)

    def _diff(
        self, path: str, old: Entry | None, new: Entry | None, below: Callable[[str], bool]
    ) -> Iterator[Change]:
        if old is not None and new is not None and (old.kind, old.hash) == (new.kind, new.hash):
            return
        if old is not None or new is not None:
            yield Change(path, old, new)
        if not below(path):
            return
        olds = bytes.fromhex(old.hash) if old and old.kind == "dir" else EMPTY_TREE
        news = bytes.fromhex(new.hash) if new and new.kind == "dir" else EMPTY_TREE
        prefix = path.rstrip("/")
        for name, was, now in sorted(self.trees.maps.diff(olds, news)):
            here = f"{prefix}/{name}"
            yield from self._diff(here, _entry_or_none(here, was), _entry_or_none(here, now), below)

    def _walk(self, root: bytes, prefix: str) -> Iterator[Entry]:
        for name, value in sorted(self.trees.maps.items(root)):
            entry = _entry(f"{prefix}/{name}", value)
            yield entry
            if value[0] == DIR:
                yield from self._walk(value[1], entry.path)

    def _glob(self, glob: Glob, root: bytes, prefix: str) -> Iterator[Entry]:
        for name, value in sorted(self.trees.maps.items(root)):
            path = f"{prefix}/{name}"
            if glob.match(path) is not None:
                yield _entry(path, value)
            if value[0] == DIR and glob.may_match_below(path):
                yield from self._glob(glob, value[1], path)

    def _existing(self, path: str) -> Entry:
        entry = self.get(path)
        if entry is None:
            raise NotFoundError(f"{canonical(path)} does not exist in this commit")
        return entry

    def _directory(self, path: str, *, missing_ok: bool = False) -> bytes | None:
        entry = self.get(path) if missing_ok else self._existing(path)
        return bytes.fromhex(entry.hash) if entry is not None and entry.kind == "dir" else None


def _entry(path: str, value: Value) -> Entry:
    return Entry(path, "dir" if value[0] == DIR else "file", value[2], value[1].hex())


def _entry_or_none(path: str, value: Value | None) -> Entry | None:
    return None if value is None else _entry(path, value)


def _two_kinds(path: str) -> DataError:
    return DataError(f"{path} would be a file and a directory", hint="delete one of the two first")
