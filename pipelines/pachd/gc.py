"""Gives back what no commit needs any more: map nodes, contents, objects. Safe while jobs and pushes run.

Metadata is swept in one transaction after everything reachable was marked, so nothing that is being committed
can slip between. Objects are written before the metadata that names them, so an object is only removed when
it was last put before the oldest push or job that is still under way began.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from pipelines.pachd.metadata import Metadata
from pipelines.pachd.objects import SEAL_BYTES, FileRef
from pipelines.pachd.trees import Trees

SLACK_S: Final = 60.0
WORTH_REPACKING: Final = 0.5


@dataclass(frozen=True)
class Collected:
    """What a collection removed, and bytes it moved out of mostly dead packs (freed the next time)."""

    nodes: int
    contents: int
    objects: int
    bytes: int
    repacked_bytes: int


class Activities:
    """When the pushes and jobs that are under way began; what they write must not be collected."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began: dict[object, tuple[float, float]] = {}

    @contextmanager
    def one(self) -> Iterator[None]:
        """Something that writes objects and will name them in metadata later."""
        key = object()
        with self._lock:
            self._began[key] = time.time(), time.monotonic()
        try:
            yield
        finally:
            with self._lock:
                del self._began[key]

    def oldest(self) -> float:
        """When the oldest began; now when there is none.

        Where the clock was set meanwhile, the earlier of what it said then and what it would have said: files
        written before the jump and after it are both younger.
        """
        wall, steady = time.time(), time.monotonic()
        with self._lock:
            began = [min(then, wall - (steady - since)) for then, since in self._began.values()]
        return min(began, default=wall)


def collect(metadata: Metadata, trees: Trees, activities: Activities) -> Collected:
    """Remove what is not reachable from any commit, job or open change."""
    cutoff = activities.oldest() - SLACK_S
    nodes, contents = set[bytes](), set[str]()
    _mark(metadata, trees, nodes, contents)
    with metadata.transaction():
        _mark(metadata, trees, nodes, contents)
        dead_nodes = [(h,) for (h,) in metadata.rows("SELECT hash FROM nodes") if h not in nodes]
        dead_contents = [h for (h,) in metadata.rows("SELECT hash FROM files") if h not in contents]
        metadata.run_many("DELETE FROM nodes WHERE hash = ?", dead_nodes)
        trees.contents.remove(dead_contents)
    used = _used(trees)
    removed = size = 0
    worth: list[str] = []
    for name, length, put in list(trees.objects.place.names()):
        if name not in used and put < cutoff and trees.objects.place.delete(name, cutoff):
            removed += 1
            size += length
        elif (
            name.startswith("pack-")
            and put < cutoff
            and 0 < used.get(name, 0) < WORTH_REPACKING * (length - SEAL_BYTES)
        ):
            worth.append(name)
    moved = repack(metadata, trees, set(worth))
    return Collected(len(dead_nodes), len(dead_contents), removed, size, moved)


def _mark(metadata: Metadata, trees: Trees, nodes: set[bytes], contents: set[str]) -> None:
    """Add everything reachable to `nodes` and `contents`; what is in `nodes` already is not visited again."""
    roots = (
        "SELECT tree FROM commits WHERE tree IS NOT NULL "
        "UNION SELECT outputs FROM datum_runs WHERE outputs IS NOT NULL"
    )
    for (root,) in metadata.rows(roots):
        contents.update(content for _, content in trees.files(root, nodes))
    for (index,) in metadata.rows("SELECT datums FROM jobs WHERE datums IS NOT NULL"):
        for _, (_, outputs, _) in trees.maps.unseen(index, nodes):
            contents.update(content for _, content in trees.files(outputs, nodes))
    contents.update(h for (h,) in metadata.rows("SELECT content FROM changes WHERE content IS NOT NULL"))


def _used(trees: Trees) -> dict[str, int]:
    """Bytes in use of every object that is."""
    used: dict[str, int] = {}
    places = {(c.object, c.offset): c.length for ref in trees.contents.all() for c in ref.chunks}
    for (name, _), length in places.items():
        used[name] = used.get(name, 0) + length
    return used


def repack(metadata: Metadata, trees: Trees, names: set[str]) -> int:
    """Move what is alive out of some packs; they are garbage once nobody reads them there any more.

    Returns the bytes moved. IntegrityError when one of the contents is damaged.
    """
    moving = (
        [ref for ref in trees.contents.all() if any(c.object in names for c in ref.chunks)] if names else []
    )
    if not moving:
        return 0
    with trees.objects.writer() as writer:
        moved: list[FileRef] = []
        for ref in moving:
            kept = ref.chunks[:-1]
            rest = trees.objects.stream(ref, sum(chunk.length for chunk in kept))
            moved.append(writer.extend(kept, rest))
    with metadata.transaction():
        trees.contents.register(moved, replace=True)
        trees.contents.forget()
    for name in names:
        trees.objects.place.touch(name)
    return sum(ref.chunks[-1].length for ref in moved)
