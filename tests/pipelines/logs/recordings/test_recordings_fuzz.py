"""Real and made recordings with bytes changed, cut and moved: no crash, no hang, no lost count."""

import random
from pathlib import Path

import pytest

from tests.pipelines.logs.recordings import made

ROUNDS = 400


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


def recordings(folder: Path, shared: Path) -> list[Path]:
    (folder / "made.mcap").write_bytes(made.mcap(40, chunk_size=2_000))
    (folder / "made.ulg").write_bytes(made.ulog(20))
    made.ros1_bag(folder / "made.bag", 40, "lz4")
    found = [path for path in shared.rglob("*") if path.suffix in (".mcap", ".db3", ".ulg", ".bag")]
    return [*sorted(folder.glob("made.*")), *sorted(path for path in found if path.stat().st_size < 2 << 20)]


@pytest.mark.long
def test_mutated_recordings(tmp_path: Path, shared_data: Path) -> None:
    chance = random.Random(7)
    streams = made.STREAMS | {"every": {"topic": "*", "fields": {"data": "string"}}}
    streams |= {"battery": {"topic": "battery_status", "fields": {"voltage_v": "float"}}}
    how = made.settings(streams, limits={"earliest": "1970-01-01T00:00:00Z"}, start="2026-03-01T00:00:00Z")
    for number, source in enumerate(recordings(tmp_path, shared_data)):
        content = source.read_bytes()
        for _ in range(ROUNDS if source.stem == "made" else ROUNDS // 20):
            file = tmp_path / f"{number}{source.suffix}"
            file.write_bytes(mutated(content, chance))
            made.read(file, how, f"/day/{file.name}")
