from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.pachd.edits import Edit
from pipelines.pachd.inputs import PfsInput
from pipelines.pachd.maps import EMPTY, Value
from pipelines.pachd.metadata import Metadata
from pipelines.pachd.objects import Objects
from pipelines.pachd.planning import Base, Planner, Snapshot
from pipelines.pachd.trees import Trees

PATHS = st.lists(st.sampled_from("abc"), min_size=2, max_size=3).map(lambda names: "/" + "/".join(names))
FILES = st.dictionaries(PATHS, st.sampled_from([b"1", b"2"]), max_size=6)
GLOBS = st.sampled_from(["/", "/*", "/*/*", "/**", "/a/*", "/(*)/b", "/a", "/a/b"])


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trees]:
    folder = Path(tmp_path_factory.mktemp("planning"))
    metadata = Metadata(folder)
    yield Trees(metadata, Objects(folder / "objects"))
    metadata.close()


def snapshot(trees: Trees, files: dict[str, bytes], salt: str = "salt") -> Snapshot:
    edit = Edit()
    with trees.objects.writer() as writer:
        refs = {path: writer.add(data) for path, data in files.items()}
    trees.contents.register(list(refs.values()))
    for path, ref in refs.items():
        edit.append(path, ref.hash)
    try:
        tree = trees.open(trees.apply(None, edit).hash)
    except Exception:  # a path that would be file and directory: keep the files that can be
        return snapshot(trees, dict(list(files.items())[:-1]), salt)
    return Snapshot({("in", "master"): tree}, {("in", "master"): "c" * 32}, salt)


def base_of(trees: Trees, given_input: PfsInput, now: Snapshot) -> Base:
    planner = Planner(trees.maps, given_input, now, Base())
    index: dict[str, Value | None] = {
        datum.id: (bytes.fromhex(datum.hash(now.salt)), EMPTY.hash, 0) for datum in planner.datums()
    }
    return Base(trees.maps.update(EMPTY.hash, index).hash, now, given_input)


@given(glob=GLOBS, before=FILES, after=FILES, salvaged=FILES)
def test_comparing_trees_plans_what_a_full_look_plans(
    trees: Trees, glob: str, before: dict[str, bytes], after: dict[str, bytes], salvaged: dict[str, bytes]
) -> None:
    read = PfsInput(name="in", repo="in", glob=glob)
    base = base_of(trees, read, snapshot(trees, before))
    salvage = base_of(trees, read, snapshot(trees, salvaged)).index
    planner = Planner(trees.maps, read, snapshot(trees, after), base, salvage)
    quick = planner.plan()
    full = replace(planner, base=replace(base, given=None)).plan()
    assert (quick.total, quick.kept, quick.salvaged) == (full.total, full.kept, full.salvaged)
    assert sorted(quick.gone) == sorted(full.gone)
    assert {p.datum.id: (p.hash, p.why) for p in quick.run} == {p.datum.id: (p.hash, p.why) for p in full.run}


def test_each_datum_that_runs_says_why(trees: Trees) -> None:
    read = PfsInput(name="in", repo="in", glob="/*/*")
    base = base_of(trees, read, snapshot(trees, {"/a/a": b"1", "/a/b": b"1", "/a/c": b"1"}))
    now = snapshot(trees, {"/a/a": b"1", "/a/b": b"2", "/b/c": b"1"})

    def whys(planner: Planner) -> dict[str, str]:
        return {planned.datum.inputs[0].path: planned.why.code for planned in planner.plan().run}

    planner = Planner(trees.maps, read, now, base)
    assert whys(planner) == {"/a/b": "input changed", "/b/c": "new"}
    assert planner.plan().kept == 1
    assert len(planner.plan().gone) == 1
    assert whys(replace(planner, now=replace(now, salt="other")))["/a/a"] == "salt changed"
    assert whys(replace(planner, forced=(("/a/a",),)))["/a/a"] == "forced"
    assert "/a/a" not in whys(replace(planner, forced=(("/a/a", "/a/b"),)))
    assert whys(replace(planner, never_skip=True))["/a/a"] == "every job"
