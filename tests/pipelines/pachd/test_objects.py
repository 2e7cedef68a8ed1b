import io
import pickle
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.pachd import objects as objects_module
from pipelines.pachd.errors import IntegrityError
from pipelines.pachd.objects import EMPTY_HASH, Chunk, FileRef, Objects, content_of, file_of


@pytest.fixture
def store(tmp_path: Path) -> Objects:
    return Objects(tmp_path / "objects")


def files_in(store: Objects) -> list[Path]:
    return sorted(path for path in Path(store.root).rglob("*") if path.is_file())


def test_a_small_file_is_hashed_by_its_bytes_alone(store: Objects) -> None:
    with store.writer() as writer:
        refs = [writer.add(b"hello"), writer.add(b""), writer.add(io.BytesIO(b"hello"))]
    assert refs[0] == refs[2]
    assert refs[0].hash == "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
    assert refs[1] == FileRef(EMPTY_HASH, 0, ())
    assert [store.read(ref) for ref in refs] == [b"hello", b"", b"hello"]


def test_small_files_share_one_object(store: Objects) -> None:
    with store.writer() as writer:
        refs = [writer.add(f"file {i}".encode()) for i in range(100)]
    assert len(files_in(store)) == 1
    assert [store.read(ref) for ref in refs] == [f"file {i}".encode() for i in range(100)]


@settings(max_examples=40, deadline=None)
@given(
    contents=st.lists(st.binary(max_size=40), max_size=8),
    cuts=st.integers(1, 12),
    offset=st.integers(0, 50),
)
def test_what_is_written_is_read_back_however_it_is_cut(
    tmp_path_factory: pytest.TempPathFactory, contents: list[bytes], cuts: int, offset: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(objects_module, "CHUNK_BYTES", 7)
        patch.setattr(objects_module, "PACK_BYTES", 20)
        store = Objects(tmp_path_factory.mktemp("objects"))
        with store.writer() as writer:
            whole = [writer.add(content) for content in contents]
        with store.writer() as writer:
            cut = [
                writer.extend((), iter([content[i : i + cuts] for i in range(0, len(content), cuts)]))
                for content in contents
            ]
        assert [ref.hash for ref in whole] == [ref.hash for ref in cut]
        for content, ref in zip(contents, whole, strict=True):
            assert store.read(ref) == content
            assert b"".join(store.stream(ref, offset)) == content[offset:]
            with store.open(ref) as file:
                file.seek(offset)
                assert file.read() == content[offset:]


def test_every_flipped_bit_is_found_on_read(store: Objects) -> None:
    with store.writer() as writer:
        ref = writer.add(b"precious")
    (path,) = files_in(store)
    good = path.read_bytes()
    for position in range(len(good) * 8):
        bad = bytearray(good)
        bad[position // 8] ^= 1 << position % 8
        path.write_bytes(bad)
        assert not store.intact(path.name)
        if position < 8 * ref.size:
            with pytest.raises(IntegrityError, match=ref.chunks[0].object):
                store.read(ref)


@pytest.mark.parametrize("size", [0, 5, 8, 9])
def test_a_content_is_known_without_storing_it(
    store: Objects, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(objects_module, "CHUNK_BYTES", 8)
    data = bytes(size)
    with store.writer() as writer:
        stored = writer.add(data)
    for known in (content_of(data), content_of(io.BytesIO(data))):
        assert (known.hash, known.size) == (stored.hash, stored.size)


def test_a_missing_object_is_named(store: Objects) -> None:
    with pytest.raises(IntegrityError, match="pack-gone is missing"):
        store.read(file_of([Chunk("pack-gone", 0, 3, "0" * 64)]))


def test_an_abandoned_writer_leaves_no_object(store: Objects) -> None:
    writer = store.writer()
    writer.add(b"half")
    writer.__exit__(KeyboardInterrupt, None, None)
    assert files_in(store) == []


def test_a_store_travels_to_another_process(store: Objects, tmp_path: Path) -> None:
    with store.writer() as writer:
        ref = writer.add(b"x" * 1000)
    there, that = pickle.loads(pickle.dumps((store, ref)))
    there.copy_to(that, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"x" * 1000
