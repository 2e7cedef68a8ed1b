"""Reads everything that is stored and says what is not as it was written, down to the files it concerns."""

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.pachd.errors import IntegrityError
from pipelines.pachd.gc import repack
from pipelines.pachd.metadata import Metadata
from pipelines.pachd.objects import file_of
from pipelines.pachd.records import COMMIT_QUERY, commit_of
from pipelines.pachd.trees import Trees


@dataclass(frozen=True)
class Problem:
    """Something that is not as it was written. fixed: what was done about it, "" when nothing."""

    what: str
    fixed: str = ""


def check(metadata: Metadata, trees: Trees, *, fix: bool = False) -> Iterator[Problem]:
    """Check the database, every directory and index, every object and every content.

    With `fix`, places of contents that cannot be read are forgotten, so that pushing the files again (or
    running the datums again) stores them anew and heals every commit that holds them; what is intact in a
    damaged object is moved out of it, and the object is removed.
    """
    for (answer,) in metadata.rows("PRAGMA integrity_check"):
        if answer != "ok":
            yield Problem(f"database: {answer}")
    for row in metadata.rows("PRAGMA foreign_key_check"):
        yield Problem(f"database: row {row[1]} of {row[0]} refers to a row of {row[2]} that is gone")
    yield from _check_nodes(metadata)
    bad: dict[str, str] = {}
    for ref in trees.contents.all():
        try:
            for chunk in ref.chunks:
                trees.objects.chunk(chunk)
            if file_of(ref.chunks) != ref:
                bad[ref.hash] = f"content {ref.hash} is not what its place says"
        except IntegrityError as error:
            bad[ref.hash] = f"content {ref.hash}: {error.what}"
    yield from _check_trees(metadata, trees, bad)
    if fix:
        trees.contents.remove(list(bad))
    for what in bad.values():
        yield Problem(what, "its place is forgotten: push or run it again" if fix else "")
    names = [name for name, _, _ in trees.objects.place.names() if not name.startswith(".")]
    damaged = [name for name in names if not trees.objects.intact(name)]
    if fix and damaged:
        repack(metadata, trees, set(damaged))
    for name in damaged:
        if fix:
            trees.objects.place.delete(name, math.inf)
        yield Problem(f"object {name} is damaged", "it is removed" if fix else "")


def _check_nodes(metadata: Metadata) -> Iterator[Problem]:
    for (digest,) in metadata.rows("SELECT hash FROM nodes"):
        data = metadata.value("SELECT data FROM nodes WHERE hash = ?", digest)
        if data is not None and hashlib.sha256(data).digest() != digest:
            yield Problem(f"directory or index node {digest.hex()} is damaged")


def _check_trees(metadata: Metadata, trees: Trees, bad: dict[str, str]) -> Iterator[Problem]:
    """Every file of every commit whose content cannot be read; directories seen before are passed over."""
    seen: set[bytes] = set()
    for row in metadata.rows(COMMIT_QUERY + "WHERE c.tree IS NOT NULL ORDER BY c.id DESC"):
        commit = commit_of(row)
        try:
            for path, content in trees.files(commit.tree, seen):
                if content in bad or not trees.contents.known(content):
                    yield Problem(f"file {commit}:{path} cannot be read")
        except IntegrityError as error:
            yield Problem(f"commit {commit}: {error.what}")
