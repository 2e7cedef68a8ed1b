"""Cuts input repos into datums, the unit of work, of skipping and of blame. Pure: it only reads trees.

The combinations follow Pachyderm 2.x (`processCrossTask`, `processKeyTask`, `processMergeTask`): joins and
groups key every file of their children by its own `join_on` or `group_by`, so cross, union, join and group
nest freely; a join takes the product of its children's files under a key; outer joins keep the files of
outer children when some child has none. Where Pachyderm's order depends on hashes, ours is sorted by key,
and a datum that turns up twice is one datum.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain, product
from operator import attrgetter
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from pipelines.pachd.globs import compile_glob
from pipelines.pachd.inputs import DEFAULT_PROJECT, CronInput, Input, PfsInput

if TYPE_CHECKING:
    from pipelines.pachd.trees import Entry


class TreeView(Protocol):
    """The files of one commit."""

    def glob(self, pattern: str) -> Iterator["Entry"]:
        """Files and directories whose path matches, in path order."""

    def get(self, path: str) -> "Entry | None":
        """The file or directory at `path`, or None."""


TreeOf = Callable[[PfsInput], TreeView | None]
CommitOf = Callable[[PfsInput], str]


class DatumInput(msgspec.Struct, frozen=True):
    """One matched file or directory. hash: of its content; size: in bytes; commit: where it was read.

    A msgspec value, made and stored ten times as fast as a dataclass, because plans hold 100,000 of them:
    change one with `msgspec.structs.replace`.
    """

    name: str
    repo: str
    branch: str
    path: str
    hash: str
    kind: Literal["file", "dir"]
    size: int
    join_on: str = ""
    group_by: str = ""
    lazy: bool = False
    empty_files: bool = False
    commit: str = ""
    project: str = DEFAULT_PROJECT
    outer_join: bool = False

    @property
    def full_repo(self) -> str:
        """The repo, with its project unless that is the default one."""
        return self.repo if self.project == DEFAULT_PROJECT else f"{self.project}/{self.repo}"


class Datum(msgspec.Struct, frozen=True, dict=True):
    """What one run of the command sees."""

    inputs: tuple[DatumInput, ...]

    @cached_property
    def id(self) -> str:
        """SHA-256 over names, repos, branches and paths: the same datum in every commit."""
        fields = [_origin(i.name, i.full_repo, i.branch) + _field(i.path) for i in self.inputs]
        return _digest("".join(fields))

    def hash(self, salt: str) -> str:
        """SHA-256 over the id, the files' hashes and the pipeline's salt: equal means nothing changed."""
        return _digest(f"{self.id}:{','.join([i.hash for i in self.inputs])}:{salt}")

    @property
    def size(self) -> int:
        """Bytes of all inputs."""
        return sum(i.size for i in self.inputs)


def enumerate_datums(
    given: Input, tree_of: TreeOf, commit_of: CommitOf = attrgetter("commit")
) -> Iterator[Datum]:
    """Every datum of an input, each once, in an order that depends on names and paths only.

    `tree_of` opens the commit of a PFS input, or returns None when its branch has none yet: no datums.
    `commit_of` names that commit for `DatumInput.commit`; by default it is the input's own.
    """
    seen: set[str] = set()
    single = isinstance(given, PfsInput | CronInput)
    for inputs in _rows(given, tree_of, commit_of):
        datum = Datum(inputs)
        if single:
            yield datum
        elif datum.id not in seen:
            seen.add(datum.id)
            yield datum


_Row = tuple[DatumInput, ...]


def _rows(given: Input, tree_of: TreeOf, commit_of: CommitOf) -> Iterator[_Row]:
    if isinstance(given, CronInput):
        yield from _files(given.files, tree_of, commit_of)
    elif isinstance(given, PfsInput):
        yield from _files(given, tree_of, commit_of)
    else:
        children = [_rows(child, tree_of, commit_of) for child in given.inputs]
        match given.kind:
            case "cross":
                yield from map(_concatenated, product(*children))
            case "union":
                yield from chain.from_iterable(children)
            case "join":
                yield from _joined([_keyed(rows, lambda i: i.join_on) for rows in children])
            case "group":
                yield from _grouped([_keyed(rows, lambda i: i.group_by) for rows in children])


def _files(given: PfsInput, tree_of: TreeOf, commit_of: CommitOf) -> Iterator[_Row]:
    tree = tree_of(given)
    if tree is None:
        return
    glob = compile_glob(given.glob)
    commit = commit_of(given)
    templated = given.join_on or given.group_by
    for entry in tree.glob(given.glob):
        captures = (glob.match(entry.path) or ()) if templated else ()
        yield (
            DatumInput(
                name=given.name,
                repo=given.repo,
                branch=given.branch,
                path=entry.path,
                hash=entry.hash,
                kind=entry.kind,
                size=entry.size,
                join_on=glob.expand(given.join_on, captures) if given.join_on else "",
                group_by=glob.expand(given.group_by, captures) if given.group_by else "",
                lazy=given.lazy,
                empty_files=given.empty_files,
                commit=commit,
                project=given.project,
                outer_join=given.outer_join,
            ),
        )


def _concatenated(rows: Iterable[_Row]) -> _Row:
    return tuple(chain.from_iterable(rows))


def _keyed(rows: Iterable[_Row], key: Callable[[DatumInput], str]) -> dict[str, list[DatumInput]]:
    keyed: dict[str, list[DatumInput]] = {}
    for given in chain.from_iterable(rows):
        keyed.setdefault(key(given), []).append(given)
    return keyed


def _joined(children: list[dict[str, list[DatumInput]]]) -> Iterator[_Row]:
    for key in sorted(set().union(*children)):
        found = [child[key] for child in children if key in child]
        for row in product(*found):
            if len(found) == len(children):
                yield row
            elif outer := tuple(i for i in row if i.outer_join):
                yield outer


def _grouped(children: list[dict[str, list[DatumInput]]]) -> Iterator[_Row]:
    for key in sorted(set().union(*children)):
        yield _concatenated(tuple(child.get(key, ())) for child in children)


def _field(text: str) -> str:
    """`text` with its length before it, so that neighbours cannot be confused."""
    return f"{len(text)}:{text}"


@lru_cache(maxsize=1024)
def _origin(name: str, repo: str, branch: str) -> str:
    return _field(name) + _field(repo) + _field(branch)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Why:
    """Why a datum runs (the last two codes are the planner's), or that it need not. text: for people."""

    code: Literal["new", "input changed", "salt changed", "unchanged", "every job", "forced"]
    text: str

    def __str__(self) -> str:
        return self.text


def explain_difference(old: Datum | None, new: Datum, old_salt: str, new_salt: str) -> Why:
    """Compare a datum with its last successful run (`old`, None when there was none)."""
    if old is None:
        return Why("new", "new datum")
    before: Mapping[tuple[str, str], DatumInput] = {(i.name, i.path): i for i in old.inputs}
    changed = [i for i in new.inputs if (o := before.get((i.name, i.path))) is None or o.hash != i.hash]
    gone = before.keys() - {(i.name, i.path) for i in new.inputs}
    if changed or gone:
        parts = [_change(before.get((i.name, i.path)), i) for i in changed]
        parts += [f"{name}:{path} is gone" for name, path in sorted(gone)]
        return Why("input changed", "; ".join(parts))
    if old_salt != new_salt:
        return Why("salt changed", f"the pipeline's salt changed from {old_salt[:12]} to {new_salt[:12]}")
    return Why("unchanged", "same inputs and salt as the last successful run")


def _change(old: DatumInput | None, new: DatumInput) -> str:
    if old is None:
        return f"{new.name}:{new.path} is new"
    return f"{new.name}:{new.path} changed from {old.hash[:12]} to {new.hash[:12]}"
