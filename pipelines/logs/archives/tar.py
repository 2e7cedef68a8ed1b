"""A tar's members, also of one that is damaged: from a header that cannot be read on to the next that can."""

import tarfile
from contextlib import suppress
from typing import BinaryIO, Final

from pipelines.logs.quarantine import Ledger

BLOCK: Final = tarfile.BLOCKSIZE
MAGIC: Final = b"ustar"
MAGIC_AT: Final = 257
ENCODING: Final = "utf-8"
MOST_BREAKS: Final = 100


def tar_entries(file: BinaryIO, ledger: Ledger) -> list[tarfile.TarInfo]:
    """What the tar lists, in its order; each break is told, as tarfile itself ends there in silence."""
    found: list[tarfile.TarInfo] = []
    begin: int | None = 0
    for _ in range(MOST_BREAKS):
        if begin is None:
            break
        end = _follow(file, begin, found)
        file.seek(end)
        block = file.read(BLOCK)
        if block == bytes(BLOCK):
            return found
        what = "a damaged header" if len(block) == BLOCK else "cut off"
        ledger.refuse_member("archive_unreadable", block, offset=end, detail=f"{what} after the last member")
        begin = _next_header(file, end + BLOCK)
    return found


def _follow(file: BinaryIO, begin: int, found: list[tarfile.TarInfo]) -> int:
    """Add the members from a header on; returns where no further header could be read."""
    file.seek(begin)
    try:
        archive = tarfile.TarFile(fileobj=file, encoding=ENCODING)
    except (tarfile.TarError, OSError, ValueError):
        return begin
    with suppress(tarfile.TarError, OSError, ValueError):
        found.extend(archive)
    return archive.offset


def _next_header(file: BinaryIO, begin: int) -> int | None:
    """Where the next block that is a header begins."""
    file.seek(begin)
    while block := file.read(BLOCK):
        if block[MAGIC_AT : MAGIC_AT + len(MAGIC)] == MAGIC:
            try:
                tarfile.TarInfo.frombuf(block, ENCODING, "surrogateescape")
            except tarfile.HeaderError:
                pass
            else:
                return begin
        begin += BLOCK
    return None
