from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.pachd import maps as maps_module
from pipelines.pachd.errors import IntegrityError
from pipelines.pachd.maps import EMPTY, Maps
from pipelines.pachd.metadata import Metadata

NAMES = st.sampled_from([f"n{i}" for i in range(60)])
EDITS = st.lists(st.dictionaries(NAMES, st.none() | st.integers(0, 3), max_size=40), max_size=6)


@pytest.fixture(scope="module")
def small_maps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Maps]:
    metadata = Metadata(Path(tmp_path_factory.mktemp("maps")))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(maps_module, "LEAF_NAMES", 4)
        yield Maps(metadata)
    metadata.close()


def value(number: int | None) -> tuple[int, bytes, int] | None:
    return None if number is None else (0, bytes([number]), number)


@given(edits=EDITS)
def test_a_map_is_what_its_edits_say_and_its_hash_forgets_their_order(
    small_maps: Maps, edits: list[dict[str, int | None]]
) -> None:
    root, model = EMPTY, dict[str, int]()
    for edit in edits:
        root = small_maps.update(root.hash, {name: value(number) for name, number in edit.items()})
        model = {n: v for n, v in {**model, **edit}.items() if v is not None}
    assert dict(small_maps.items(root.hash)) == {name: value(number) for name, number in model.items()}
    assert root == small_maps.update(EMPTY.hash, {name: value(number) for name, number in model.items()})
    assert (root.names, root.weight) == (len(model), sum(model.values()))
    assert small_maps.weight(root.hash) == root.weight
    for name in [f"n{i}" for i in range(60)]:
        assert small_maps.get(root.hash, name) == value(model.get(name))


@given(before=st.dictionaries(NAMES, st.integers(0, 2)), after=st.dictionaries(NAMES, st.integers(0, 2)))
def test_diff_is_the_names_whose_values_differ(
    small_maps: Maps, before: dict[str, int], after: dict[str, int]
) -> None:
    old = small_maps.update(EMPTY.hash, {n: value(v) for n, v in before.items()})
    new = small_maps.update(EMPTY.hash, {n: value(v) for n, v in after.items()})
    assert sorted(small_maps.diff(old.hash, new.hash)) == [
        (name, value(before.get(name)), value(after.get(name)))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]


def test_one_change_to_a_large_map_writes_few_nodes(metadata: Metadata) -> None:
    maps = Maps(metadata)
    root = maps.update(EMPTY.hash, {f"file-{i}": (0, b"h", 1) for i in range(20_000)})
    before = metadata.value("SELECT count(*) FROM nodes")
    changed = maps.update(root.hash, {"file-77": (0, b"other", 1)})
    assert metadata.value("SELECT count(*) FROM nodes") - before <= 5
    assert list(maps.diff(root.hash, changed.hash)) == [("file-77", (0, b"h", 1), (0, b"other", 1))]


def test_the_hash_of_a_map_never_changes_between_versions(metadata: Metadata) -> None:
    maps = Maps(metadata)
    assert EMPTY.hash.hex() == "2e724c9c21eff3552a422c8118df47bec81bcedaa3dd67531a117fdd5fd95252"
    root = maps.update(EMPTY.hash, {f"n{i}": (0, b"h", i) for i in range(100)})
    assert root.hash.hex() == "3b8206f7a758ebe54c3de9ab911b9bc571b7f1a52800d290d1fcf4e1b6681aba"


def test_a_damaged_node_is_named(metadata: Metadata) -> None:
    maps = Maps(metadata)
    root = maps.update(EMPTY.hash, {"a": (0, b"h", 1)})
    metadata.run("UPDATE nodes SET data = ? WHERE hash = ?", b"\x00", root.hash)
    with pytest.raises(IntegrityError, match=f"node {root.hash.hex()} is damaged"):
        Maps(metadata).get(root.hash, "a")
