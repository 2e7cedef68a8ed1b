"""Which datums of a job have to run, which need not, and why. Nothing here changes anything."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from pipelines.pachd.datums import Datum, Why, enumerate_datums, explain_difference
from pipelines.pachd.globs import compile_glob
from pipelines.pachd.inputs import Combined, CronInput, Input, PfsInput, leaves
from pipelines.pachd.maps import EMPTY, Maps
from pipelines.pachd.trees import Change, Entry, Tree


@dataclass(frozen=True)
class Snapshot:
    """What a job reads: the tree and the commit behind every (repo, branch), and the pipeline's salt."""

    trees: Mapping[tuple[str, str], Tree]
    commits: Mapping[tuple[str, str], str]
    salt: str

    def tree_of(self, leaf: PfsInput | CronInput) -> Tree | None:
        """The tree of one input, None when its branch has no commit."""
        return self.trees.get(_source(leaf))

    def commit_of(self, leaf: PfsInput | CronInput) -> str:
        """The commit of one input, "" when its branch has none."""
        return self.commits.get(_source(leaf), "")


@dataclass(frozen=True)
class Done:
    """A datum that succeeded before. outputs: root of the tree of its files; size: their bytes."""

    hash: str
    outputs: bytes
    size: int


@dataclass(frozen=True)
class Base:
    """What the nearest successful ancestor did.

    index: root of {datum id: (hash, outputs, size)}. given: its input, None when it may have had datums that
    are not in the index because they were recovered.
    """

    index: bytes = EMPTY.hash
    snapshot: Snapshot | None = None
    given: Input | None = None


@dataclass(frozen=True)
class Planned:
    """A datum that has to run."""

    datum: Datum
    hash: str
    why: Why


@dataclass
class Plan:
    """total: datums of the job. run: those that have to run. kept: those the base already did.

    salvaged: those that succeeded in a failed job since the base. gone: ids of the base's datums that are no
    more.
    """

    total: int = 0
    kept: int = 0
    run: list[Planned] = field(default_factory=list)
    salvaged: dict[str, Done] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)

    @property
    def skipped(self) -> int:
        """Datums that need not run."""
        return self.kept + len(self.salvaged)


@dataclass(frozen=True)
class Planner:
    """Compares the datums of an input now with those of the base.

    salvage: an index like the base's, of what a failed job since the base holds. forced: choices of datums
    that run in any case, each a list of names that all belong to the datum: its id, paths or content hashes.
    never_skip: everything runs.
    """

    maps: Maps
    given: Input
    now: Snapshot
    base: Base
    salvage: bytes = EMPTY.hash
    forced: Sequence[Sequence[str]] = ()
    never_skip: bool = False

    def plan(self) -> Plan:
        """Every datum goes to one of run, kept and salvaged."""
        changed = self._changed()
        if changed is not None:
            return self._plan_changes(*changed)
        plan = Plan()
        before = {id_: value[0] for id_, value in self.maps.items(self.base.index)}
        for datum in self.datums():
            plan.total += 1
            self._sort(plan, datum, before.pop(datum.id, None))
        plan.gone = list(before)
        return plan

    def _changed(self) -> tuple[list[Datum], list[Datum]] | None:
        """The datums that are not what they were, now and before; None when that takes a full look.

        A single PFS input is compared by its trees; a combination can only be told unchanged.
        """
        before = self.base.snapshot
        if before is None or before.salt != self.now.salt or self.base.given != self.given:
            return None
        if self.forced or self.never_skip:
            return None
        changes = {leaf: self._differences(leaf, before) for leaf in leaves(self.given)}
        if not any(changes.values()):
            return [], []
        if isinstance(self.given, Combined):
            return None
        found = next(iter(changes.values()))
        new, old = [c.new for c in found if c.new], [c.old for c in found if c.old]
        return self._datums_of(new), self._datums_of(old)

    def _datums_of(self, entries: list[Entry]) -> list[Datum]:
        return list(enumerate_datums(self.given, lambda _: _Only(entries), self.now.commit_of))

    def _differences(self, leaf: PfsInput | CronInput, before: Snapshot) -> list[Change]:
        old, new = before.tree_of(leaf), self.now.tree_of(leaf)
        if old is None or new is None:
            either = old or new
            if either is None:
                return []
            old, new = old or either.empty, new or either.empty
        glob = compile_glob(leaf.files.glob if isinstance(leaf, CronInput) else leaf.glob)
        found = old.diff(new, below=glob.may_match_below)
        return [change for change in found if glob.match(change.path) is not None]

    def _plan_changes(self, new: list[Datum], old: list[Datum]) -> Plan:
        plan = Plan()
        for datum in new:
            value = self.maps.get(self.base.index, datum.id)
            self._sort(plan, datum, None if value is None else value[0])
        kept = self.maps.names(self.base.index) - len({datum.id for datum in old})
        plan.kept += kept
        plan.gone = list({datum.id for datum in old} - {datum.id for datum in new})
        plan.total = plan.kept + len(plan.run) + len(plan.salvaged)
        return plan

    def datums(self) -> Iterator[Datum]:
        """All datums of the input now."""
        return enumerate_datums(self.given, self.now.tree_of, self.now.commit_of)

    def _sort(self, plan: Plan, datum: Datum, old: bytes | None) -> None:
        digest = datum.hash(self.now.salt)
        if self.never_skip:
            why = Why("every job", "reprocess_spec says every job runs every datum")
        elif self.forced and _chosen(datum, self.forced):
            why = Why("forced", "chosen to run again")
        elif old is not None and old.hex() == digest:
            plan.kept += 1
            return
        elif (done := self.maps.get(self.salvage, datum.id)) is not None and done[0].hex() == digest:
            plan.salvaged[datum.id] = Done(digest, done[1], done[2])
            return
        else:
            why = self._why(datum, old)
        plan.run.append(Planned(datum, digest, why))

    def _why(self, datum: Datum, old: bytes | None) -> Why:
        before = self.base.snapshot
        if old is None or before is None:
            return explain_difference(None, datum, "", self.now.salt)
        return explain_difference(as_of(datum, before), datum, before.salt, self.now.salt)


@dataclass(frozen=True)
class _Only:
    """A view of a tree that shows nothing but the entries of one glob."""

    entries: list[Entry]

    def glob(self, _pattern: str) -> Iterator[Entry]:
        return iter(self.entries)

    def get(self, path: str) -> Entry | None:
        return next((entry for entry in self.entries if entry.path == path), None)


def as_of(datum: Datum, snapshot: Snapshot) -> Datum:
    """The same datum as another snapshot has it."""
    inputs = []
    for given in datum.inputs:
        tree = snapshot.trees.get((given.repo, given.branch))
        entry = tree.get(given.path) if tree is not None else None
        if entry is not None:
            inputs.append(replace(given, hash=entry.hash, kind=entry.kind, size=entry.size))
    return Datum(tuple(inputs))


def _chosen(datum: Datum, choices: Sequence[Sequence[str]]) -> bool:
    names = {datum.id, *(i.path for i in datum.inputs), *(i.hash for i in datum.inputs)}
    return any(names.issuperset(wanted) for wanted in choices)


def _source(leaf: PfsInput | CronInput) -> tuple[str, str]:
    return leaf.repo, "master" if isinstance(leaf, CronInput) else leaf.branch
