"""Datums against brute force: every combination tried, those that fit kept."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pipelines.pachd.datums import Datum, DatumInput, TreeView, enumerate_datums, explain_difference
from pipelines.pachd.globs import compile_glob
from pipelines.pachd.inputs import Combined, CronInput, Input, PfsInput, parse_input
from pipelines.pachd.trees import Entry

Shown = list[tuple[str, ...]]


@dataclass(frozen=True)
class Forest:
    """The files of one commit, {path: content}, with a glob that visits everything."""

    files: dict[str, str]

    def entries(self) -> list[Entry]:
        found = {"/": Entry("/", "dir", 0, _hash(sorted(self.files.items())))}
        for path, content in self.files.items():
            found[path] = Entry(path, "file", len(content), _hash(content))
            names = path.split("/")[1:-1]
            for depth in range(1, len(names) + 1):
                folder = "/" + "/".join(names[:depth])
                below = sorted(item for item in self.files.items() if item[0].startswith(folder + "/"))
                found[folder] = Entry(folder, "dir", 0, _hash(below))
        return [found[path] for path in sorted(found)]

    def get(self, path: str) -> Entry | None:
        return next((entry for entry in self.entries() if entry.path == path), None)

    def glob(self, pattern: str) -> Iterator[Entry]:
        matches = compile_glob(pattern).match
        return (entry for entry in self.entries() if matches(entry.path) is not None)


def _hash(content: object) -> str:
    return sha256(repr(content).encode()).hexdigest()


def shown(given: Input, forests: dict[str, Forest]) -> Shown:
    """Each datum as its "name:path" strings."""

    def tree_of(leaf: PfsInput) -> TreeView | None:
        return forests.get(leaf.repo)

    return [tuple(f"{i.name}:{i.path}" for i in d.inputs) for d in enumerate_datums(given, tree_of)]


def foos() -> Forest:
    """What Pachyderm's own iterator tests use: /foo0 to /foo49."""
    return Forest({f"/foo{i}": "input" for i in range(50)})


def pfs(name: str, glob: str, **more: str | bool) -> PfsInput:
    return dataclasses.replace(PfsInput(name=name, repo="data", glob=glob), **more)


class TestAsPachydermTestsIt:
    """The cases of `TestIterators` in Pachyderm's worker."""

    def test_pfs(self) -> None:
        one = shown(pfs("a", "/foo?1"), {"data": foos()})
        assert one == [("a:/foo11",), ("a:/foo21",), ("a:/foo31",), ("a:/foo41",)]
        assert shown(pfs("a", "!(**)"), {"data": foos()}) == []

    def test_union_keeps_each_datum_once(self) -> None:
        both = Combined("union", (pfs("a", "/foo?1"), pfs("a", "/foo1*")))
        rows = shown(both, {"data": foos()})
        assert len(rows) == len(set(rows)) == 4 + 11 - 1

    def test_cross(self) -> None:
        rows = shown(Combined("cross", (pfs("a", "/foo?1"), pfs("b", "/foo*2"))), {"data": foos()})
        assert len(rows) == 4 * 5
        assert rows[:2] == [("a:/foo11", "b:/foo12"), ("a:/foo11", "b:/foo2")]

    def test_cross_with_nothing_is_nothing(self) -> None:
        both = Combined("cross", (pfs("a", "/foo?1"), pfs("b", "!(**)")))
        assert shown(both, {"data": foos()}) == []

    def test_join(self) -> None:
        both = Combined(
            "join", (pfs("a", "/foo(?)(?)", join_on="$1$2"), pfs("b", "/foo(?)(?)", join_on="$2$1"))
        )
        expected = {
            (f"a:/foo{x}{y}", f"b:/foo{y}{x}") for x, y in product("1234", "1234")
        }  # fmt: skip
        assert set(shown(both, {"data": foos()})) == expected

    def test_outer_join(self) -> None:
        both = Combined(
            "join",
            (
                pfs("a", "/foo1(?)", join_on="$1", outer_join=True),
                pfs("b", "/foo(?)1", join_on="$1", outer_join=True),
            ),
        )
        paired = [(f"a:/foo1{i}", f"b:/foo{i}1") for i in "1234"]
        assert sorted(shown(both, {"data": foos()})) == sorted(
            [*((f"a:/foo1{i}",) for i in "056789"), *paired]
        )

    def test_group_of_one(self) -> None:
        rows = shown(Combined("group", (pfs("a", "/foo(?)(?)", group_by="$1"),)), {"data": foos()})
        assert rows == [tuple(f"a:/foo{x}{y}" for y in range(10)) for x in "1234"]

    def test_group_of_two(self) -> None:
        both = Combined(
            "group", (pfs("a", "/foo(?)(?)", group_by="$1"), pfs("b", "/foo(?)(?)", group_by="$2"))
        )
        rows = shown(both, {"data": foos()})
        assert rows[0] == tuple(f"b:/foo{x}0" for x in "1234")
        assert rows[1] == (*(f"a:/foo1{y}" for y in range(10)), *(f"b:/foo{x}1" for x in "1234"))
        assert len(rows) == 10

    def test_group_of_a_join(self) -> None:
        join = Combined(
            "join",
            (
                pfs("a", "/foo(?)(?)", join_on="$1$2", group_by="$1"),
                pfs("b", "/foo(?)(?)", join_on="$2$1", group_by="$2"),
            ),
        )
        rows = shown(Combined("group", (join,)), {"data": foos()})
        assert rows[0] == ("a:/foo11", "b:/foo11", "a:/foo12", "b:/foo21", "a:/foo13", "b:/foo31", "a:/foo14", "b:/foo41")  # fmt: skip  # noqa: E501
        assert len(rows) == 4

    def test_union_of_a_group(self) -> None:
        both = Combined(
            "union", (pfs("a", "/foo(?)(?)"), Combined("group", (pfs("a", "/foo(?)(?)", group_by="$2"),)))
        )
        assert len(shown(both, {"data": foos()})) == 40 + 10


