"""Contents of commits as streams: one file, many files as TAR, pages of listings."""

import tarfile
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, Final

from features.errors import DataError, NotFoundError
from pipelines.pachd.paths import canonical
from pipelines.pachd.trees import Entry, Tree

MESSAGE_BYTES: Final = 2 << 20


def matching(tree: Tree, pattern: str) -> list[Entry]:
    """What a path or glob names; NotFoundError when nothing."""
    found = list(tree.glob(pattern or "/"))
    if not found:
        raise NotFoundError(f"{pattern} does not exist in this commit")
    return found


def one_file(tree: Tree, path: str) -> Entry:
    """The only file a path or glob names; DataError when it names several or a directory."""
    found = matching(tree, path)
    if len(found) > 1 or found[0].kind == "dir":
        raise DataError(
            f"{path} is not one file",
            got=f"{len(found)} matches" if len(found) > 1 else "a directory",
            hint="read it as TAR (get_file_tar), or name one file",
        )
    return found[0]


def file_stream(tree: Tree, entry: Entry, offset: int = 0) -> Iterator[bytes]:
    """A file's bytes in messages of at most 2 MiB."""
    for data in tree.trees.objects.stream(tree.trees.contents.ref(entry.hash), offset):
        view = memoryview(data)
        for start in range(0, len(view), MESSAGE_BYTES):
            yield bytes(view[start : start + MESSAGE_BYTES])


def tar_stream(tree: Tree, pattern: str, mtime: int) -> Iterator[bytes]:
    """Everything that matches as TAR, names beginning with "/"; small files share messages."""
    held = bytearray()
    for found in matching(tree, pattern):
        for entry in tree.walk(found.path):
            if entry.path == "/":
                continue
            held += _header(entry, mtime)
            if entry.kind == "file":
                for data in file_stream(tree, entry):
                    held += data
                    if len(held) >= MESSAGE_BYTES:
                        yield bytes(held)
                        held.clear()
                held += bytes(-entry.size % tarfile.BLOCKSIZE)
            if len(held) >= MESSAGE_BYTES:
                yield bytes(held)
                held.clear()
    yield bytes(held + bytes(2 * tarfile.BLOCKSIZE))


def page(entries: Iterable[Entry], request: Any) -> Iterator[Entry]:
    """The entries a listing request asks for: after a marker, reversed, so many."""
    found: Iterable[Entry] = entries
    if request.reverse:
        found = reversed(list(entries))
    if marker := request.pagination_marker.path:
        place = canonical(marker)
        found = (e for e in found if (e.path < place if request.reverse else e.path > place))
    return islice(found, request.number or None)


def _header(entry: Entry, mtime: int) -> bytes:
    info = tarfile.TarInfo(entry.path + ("/" if entry.kind == "dir" else ""))
    info.mtime = mtime
    if entry.kind == "dir":
        info.type, info.mode = tarfile.DIRTYPE, 0o755
    else:
        info.size, info.mode = entry.size, 0o644
    return info.tobuf(tarfile.PAX_FORMAT)
