"""Writing into open commits: a stream of deletions and pieces of files becomes objects and changes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from pipelines.pachd.commits import Commits
from pipelines.pachd.gc import Activities
from pipelines.pachd.objects import FileRef
from pipelines.pachd.paths import canonical
from pipelines.pachd.records import Commit
from pipelines.pachd.trees import Trees


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove the file or directory at `path`."""

    path: str


@dataclass(frozen=True, slots=True)
class Append:
    """Append `data` to the file at `path`; consecutive pieces of one path are one content."""

    path: str
    data: bytes | memoryview


@dataclass(frozen=True, slots=True)
class Copy:
    """Put the file or directory that a finished commit has at `source` to `path`."""

    path: str
    commit: Commit
    source: str
    append: bool = False


Change = Delete | Append | Copy


@dataclass(frozen=True)
class Files:
    """Changes open commits. Nothing of a stream is kept when it fails half-way."""

    trees: Trees
    commits: Commits
    activities: Activities

    def modify(self, commit: Commit, changes: Iterable[Change]) -> None:
        """Store what a stream says; contents are durable when this returns. Memory is bounded."""
        with self.activities.one():
            self._modify(commit, changes)

    def _modify(self, commit: Commit, changes: Iterable[Change]) -> None:
        recorded: list[tuple[str, str | None]] = []
        refs: dict[str, FileRef] = {}
        with self.trees.objects.writer() as writer:
            for (kind, path), group in groupby(
                changes, lambda change: (type(change), canonical(change.path))
            ):
                if kind is Append:
                    pieces = (change.data for change in group if isinstance(change, Append))
                    ref = writer.extend((), pieces)
                    refs[ref.hash] = ref
                    recorded.append((path, ref.hash))
                    continue
                for change in group:
                    recorded += self._copied(change, path) if isinstance(change, Copy) else [(path, None)]
        with self.trees.metadata.transaction():
            self.trees.contents.register(list(refs.values()))
            self.commits.change(commit, recorded)

    def _copied(self, copy: Copy, path: str) -> Iterator[tuple[str, str | None]]:
        tree = self.commits.tree(copy.commit)
        source = canonical(copy.source).rstrip("/")
        if not copy.append:
            yield path, None
        for entry in tree.files(source or "/"):
            yield canonical(path + entry.path.removeprefix(source)), entry.hash
