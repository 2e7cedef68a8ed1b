"""The outputs of a job's datums as one tree: vanished datums' files go, changed ones' are replaced."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pipelines.pachd.edits import Edit
from pipelines.pachd.maps import Nodes, Value
from pipelines.pachd.planning import Done
from pipelines.pachd.trees import Entry, Tree, Trees


@dataclass(frozen=True)
class Merged:
    """tree: root of the output commit. datums: root of the index of the datums it holds.

    nodes: what both consist of, not stored yet.
    clashes: {datum id: what is wrong} of the datums left out because two datums write one path.
    """

    tree: bytes
    datums: bytes
    nodes: Nodes
    clashes: Mapping[str, str] = field(default_factory=dict)


def merge(
    trees: Trees, *, tree: bytes, index: bytes, removed: Iterable[str], done: Mapping[str, Done]
) -> Merged:
    """Begin from the base's `tree` and `index`, take out the datums `removed`, put those `done` in.

    Two datums that write one path (or a file where the other has a directory) are reported; the new ones
    among them are left out.
    """
    removed = set(removed)
    olds = {id_: trees.maps.get(index, id_) for id_ in removed | done.keys()}
    outputs = _Outputs(trees.open(tree))
    for old in olds.values():
        if old is not None:
            outputs.deleted.update(entry.path for entry in trees.open(old[1]).files())
    for id_ in sorted(done):
        for entry in trees.open(done[id_].outputs).files():
            outputs.add(id_, entry)
    changes: dict[str, Value | None] = {
        id_: (bytes.fromhex(done[id_].hash), done[id_].outputs, done[id_].size)
        if id_ in done and id_ not in outputs.clashes
        else None
        for id_ in olds
    }
    nodes: Nodes = {}
    merged = trees.apply(tree, outputs.edit(), nodes)
    return Merged(merged.hash, trees.maps.update(index, changes, nodes).hash, nodes, outputs.clashes)


class _Outputs:
    """The paths that change, and who writes them."""

    def __init__(self, kept: Tree) -> None:
        self.kept = kept
        self.deleted: set[str] = set()
        self.clashes: dict[str, str] = {}
        self._written: dict[str, tuple[str, str]] = {}
        self._folders: dict[str, str] = {}

    def add(self, datum: str, entry: Entry) -> None:
        """One file of one datum."""
        above = list(_above(entry.path))
        rivals = [self._written[path][0] for path in (entry.path, *above) if path in self._written]
        rivals += [self._folders[entry.path]] if entry.path in self._folders else []
        if rivals and rivals[0] != datum:
            self.clashes[datum] = f"datums {rivals[0]} and {datum} both write {entry.path}"
            self.clashes.setdefault(rivals[0], self.clashes[datum])
        elif self._is_kept(entry.path) or any(self._is_kept(path, "file") for path in above):
            self.clashes[datum] = f"datum {datum} writes {entry.path}, which another datum wrote before"
        else:
            self._written[entry.path] = (datum, entry.hash)
            self._folders.update(dict.fromkeys(above, datum))

    def edit(self) -> Edit:
        """The change to the base's tree, without the clashing datums."""
        edit = Edit()
        for path in self.deleted:
            edit.delete(path)
        for path, (datum, content) in self._written.items():
            if datum not in self.clashes:
                edit.append(path, content)
        return edit

    def _is_kept(self, path: str, kind: str = "") -> bool:
        entry = self.kept.get(path)
        if entry is None or kind not in ("", entry.kind):
            return False
        return any(file.path not in self.deleted for file in self.kept.files(path))


def _above(path: str) -> Iterator[str]:
    """Every directory a path is in, but the root."""
    while (path := path.rpartition("/")[0]) != "":
        yield path