def test_cron_has_a_datum_per_tick() -> None:
    cron = CronInput("tick", "p_tick", "@daily", start=datetime(2026, 1, 1, tzinfo=UTC))
    ticks = Forest({"/2026-01-02T00:00:00Z": "", "/2026-01-03T00:00:00Z": ""})
    assert shown(cron, {"p_tick": ticks}) == [
        ("tick:/2026-01-02T00:00:00Z",),
        ("tick:/2026-01-03T00:00:00Z",),
    ]


def test_a_branch_without_commits_has_no_datums() -> None:
    assert shown(Combined("cross", (pfs("a", "/*"), PfsInput("b", "none", "/*"))), {"data": foos()}) == []
    assert (
        len(shown(Combined("union", (pfs("a", "/*"), PfsInput("b", "none", "/*"))), {"data": foos()})) == 50
    )


def test_what_a_datum_knows_of_its_files() -> None:
    leaf = pfs("day", "/day/(*)/(*)", join_on="$1/$2", group_by="$2", lazy=True, commit="c1", branch="dev")
    forest = Forest({"/day/amr-1/2026-03-01/pose/a.parquet": "abc"})
    (datum,) = enumerate_datums(leaf, lambda _: forest)
    entry = forest.get("/day/amr-1/2026-03-01")
    assert entry is not None
    assert datum.inputs == (
        DatumInput(
            name="day",
            repo="data",
            branch="dev",
            path="/day/amr-1/2026-03-01",
            hash=entry.hash,
            kind="dir",
            size=0,
            join_on="amr-1/2026-03-01",
            group_by="2026-03-01",
            lazy=True,
            commit="c1",
        ),
    )


FILES = st.dictionaries(
    st.text("ab", min_size=2, max_size=3).map(lambda n: f"/{n}"), st.just("x"), max_size=5
)
KEYED = st.tuples(FILES, st.booleans(), st.sampled_from(["$1", "$2", "$1$2", "same"]))
GLOB = "/(?)(*)"


def key_of(path: str, template: str) -> str:
    return template.replace("$1", path[1]).replace("$2", path[2:])


@given(st.lists(KEYED, min_size=1, max_size=3))
def test_join_against_every_combination(children: list[tuple[dict[str, str], bool, str]]) -> None:
    names = "xyz"
    forests = {name: Forest(files) for name, (files, _, _) in zip(names, children, strict=False)}
    leaves = tuple(
        PfsInput(name, name, GLOB, join_on=template, outer_join=outer)
        for name, (_, outer, template) in zip(names, children, strict=False)
    )
    expected = set()
    keys = {key_of(path, template) for files, _, template in children for path in files}
    for key in keys:
        found = [
            [f"{name}:{path}" for path in files if key_of(path, template) == key]
            for name, (files, _, template) in zip(names, children, strict=False)
        ]
        if all(found):
            expected |= set(product(*found))
        else:
            kept = [rows for rows, (_, outer, _) in zip(found, children, strict=True) if rows and outer]
            expected |= set(product(*kept)) - {()}
    rows = shown(Combined("join", leaves), forests)
    assert set(rows) == expected
    assert len(rows) == len(expected)


@given(st.lists(KEYED, min_size=1, max_size=3))
def test_group_against_every_file(children: list[tuple[dict[str, str], bool, str]]) -> None:
    forests = {str(i): Forest(files) for i, (files, _, _) in enumerate(children)}
    leaves = tuple(
        PfsInput(f"n{i}", str(i), GLOB, group_by=template) for i, (_, _, template) in enumerate(children)
    )
    expected: dict[str, list[str]] = {}
    for i, (files, _, template) in enumerate(children):
        for path in sorted(files):
            expected.setdefault(key_of(path, template), []).append(f"n{i}:{path}")
    assert shown(Combined("group", leaves), forests) == [tuple(expected[key]) for key in sorted(expected)]


