"""One-day ZIPs of messages gzipped one by one, the same bytes wherever and whenever they are written."""

import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from isal import isal_zlib

GZIP = 31


@dataclass(frozen=True)
class Member:
    """A member of an archive: its name and its bytes, gzipped."""

    name: str
    data: bytes


def compress(data: bytes) -> bytes:
    """A gzip member without name or time."""
    packer = isal_zlib.compressobj(1, isal_zlib.DEFLATED, GZIP)
    return packer.compress(data) + packer.flush()


def write_archive(path: Path, members: Iterable[Member]) -> None:
    """Write members, stored, in the order given, with the earliest time a ZIP can hold."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for member in members:
            archive.writestr(zipfile.ZipInfo(member.name), member.data)
