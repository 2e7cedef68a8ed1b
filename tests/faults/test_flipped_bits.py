"""Whatever bit of a store is flipped, fsck says so, or nothing that is stored reads differently."""

import random
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import pytest

from features.errors import ForewarnError
from pipelines.pachd import fsck, schema
from pipelines.pachd.engine import Engine
from pipelines.pachd.files import Append, Delete
from pipelines.pachd.jobs import DatumRun
from pipelines.pachd.metadata import Metadata
from pipelines.pachd.objects import Objects
from pipelines.pachd.records import now
from pipelines.pachd.trees import EMPTY_TREE, Trees
from tests.conftest import Tally
from tests.faults.inline import Copying, push, run_jobs

SPEC = {
    "pipeline": {"name": "copy"},
    "input": {"pfs": {"repo": "in", "glob": "/*"}},
    "transform": {"cmd": ["copy"]},
}
DATABASE = "metadata.sqlite"
PAGE_BYTES = 512


@pytest.fixture(scope="module")
def store(shared_memory: Path) -> Path:
    """A store with something in every table, pages that were freed and rows of several pages.

    Its pages are small, so that few of its bytes lie in unused places.
    """
    root = shared_memory / "engine"
    Engine(root, executor=Copying()).metadata.close()
    with closing(sqlite3.connect(root / DATABASE)) as database:
        database.executescript(f"PRAGMA page_size={PAGE_BYTES}; VACUUM")
    engine = Engine(root, executor=Copying())
    engine.repos.create("in", description="what the robots say")
    engine.pipelines.create(SPEC)
    push(engine, Append("/a", b"one"), Append("/b/c", b"two" * 300), description="the first")
    run_jobs(engine)
    push(engine, *(Append(f"/many/{n}", b"%d" % (n % 10)) for n in range(50)))
    run_jobs(engine)
    push(engine, Delete("/many"))
    run_jobs(engine)
    job = engine.jobs.all("copy")[0]
    failed = DatumRun("d" * 64, "e" * 64, "FAILED", "new", "said so", EMPTY_TREE, 0, {}, now())
    engine.jobs.record(job, [failed], [("d" * 64, now(), True, "a line of a log " * 400)])
    opened = engine.commits.start(engine.repos.get("in"), "master", description="never finished")
    engine.files.modify(opened, [Append("/later", b"three"), Delete("/a")])
    engine.collect_garbage()
    tables, _ = schema.expected()
    assert all(engine.metadata.value(f"SELECT count(*) FROM {table}") for table in tables)
    engine.metadata.close()
    return root


def as_read(root: Path) -> tuple[str, object]:
    """What fsck says first of a store, and all that can be read from it."""
    try:
        metadata = Metadata(root)
    except ForewarnError as error:
        return str(error), None
    try:
        trees = Trees(metadata, Objects(root / "objects"))
        told = next((problem.what for problem in fsck.check(metadata, trees)), "")
        return told, None if told else everything(metadata)
    finally:
        metadata.close()


def everything(metadata: Metadata) -> object:
    """All rows; fsck has just compared every content with the hashes in them."""
    tables, _ = schema.expected()
    return [tuple(row) for table in tables for row in metadata.rows(f"SELECT * FROM {table}")]


def flip(root: Path, path: Path, bits: Iterable[int]) -> int:
    """Flip bits one at a time; how many fsck found. The others must change nothing that can be read."""
    told, before = as_read(root)
    assert told == ""
    found = 0
    good = path.read_bytes()
    for bit in bits:
        bad = bytearray(good)
        bad[bit // 8] ^= 1 << bit % 8
        path.write_bytes(bad)
        told, after = as_read(root)
        assert told or after == before, f"bit {bit % 8} of byte {bit // 8} of {path.name}"
        found += bool(told)
    path.write_bytes(good)
    assert as_read(root) == ("", before)
    return found


def objects(root: Path) -> list[Path]:
    return sorted(path for path in (root / "objects").rglob("*") if path.is_file())


def in_use(root: Path) -> list[int]:
    """Bytes of the database that are not zero, and so probably not in unused places."""
    return [at for at, byte in enumerate((root / DATABASE).read_bytes()) if byte]


def test_random_bits(store: Path, tally: Tally) -> None:
    draw = random.Random(1)
    bits = [at * 8 + draw.randrange(8) for at in draw.sample(in_use(store), 120)]
    assert flip(store, store / DATABASE, bits) > 100
    for path in objects(store):
        anywhere = draw.sample(range(path.stat().st_size * 8), 5)
        assert flip(store, path, anywhere) == 5
        bits += anywhere
    tally("flipped bits", len(bits))


def test_a_folder_of_the_first_version_is_brought_up_to_date(store: Path, tmp_path: Path) -> None:
    old = tmp_path / "engine"
    shutil.copytree(store, old)
    with closing(sqlite3.connect(old / DATABASE)) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            database.execute(f"DROP TRIGGER {name}")
        database.execute("DROP TABLE sums")
        database.execute("PRAGMA user_version=1")
        database.commit()
    assert as_read(old) == as_read(store)
    assert as_read(store)[0] == ""


@pytest.mark.long
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("part", range(32))
def test_every_byte_of_the_database(store: Path, part: int, tally: Tally) -> None:
    path = store / DATABASE
    draw = random.Random(part)
    bits = [at * 8 + draw.randrange(8) for at in range(part, path.stat().st_size, 32)]
    assert flip(store, path, bits)
    tally("flipped bits", len(bits))


@pytest.mark.long
def test_every_byte_of_objects(store: Path, tally: Tally) -> None:
    sizes = {path: path.stat().st_size for path in objects(store)}
    for path, size in sizes.items():
        assert flip(store, path, (at * 8 + at % 8 for at in range(size))) == size
    tally("flipped bits", sum(sizes.values()))
