import fnmatch
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import DataError, NotFoundError
from pipelines.pachd.edits import Edit
from pipelines.pachd.metadata import Metadata
from pipelines.pachd.objects import Objects
from pipelines.pachd.trees import EMPTY_TREE, Change, Entry, Tree, Trees

PATHS = st.lists(st.sampled_from("abc"), min_size=1, max_size=3).map(lambda names: "/" + "/".join(names))
STEPS = st.lists(
    st.tuples(st.sampled_from(["delete", "append", "put"]), PATHS, st.binary(max_size=3)), max_size=12
)


@pytest.fixture(scope="module")
def shared_trees(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trees]:
    folder = Path(tmp_path_factory.mktemp("trees"))
    metadata = Metadata(folder / "engine")
    yield Trees(metadata, Objects(folder / "objects"))
    metadata.close()


def store(trees: Trees, data: bytes) -> str:
    with trees.objects.writer() as writer:
        ref = writer.add(data)
    trees.contents.register([ref])
    return ref.hash


def tree_of(trees: Trees, files: dict[str, bytes]) -> Tree:
    edit = Edit()
    for path, data in files.items():
        edit.put(path, store(trees, data))
    return trees.open(trees.apply(None, edit).hash)


def contents(tree: Tree) -> dict[str, bytes]:
    return {entry.path: tree.trees.objects.read(tree.file(entry.path)) for entry in tree.files()}


def apply_to_dict(files: dict[str, bytes], steps: list[tuple[str, str, bytes]]) -> dict[str, bytes]:
    """The slow obvious way; raises ValueError where a path is a file and a directory at the end."""
    files = dict(files)
    for what, path, data in steps:
        if what != "append":
            files = {p: d for p, d in files.items() if p != path and not p.startswith(path + "/")}
        if what != "delete":
            files[path] = files.get(path, b"") + data
    if any(other.startswith(path + "/") for path in files for other in files):
        raise ValueError
    return files


@given(commits=st.lists(STEPS, max_size=4))
def test_a_tree_is_what_its_edits_say(
    shared_trees: Trees, commits: list[list[tuple[str, str, bytes]]]
) -> None:
    tree, model = shared_trees.open(None), dict[str, bytes]()
    for steps in commits:
        edit = Edit()
        for what, path, data in steps:
            match what:
                case "delete":
                    edit.delete(path)
                case "append":
                    edit.append(path, store(shared_trees, data))
                case "put":
                    edit.put(path, store(shared_trees, data))
        try:
            model = apply_to_dict(model, steps)
        except ValueError:
            with pytest.raises(DataError, match="file and a directory"):
                shared_trees.apply(tree.root, edit)
            continue
        tree = shared_trees.open(shared_trees.apply(tree.root, edit).hash)
    assert contents(tree) == model
    assert tree == tree_of(shared_trees, model)
    root = tree.get("/")
    assert root is not None
    assert root.size == sum(map(len, model.values()))


def test_delete_everything_then_write(trees: Trees) -> None:
    tree = tree_of(trees, {"/a": b"1", "/b/c": b"2"})
    edit = Edit()
    edit.append("/gone", store(trees, b"x"))
    edit.delete("/")
    edit.append("/d", store(trees, b"3"))
    assert contents(trees.open(trees.apply(tree.root, edit).hash)) == {"/d": b"3"}


def test_deleting_below_a_file_changes_nothing(trees: Trees) -> None:
    tree = tree_of(trees, {"/a": b"1"})
    edit = Edit()
    edit.delete("/a/b/c")
    assert trees.apply(tree.root, edit).hash == tree.root


def test_a_directory_vanishes_with_its_last_file(trees: Trees) -> None:
    tree = tree_of(trees, {"/a/b/c": b"1"})
    edit = Edit()
    edit.delete("/a/b/c")
    assert trees.apply(tree.root, edit).hash == EMPTY_TREE


def test_list_walk_and_get(trees: Trees) -> None:
    tree = tree_of(trees, {"/b": b"22", "/a/y": b"1", "/a/x": b"333"})
    a = tree.get("/a")
    assert a is not None
    assert (a.kind, a.size) == ("dir", 4)
    assert [(e.path, e.kind, e.size) for e in tree.list()] == [("/a", "dir", 4), ("/b", "file", 2)]
    assert [e.path for e in tree.walk()] == ["/", "/a", "/a/x", "/a/y", "/b"]
    assert [e.path for e in tree.walk("a/")] == ["/a", "/a/x", "/a/y"]
    assert [e.path for e in tree.list("/b")] == ["/b"]
    assert tree.get("/a/x/z") is None
    with pytest.raises(NotFoundError, match="/nope does not exist"):
        list(tree.list("/nope"))
    with pytest.raises(NotFoundError, match="is a directory"):
        tree.file("/a")


def test_glob_matches_files_and_directories(trees: Trees) -> None:
    files = {f"/{robot}/{day}.zip": b"z" for robot in ("amr-1", "amr-2", "agv") for day in ("01", "02")}
    tree = tree_of(trees, files | {"/top": b"t"})
    assert [e.path for e in tree.glob("/")] == ["/"]
    assert [e.path for e in tree.glob("/*")] == ["/agv", "/amr-1", "/amr-2", "/top"]
    assert [e.path for e in tree.glob("/amr-*/*")] == sorted(p for p in files if fnmatch.fnmatch(p, "/amr-*"))
    assert [e.path for e in tree.glob("/agv/01.zip")] == ["/agv/01.zip"]
    assert list(tree.glob("/nowhere/*")) == []


@given(
    before=st.dictionaries(PATHS.filter(lambda p: p.count("/") == 2), st.binary(max_size=1)),
    after=st.dictionaries(PATHS.filter(lambda p: p.count("/") == 2), st.binary(max_size=1)),
)
def test_diff_is_what_differs(shared_trees: Trees, before: dict[str, bytes], after: dict[str, bytes]) -> None:
    old, new = tree_of(shared_trees, before), tree_of(shared_trees, after)
    changes = list(old.diff(new))
    for change in changes:
        sides = [tree.get(change.path) if tree.root != EMPTY_TREE else None for tree in (old, new)]
        assert [change.old, change.new] == sides
    found = {c.path for c in changes if "file" in {e.kind for e in (c.old, c.new) if e is not None}}
    assert found == {p for p in before.keys() | after.keys() if before.get(p) != after.get(p)}


def test_diff_of_one_path(trees: Trees) -> None:
    old, new = tree_of(trees, {"/a": b"1", "/b": b"1"}), tree_of(trees, {"/a": b"1", "/b": b"2"})
    assert list(old.diff(new, "/a")) == []
    before, after = old.get("/b"), new.get("/b")
    assert isinstance(before, Entry)
    assert list(old.diff(new, "/b")) == [Change("/b", before, after)]
