"""However rows come, change and go, the sums the database keeps are those of the rows it holds."""

import sqlite3
from contextlib import closing, suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.pachd import schema, sums
from pipelines.pachd.metadata import Metadata

REPO = "INSERT {} INTO repos (id, name, type, created) VALUES (?, ?, 'user', 0)"
COMMIT = (
    "INSERT INTO commits (id, uuid, repo, branch, parent, origin, started) "
    "VALUES (?, ?, ?, 'm', ?, 'USER', 0)"
)
BRANCH = (
    "INSERT INTO branches (repo, name, head, created, updated) VALUES (?1, 'm', ?2, 0, 0) "
    "ON CONFLICT (repo, name) DO UPDATE SET head = ?2, updated = updated + 1"
)
rows = st.integers(1, 4)
words = st.text("ab\x00é", max_size=2)
steps = st.one_of(
    st.tuples(st.sampled_from([REPO.format(how) for how in ("", "OR IGNORE", "OR REPLACE")]), rows, words),
    st.tuples(st.just(COMMIT), rows, words, rows, st.none() | rows),
    st.tuples(st.just(BRANCH), rows, st.none() | rows),
    st.tuples(st.just("UPDATE repos SET description = ? WHERE id <= ?"), words, rows),
    st.tuples(
        st.just("UPDATE commits SET tree = ?, size = size + 1 WHERE id = ?"), st.binary(max_size=3), rows
    ),
    st.tuples(st.sampled_from([f"DELETE FROM {table} WHERE id = ?" for table in ("repos", "commits")]), rows),
)


def unsound(connection: sqlite3.Connection) -> list[str]:
    return [table for table in schema.expected()[0] if not sums.intact(connection, table)]


@settings(max_examples=40)
@given(st.lists(st.tuples(st.lists(steps, max_size=6), st.booleans()), max_size=6))
def test_sums_are_those_of_the_rows(transactions: list[tuple[list[tuple[Any, ...]], bool]]) -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("PRAGMA foreign_keys=ON")
        sums.teach(connection)
        schema.upgrade(connection)
        for statements, kept in transactions:
            connection.execute("BEGIN")
            for statement, *values in statements:
                with suppress(sqlite3.IntegrityError):
                    connection.execute(statement, values)
                assert unsound(connection) == []
            connection.execute("COMMIT" if kept else "ROLLBACK")
            assert unsound(connection) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE repos SET description = 'no'",
        "DELETE FROM repos",
        "INSERT INTO repos VALUES (9, 'b', 'user', '', 0)",
        "UPDATE repos SET created = 'x'",
    ],
)
def test_a_change_that_is_not_told_shows(metadata: Metadata, change: str) -> None:
    metadata.run(REPO.format(""), 1, "a")
    with closing(sqlite3.connect(metadata.path, isolation_level=None)) as other:
        assert unsound(other) == []
        for name in ("insert", "update", "delete"):
            other.execute(f"DROP TRIGGER repos_{name}")
        other.execute(change)
        assert unsound(other) == ["repos"]


def test_a_sum_is_what_it_is(metadata: Metadata) -> None:
    metadata.run("INSERT INTO repos VALUES (1, 'a', 'user', 'é', 5)")
    kept = metadata.value("SELECT sum FROM sums WHERE name = 'repos'")
    assert kept.hex() == "92d5f163a26d6882af24ca9861e3aad0"
