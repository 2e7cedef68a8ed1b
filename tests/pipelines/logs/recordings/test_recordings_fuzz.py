"""Real and made recordings with bytes changed, cut and moved: no crash, no hang, no lost count."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.abuse.watch import watched
from tests.conftest import Tally
from tests.pipelines.logs.recordings import made

CAP_MIB = 300
"""What a recording below two megabytes may add to the memory."""
REFUSED = (
    "wrong_rmw_test_0.mcap", "wrong_rmw_test_0.db3", "rewriter_a_0.db3", "rewriter_b_0.db3",
    "test_bag_for_seek_0.db3",
)  # fmt: skip
"""Whose messages are in no known encoding, or whose types the file does not define."""


def mutated(content: bytes, chance: random.Random) -> bytes:
    """A few bytes changed, or a piece cut out, doubled, or filled with one byte."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, 5)):
        at, length = chance.randrange(len(changed)), chance.choice([1, 1, 2, 8, 64, 1_000])
        piece = changed[at : at + length]
        match chance.randrange(5):
            case 0:
                changed[at : at + length] = chance.randbytes(len(piece))
            case 1:
                changed[at : at + length] = bytes([chance.choice([0, 0xFF])]) * len(piece)
            case 2:
                del changed[at : at + length]
            case 3:
                changed[at:at] = piece
            case _:
                changed[at] ^= 1 << chance.randrange(8)
        if not changed:
            return b"x"
    return bytes(changed)


def written(folder: Path) -> list[Path]:
    """A recording of each kind."""
    (folder / "made.mcap").write_bytes(made.mcap(40, chunk_size=2_000))
    (folder / "made.ulg").write_bytes(made.ulog(20))
    made.ros1_bag(folder / "made.bag", 40, "lz4")
    (table,) = made.ros2_bag(folder / "bag").glob("*.db3")
    table.rename(folder / "made.db3")
    return sorted(folder.glob("made.*"))


def abuse(sources: list[Path], folder: Path, rounds: int, seed: int, *, refused: Sequence[str] = ()) -> int:
    """Read so many mutations of each recording; how many. All but those `refused` hold rows."""
    chance = random.Random(seed)
    streams = made.STREAMS | {"every": {"topic": "*", "fields": {"data": "string"}}}
    streams |= {"battery": {"topic": "battery_status", "fields": {"voltage_v": "float"}}}
    how = made.settings(streams, limits={"earliest": "1970-01-01T00:00:00Z"}, start="2026-03-01T00:00:00Z")
    for number, source in enumerate(sources):
        content = source.read_bytes()
        whole = made.read(source, how, f"/day/{source.name}")
        assert sum(row["received"] for row in whole.accounting.to_pylist()), source.name
        rows = any(table.num_rows for table in whole.streams.values())
        assert rows == (source.name not in refused), source.name
        for _ in range(rounds):
            file = folder / f"{number}{source.suffix}"
            file.write_bytes(mutated(content, chance))
            with watched(CAP_MIB):
                made.read(file, how, f"/day/{file.name}")
    return rounds * len(sources)


def test_a_few_mutated_recordings(tmp_path: Path, tally: Tally) -> None:
    tally("mutated recordings", abuse(written(tmp_path), tmp_path, rounds=10, seed=1))


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 6))
def test_many_mutated_recordings(tmp_path: Path, seed: int, tally: Tally) -> None:
    tally("mutated recordings", abuse(written(tmp_path), tmp_path, rounds=500, seed=seed))


@pytest.mark.long
def test_mutated_recordings_of_others(tmp_path: Path, shared_data: Path, tally: Tally) -> None:
    found = [path for path in shared_data.rglob("*") if path.suffix in (".mcap", ".db3", ".ulg", ".bag")]
    small = sorted(path for path in found if path.stat().st_size < 2 << 20)
    tally("mutated recordings", abuse(small, tmp_path, rounds=20, seed=7, refused=REFUSED))
