"""Recordings found where messages are looked for: they are put aside, and read by readers of their own."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from io import FileIO
from operator import itemgetter
from pathlib import Path
from typing import Final

from pipelines.logs.archives.members import Content, Members
from pipelines.logs.archives.walk import files_below
from pipelines.logs.recordings.bag_folder import METADATA, ROOT
from pipelines.logs.recordings.kinds import HEAD, MAGICS
from pipelines.logs.scratch import Scratch

ENDINGS: Final = (".mcap", ".bag", ".db3", ".db3-wal", ".ulg", ".ulog")
PACKED: Final = (".gz", ".zst", ".zstd")
FIRST: Final = frozenset(magic[0] for magic in (*MAGICS, ROOT.encode()))


@dataclass(frozen=True)
class File:
    """A file to read, and its place within what was pushed ('' for what was pushed itself)."""

    member: str
    path: Path


@dataclass
class Aside:
    """Recordings of one pushed file; those of an archive are kept in the folder `scratch`."""

    scratch: Scratch
    files: list[File] = field(default_factory=list)

    def sift(self, group: Members) -> Members:
        """Put the recordings of a group aside; returns the rest."""
        if FIRST.isdisjoint(map(itemgetter(0), filter(None, group.contents))):
            return group
        doubtful = [place for place, content in enumerate(group.contents) if content and content[0] in FIRST]
        found = [place for place in doubtful if is_recording(group.contents[place], group.name(place))]
        for place in found:
            path = self.scratch() / str(len(self.files))
            path.write_bytes(group.contents[place])
            self.files.append(File(group.name(place), path))
        if not found:
            return group
        rest = sorted(set(range(len(group.contents))).difference(found))
        return Members(
            [group.contents[place] for place in rest],
            lambda place: group.name(rest[place]),
            frozenset(number for number, place in enumerate(rest) if place in group.of_lines),
        )


def is_recording(content: Content, name: str) -> bool:
    """By the first bytes; by the name what is compressed, or is a recording no more."""
    if content.startswith(ROOT.encode()):
        return name.rpartition("/")[2] == METADATA
    return content.startswith(MAGICS) or plain_name(name).endswith(ENDINGS)


def plain_name(name: str) -> str:
    """The name in small letters, without the ending of a compressed file."""
    name = name.lower()
    return next((name.removesuffix(ending) for ending in PACKED if name.endswith(ending)), name)


def recordings_in(folder: Path) -> list[File]:
    """The recordings below a folder."""
    return [
        File(name, Path(entry.path))
        for name, entry in files_below(folder)
        if entry.is_file(follow_symlinks=False) and is_recording(head_of(entry.path), name)
    ]


def head_of(path: str | Path) -> bytes:
    """The bytes that tell what a file is."""
    with FileIO(path) as file:
        return file.read(max(HEAD, len(ROOT)))


def ordered(files: Iterable[File]) -> list[File]:
    """By the length of their names, then by name, so that numbers in names count."""
    return sorted(files, key=lambda file: (len(file.member), file.member))
