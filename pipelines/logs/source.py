"""A pushed file of messages to chunks, whatever it is: told by its first bytes, and lines by its name."""

import mmap
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

from pipelines.config import LimitsSection
from pipelines.logs import split
from pipelines.logs.archives.members import Members
from pipelines.logs.archives.names import PACKED, is_lines
from pipelines.logs.archives.others import folder_members, tar_members
from pipelines.logs.archives.single import chain, content_blocks
from pipelines.logs.archives.unpack import Unreadable
from pipelines.logs.archives.zipmembers import zip_members
from pipelines.logs.chunk import Chunk
from pipelines.logs.quarantine import Ledger
from pipelines.logs.recordings.aside import Aside, File, is_recording, recordings_in

ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
TAR: Final = b"ustar"
TAR_AT: Final = 257
ARCHIVES: Final = (".zip", ".tar", ".tgz")


def chunks(path: Path, name: str, limits: LimitsSection, ledger: Ledger, aside: Aside) -> Iterator[Chunk]:
    """Messages of a ZIP, a tar (also compressed), a folder, a file of lines, or one JSON file.

    Recordings among them are put aside. What cannot be read goes to the ledger with its reason; the rest is
    read.
    """
    if path.is_dir():
        aside.files += recordings_in(path)
        recorded = {file.member for file in aside.files}
        yield from _of_members(folder_members(path, limits, ledger, recorded), aside)
        return
    with path.open("rb") as file:
        head = file.read(TAR_AT + len(TAR))
    if is_recording(head, name):
        aside.files.append(File("", path))
    elif head.startswith(ZIP):
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        yield from _of_members(zip_members(mapped, limits, ledger), aside)
    elif head[TAR_AT:] == TAR:
        yield from _of_members(tar_members(path, limits, ledger), aside)
    else:
        yield from _of_stream(path, name, limits, ledger, aside)


def _of_members(groups: Iterable[Members], aside: Aside) -> Iterator[Chunk]:
    for group in map(aside.sift, groups):
        begin = 0
        for place in sorted(group.of_lines):
            yield from _whole(group, begin, place)
            yield from split.lines(
                [bytes(group.contents[place])], group.name(place), len(group.contents[place])
            )
            begin = place + 1
        yield from _whole(group, begin, len(group.contents))


def _whole(group: Members, begin: int, end: int) -> Iterator[Chunk]:
    if begin < end:
        yield from split.members(group.contents[begin:end], lambda place: group.name(begin + place))


def _of_stream(path: Path, name: str, limits: LimitsSection, ledger: Ledger, aside: Aside) -> Iterator[Chunk]:
    """A single file, unfolded as it is read; what was read before it breaks counts."""
    blocks = content_blocks(path, limits)
    try:
        first = _first(blocks, path, name)
        if first[TAR_AT : TAR_AT + len(TAR)] == TAR:
            yield from _packed_tar(first, blocks, limits, ledger, aside)
        elif is_lines(name):
            yield from split.lines(chain(first, blocks), "", limits.entry_bytes)
        else:
            yield from split.members([_joined(chain(first, blocks), limits)], lambda _: "")
    except Unreadable as error:
        ledger.refuse_member(error.reason, path.read_bytes()[: limits.entry_bytes], detail=str(error))


def _first(blocks: Iterator[bytes], path: Path, name: str) -> bytes:
    first = next(blocks, b"")
    if not first and name.endswith((*PACKED, *ARCHIVES)) and not path.stat().st_size:
        raise Unreadable("empty_file", "not even the header of a compressed file or an archive")
    return first


def _joined(blocks: Iterable[bytes], limits: LimitsSection) -> bytes:
    parts, size = [], 0
    for block in blocks:
        parts.append(block)
        size += len(block)
        if size > limits.entry_bytes:
            raise Unreadable("entry_too_large", f"more than {limits.entry_bytes} bytes")
    return b"".join(parts)


def _packed_tar(
    first: bytes, blocks: Iterable[bytes], limits: LimitsSection, ledger: Ledger, aside: Aside
) -> Iterator[Chunk]:
    """A compressed tar, unfolded into a file that goes when it is read: its members need an order."""
    with NamedTemporaryFile(suffix=".tar") as unfolded:
        broken = None
        try:
            for block in chain(first, blocks):
                unfolded.write(block)
        except Unreadable as error:
            broken = error
        unfolded.flush()
        yield from _of_members(tar_members(Path(unfolded.name), limits, ledger), aside)
    if broken is not None:
        raise broken
