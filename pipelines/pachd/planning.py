"""Which datums of a job have to run, which need not, and why. Nothing here changes anything."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from pipelines.pachd.datums import Datum, Why, enumerate_datums, explain_difference
from pipelines.pachd.inputs import CronInput, Input, PfsInput
from pipelines.pachd.maps import EMPTY, Maps
from pipelines.pachd.trees import Tree


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
    """What the nearest successful ancestor did. index: root of {datum id: (hash, outputs, size)}."""

    index: bytes = EMPTY.hash
    snapshot: Snapshot | None = None
    total: int = 0


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

    salvage: what failed jobs since the base did well, by datum id. forced: datum ids, paths or hashes that
    run in any case. never_skip: everything runs.
    """

    maps: Maps
    given: Input
    now: Snapshot
    base: Base
    salvage: Mapping[str, Done] = field(default_factory=dict)
    forced: Sequence[str] = ()
    never_skip: bool = False

    def plan(self) -> Plan:
        """Every datum goes to one of run, kept and salvaged."""
        plan = Plan()
        before = {id_: (value[0].hex(), value[1]) for id_, value in self.maps.items(self.base.index)}
        for datum in self.datums():
            plan.total += 1
            old = before.pop(datum.id, None)
            self._sort(plan, datum, old and old[0])
        plan.gone = list(before)
        return plan

    def datums(self) -> Iterator[Datum]:
        """All datums of the input now."""
        return enumerate_datums(self.given, self.now.tree_of, self.now.commit_of)

    def _sort(self, plan: Plan, datum: Datum, old: str | None) -> None:
        digest = datum.hash(self.now.salt)
        if self.never_skip:
            why = Why("every job", "reprocess_spec says every job runs every datum")
        elif self.forced and _chosen(datum, self.forced):
            why = Why("forced", "chosen to run again")
        elif old == digest:
            plan.kept += 1
            return
        elif (done := self.salvage.get(datum.id)) is not None and done.hash == digest:
            plan.salvaged[datum.id] = done
            return
        else:
            why = self._why(datum, old)
        plan.run.append(Planned(datum, digest, why))

    def _why(self, datum: Datum, old: str | None) -> Why:
        before = self.base.snapshot
        if old is None or before is None:
            return explain_difference(None, datum, "", self.now.salt)
        return explain_difference(_as_of(datum, before), datum, before.salt, self.now.salt)


def _as_of(datum: Datum, snapshot: Snapshot) -> Datum:
    """The same datum as another snapshot has it."""
    inputs = []
    for given in datum.inputs:
        tree = snapshot.trees.get((given.repo, given.branch))
        entry = tree.get(given.path) if tree is not None else None
        if entry is not None:
            inputs.append(replace(given, hash=entry.hash, kind=entry.kind, size=entry.size))
    return Datum(tuple(inputs))


def _chosen(datum: Datum, filters: Sequence[str]) -> bool:
    """Every filter is the datum's id, or a path or content hash of one of its inputs."""
    names = {datum.id, *(i.path for i in datum.inputs), *(i.hash for i in datum.inputs)}
    return all(wanted in names for wanted in filters)


def _source(leaf: PfsInput | CronInput) -> tuple[str, str]:
    return leaf.repo, "master" if isinstance(leaf, CronInput) else leaf.branch
