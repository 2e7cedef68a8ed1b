"""A disk that loses power: from a record of every write, sync and name, the states a restart may find.

What was synced is there. Of everything later any part may be missing, in any order: each file and folder
keeps nothing, all, a beginning or any choice of what was not synced yet, writes are torn into sectors of 512
bytes, and a file that grew may hold zeros or junk where its data did not arrive. The sync of a file leaves
its name to that of its folder. This is harsher than any journalling file system.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import TypeVar

SECTOR = 512
T = TypeVar("T")


@dataclass(frozen=True)
class Op:
    """One call: kind is create, mkdir, write, truncate, sync, rename, unlink or ack. Paths are relative."""

    kind: str
    path: str
    to: str = ""
    offset: int = 0
    data: bytes = b""
    value: object = None


@dataclass
class File:
    """A file: bytes that were synced, and what was done since."""

    synced: bytes = b""
    pending: list[Op] = field(default_factory=list)

    def sync(self) -> None:
        self.synced, self.pending = applied(self.synced, self.pending), []

    def after_loss(self, draw: random.Random) -> bytes:
        if not self.pending:
            return self.synced
        mode = draw.choice(("nothing", "all", "beginning", "some", "torn"))
        if mode != "torn":
            return applied(self.synced, chosen(self.pending, mode, draw))
        pieces = [piece for op in self.pending for piece in sectors(op) if draw.random() < 0.6]
        return applied(self.synced, pieces, draw if draw.random() < 0.5 else None)


@dataclass
class Folder:
    """A folder: names that were synced, and names that were set (None: removed) since."""

    synced: dict[str, "File | Folder"] = field(default_factory=dict)
    pending: list[dict[str, "File | Folder | None"]] = field(default_factory=list)

    @property
    def now(self) -> dict[str, "File | Folder"]:
        return named(self.synced, self.pending)

    def sync(self) -> None:
        self.synced, self.pending = self.now, []

    def after_loss(self, draw: random.Random) -> dict[str, "File | Folder"]:
        mode = draw.choice(("nothing", "all", "beginning", "some"))
        return named(self.synced, chosen(self.pending, mode, draw))


class Disk:
    """Follows a record; at any moment the power may go."""

    def __init__(self) -> None:
        self.root = Folder()

    def do(self, op: Op) -> None:
        folder, name = self._folder(op.path)
        match op.kind:
            case "create":
                folder.pending.append({name: File()})
            case "mkdir":
                folder.pending.append({name: Folder()})
            case "unlink":
                folder.pending.append({name: None})
            case "rename":
                new = PurePosixPath(op.to).name
                folder.pending.append({name: None, new: folder.now[name]})
            case "sync":
                self._at(op.path).sync()
            case "write" | "truncate":
                file = self._at(op.path)
                assert isinstance(file, File)
                file.pending.append(op)

    def lose_power(self, draw: random.Random, target: Path) -> None:
        """Write what is left into a new folder."""
        _leave(self.root, target, draw)

    def _at(self, path: str) -> File | Folder:
        folder, name = self._folder(path)
        return folder.now[name] if name else folder

    def _folder(self, path: str) -> tuple[Folder, str]:
        here = self.root
        *above, name = path.split("/")
        for part in above:
            below = here.now[part]
            assert isinstance(below, Folder)
            here = below
        return here, name


def states(
    record: Sequence[Op], moments: Sequence[int], seed: int
) -> Iterator[tuple[int, Disk, random.Random]]:
    """For each moment (a number of calls done; ascending) the disk and a source of chance of its own."""
    disk, done = Disk(), 0
    for number, moment in enumerate(sorted(moments)):
        for op in record[done:moment]:
            disk.do(op)
        done = moment
        yield moment, disk, random.Random(f"{seed}/{number}")


def sectors(op: Op) -> Iterator[Op]:
    """A write cut at the borders of sectors; anything else as it is."""
    if op.kind != "write":
        yield op
        return
    at = 0
    while at < len(op.data):
        length = SECTOR - (op.offset + at) % SECTOR
        yield Op("write", op.path, offset=op.offset + at, data=op.data[at : at + length])
        at += length


def applied(content: bytes, ops: Sequence[Op], junk: random.Random | None = None) -> bytes:
    """A file's bytes after some calls; where it grew over a gap there are zeros, or junk."""
    held = bytearray(content)
    for op in ops:
        if op.kind == "truncate":
            del held[op.offset :]
        end = op.offset + len(op.data)
        if len(held) < end:
            gap = end - len(held)
            held += junk.randbytes(gap) if junk else bytes(gap)
        held[op.offset : end] = op.data
    return bytes(held)


def chosen(ops: Sequence[T], mode: str, draw: random.Random) -> list[T]:
    """What arrived of some calls."""
    match mode:
        case "nothing":
            return []
        case "beginning":
            return list(ops[: draw.randint(0, len(ops))])
        case "some":
            return [op for op in ops if draw.random() < 0.5]
    return list(ops)


def named(
    names: dict[str, File | Folder], changes: Sequence[dict[str, File | Folder | None]]
) -> dict[str, File | Folder]:
    """The names of a folder after some changes."""
    merged: dict[str, File | Folder | None] = dict(names)
    for change in changes:
        merged |= change
    return {name: node for name, node in merged.items() if node is not None}


def _leave(folder: Folder, target: Path, draw: random.Random) -> None:
    target.mkdir()
    for name, node in folder.after_loss(draw).items():
        if isinstance(node, Folder):
            _leave(node, target / name, draw)
        else:
            (target / name).write_bytes(node.after_loss(draw))