@given(FILES, FILES, FILES)
def test_cross_and_union_against_loops(a: dict[str, str], b: dict[str, str], c: dict[str, str]) -> None:
    forests = {"a": Forest(a), "b": Forest(b), "c": Forest(c)}
    x, y, z = (PfsInput(name, name, "/*") for name in "abc")
    nested = Combined("cross", (x, Combined("union", (y, z))))
    expected = [
        (f"a:{left}", right)
        for left in sorted(a)
        for right in [*(f"b:{path}" for path in sorted(b)), *(f"c:{path}" for path in sorted(c))]
    ]
    assert shown(nested, forests) == expected


@given(FILES, st.randoms())
def test_order_and_ids_do_not_depend_on_how_files_came(files: dict[str, str], random: object) -> None:
    shuffled = list(files.items())
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    given = Combined("group", (PfsInput("a", "a", GLOB, group_by="$1"),))
    first, second = (
        [d.id for d in enumerate_datums(given, lambda _, f=f: Forest(f))] for f in (files, dict(shuffled))
    )
    assert first == second


FILE = DatumInput("in", "in", "master", "/a", hash="11" * 32, kind="file", size=3)


def test_identity_and_hash_are_pinned() -> None:
    """A change here re-runs every datum of every store in the world: it needs a migration."""
    datum = Datum((FILE, replace(FILE, name="other", path="/b")))
    named = "2:in2:in6:master2:/a5:other2:in6:master2:/b"
    assert datum.id == sha256(named.encode()).hexdigest()
    assert datum.id == "b41df75facff3fcb07e39de475c953add30f4b285df813d28bb252668c28662b"
    assert datum.hash("salt") == "5001ef3ee7339244765b4eb08efbd0552545c0a63825550c60b4f5d638046cbe"


def test_identity_covers_names_repos_branches_paths_and_nothing_else() -> None:
    same = [
        replace(FILE, hash="22" * 32),
        replace(FILE, size=4),
        replace(FILE, commit="c"),
        replace(FILE, join_on="k"),
    ]
    other = [
        replace(FILE, name="x"),
        replace(FILE, repo="x"),
        replace(FILE, branch="x"),
        replace(FILE, path="/x"),
        replace(FILE, project="x"),
    ]
    assert {Datum((i,)).id for i in same} == {Datum((FILE,)).id}
    assert len({Datum((i,)).id for i in [FILE, *other]}) == 6


def test_neighbouring_fields_cannot_be_confused() -> None:
    a, b = replace(FILE, name="ab", repo="c"), replace(FILE, name="a", repo="bc")
    assert Datum((a,)).id != Datum((b,)).id


@pytest.mark.parametrize(
    ("old", "new", "salts", "code", "text"),
    [
        (None, (FILE,), "ss", "new", "new datum"),
        ((FILE,), (FILE,), "ss", "unchanged", "same inputs and salt as the last successful run"),
        ((FILE,), (FILE,), "st", "salt changed", "the pipeline's salt changed from s to t"),
        (
            (FILE,),
            (replace(FILE, hash="22" * 32),),
            "st",
            "input changed",
            "in:/a changed from 111111111111 to 222222222222",
        ),
        ((FILE,), (FILE, replace(FILE, path="/b")), "ss", "input changed", "in:/b is new"),
        ((FILE, replace(FILE, path="/b")), (FILE,), "ss", "input changed", "in:/b is gone"),
    ],
)
def test_why_a_datum_runs(
    old: tuple[DatumInput, ...] | None, new: tuple[DatumInput, ...], salts: str, code: str, text: str
) -> None:
    before = None if old is None else Datum(old)
    why = explain_difference(before, Datum(new), *salts)
    assert (why.code, str(why)) == (code, text)
    assert (why.code == "unchanged") == (
        before is not None and before.hash(salts[0]) == Datum(new).hash(salts[1])
    )


def test_nested_inputs_as_a_spec_writes_them() -> None:
    raw = {
        "join": [
            {"pfs": {"repo": "data", "name": "day", "glob": "/day/(*)/(*)", "join_on": "$1/$2"}},
            {
                "pfs": {
                    "repo": "data",
                    "name": "halo",
                    "glob": "/halo/(*)/(*)",
                    "joinOn": "$1/$2",
                    "outerJoin": False,
                }
            },
        ]
    }
    files = {"/day/r1/d1/x": "", "/day/r1/d2/x": "", "/halo/r1/d1/x": "", "/halo/r2/d1/x": ""}
    assert shown(parse_input(raw), {"data": Forest(files)}) == [("day:/day/r1/d1", "halo:/halo/r1/d1")]
