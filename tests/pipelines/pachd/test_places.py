"""One behaviour of every place objects can lie in: a folder, fsspec's memory, an S3 bucket."""

import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.pachd.errors import IntegrityError
from pipelines.pachd.objects import CHUNK_BYTES, Objects
from pipelines.pachd.places import Folder, Place, place_at


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    pytest.importorskip("s3fs")
    server_module = pytest.importorskip("moto.server")
    server = server_module.ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    settings = {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in settings.items():
            patch.setenv(name, value)
        import fsspec

        fsspec.filesystem("s3").mkdir("bucket")
        yield "s3://bucket/objects"
    server.stop()


@pytest.fixture(params=["folder", "memory", "s3"])
def place(request: Any, tmp_path: Path) -> Place:
    match request.param:
        case "folder":
            return place_at(str(tmp_path / "objects"))
        case "memory":
            return place_at(f"memory://{tmp_path.name}/objects")
        case _:
            return place_at(f"{request.getfixturevalue('bucket')}/{tmp_path.name}")


def test_what_is_put_is_read_in_ranges(place: Place) -> None:
    place.put("abcdef", b"0123456789")
    place.put("abcdef", b"0123456789")
    assert place.read("abcdef", 0, 10) == b"0123456789"
    assert place.read("abcdef", 3, 4) == b"3456"
    assert place.read("abcdef", 8, 10) == b"89"
    with pytest.raises(FileNotFoundError):
        place.read("nothing", 0, 1)


def test_names_sizes_and_deletion(place: Place) -> None:
    place.put("pack-1", b"one")
    place.put("pack-2", b"three")
    found = {name: (size, put) for name, size, put in place.names()}
    assert {name: size for name, (size, _) in found.items()} == {"pack-1": 3, "pack-2": 5}
    assert place.delete("pack-1", before=found["pack-1"][1]) is False
    assert place.delete("pack-1", before=found["pack-1"][1] + 60) is True
    assert place.delete("pack-1", before=found["pack-1"][1] + 60) is False
    place.touch("pack-2")
    assert [name for name, _, _ in place.names()] == ["pack-2"]
    assert place.read("pack-2", 0, 5) == b"three"


def test_a_store_on_any_place(place: Place) -> None:
    root = place.root if isinstance(place, Folder) else place.url  # type: ignore[attr-defined]
    objects = pickle.loads(pickle.dumps(Objects(root)))
    large = os.urandom(1 << 16) * (CHUNK_BYTES // (1 << 16)) + b"the end"
    with objects.writer() as writer:
        small, big = writer.add(b"small"), writer.add(large)
    assert (objects.read(small), objects.read(big)) == (b"small", large)
    assert sorted(length for _, length, _ in objects.place.names()) == [
        len(b"smallthe end") + 32,
        CHUNK_BYTES,
    ]
    assert all(objects.intact(name) for name, _, _ in objects.place.names())
    for name, _, put in list(objects.place.names()):
        objects.place.delete(name, put + 60)
    with pytest.raises(IntegrityError, match="is missing"):
        objects.read(small)
