"""Reads everything that is stored and says what is not as it was written, down to the files it concerns.

Each thing is checked by what was noted when it was written: rows by the sum of their table, map nodes,
contents and objects by their hashes. The database is read from its file, not from the engine's memory.
"""

import hashlib
import math
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from pipelines.pachd import schema, sums
from pipelines.pachd.errors import IntegrityError
from pipelines.pachd.gc import repack
from pipelines.pachd.metadata import Metadata
from pipelines.pachd.objects import file_of
from pipelines.pachd.records import COMMIT_QUERY, commit_of
from pipelines.pachd.trees import Trees

DATABASE: Final = "database"


@dataclass(frozen=True)
class Problem:
    """Something that is not as it was written. fixed: what was done about it, "" when nothing."""

    what: str
    fixed: str = ""


def check(metadata: Metadata, trees: Trees, *, fix: bool = False) -> Iterator[Problem]:
    """Check the database, every directory and index, every object and every content.

    With `fix`, places of contents that cannot be read are forgotten, so that pushing the files again (or
    running the datums again) stores them anew and heals every commit that holds them; what is intact in a
    damaged object is moved out of it, and the object is removed. While the database is damaged nothing is
    fixed, and files are not looked for in it.
    """
    problems = [Problem(f"{DATABASE}: {text}") for text in _database(metadata)]
    yield from problems
    names = [name for name, _, _ in trees.objects.place.names() if not name.startswith(".")]
    damaged = [name for name in names if not trees.objects.intact(name)]
    if problems:
        yield from (Problem(f"object {name} is damaged") for name in damaged)
        return
    yield from _nodes(metadata)
    bad = dict(_contents(trees))
    yield from _check_trees(metadata, trees, bad)
    if fix:
        trees.contents.remove(list(bad))
    for what in bad.values():
        yield Problem(what, "its place is forgotten: push or run it again" if fix else "")
    if fix and damaged:
        repack(metadata, trees, set(damaged))
    for name in damaged:
        if fix:
            trees.objects.place.delete(name, math.inf)
        yield Problem(f"object {name} is damaged", "it is removed" if fix else "")


def _database(metadata: Metadata) -> Iterator[str]:
    """What is wrong with the shape of the database, what it says of its tables, and their rows.

    Writers wait while one table is read, not until all are.
    """
    tables, described = schema.expected()
    with closing(sqlite3.connect(f"file:{quote(str(metadata.path))}?mode=ro", uri=True)) as file:
        file.text_factory = lambda data: data.decode(errors="backslashreplace")
        try:
            with metadata.snapshot():
                shape = [answer for (answer,) in file.execute("PRAGMA integrity_check") if answer != "ok"]
                if not shape and schema.described(file) != described:
                    shape.append("its description of tables, indexes and triggers is damaged")
                loose = [] if shape else file.execute("PRAGMA foreign_key_check").fetchall()
            yield from shape
            yield from (
                f"row {row} of {table} refers to a row of {to} that is gone" for table, row, to, _ in loose
            )
            for table in () if shape else tables:
                with metadata.snapshot():
                    intact = sums.intact(file, table)
                if not intact:
                    yield f"rows of {table} are not as they were written"
        except (sqlite3.Error, UnicodeDecodeError) as error:
            yield str(error)


def _nodes(metadata: Metadata) -> Iterator[Problem]:
    for (digest,) in metadata.rows("SELECT hash FROM nodes"):
        data = metadata.value("SELECT data FROM nodes WHERE hash = ?", digest)
        if data is not None and hashlib.sha256(data).digest() != digest:
            yield Problem(f"directory or index node {digest.hex()} is damaged")


def _contents(trees: Trees) -> Iterator[tuple[str, str]]:
    """Contents that cannot be read, and why."""
    for ref in trees.contents.all():
        try:
            for chunk in ref.chunks:
                trees.objects.chunk(chunk)
            if file_of(ref.chunks) != ref:
                yield ref.hash, f"content {ref.hash} is not what its place says"
        except IntegrityError as error:
            yield ref.hash, f"content {ref.hash}: {error.what}"


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
