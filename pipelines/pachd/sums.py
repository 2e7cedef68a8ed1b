"""A sum over the rows of each table, so that no bit of a row can change unnoticed.

SQLite checks the shape of its pages, never what rows say. So every table has a sum: the hashes of all its
rows added up. Triggers keep it, row by row and in the transaction that changes the row: a write costs the
same however many rows there are, and no statement can forget it. A row that is lost, doubled, or an old one
come back shows like one that was changed.
"""

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, Final

import msgspec

_BYTES: Final = 16
_MODULUS: Final = 1 << 8 * _BYTES

TABLE: Final = "CREATE TABLE sums (name TEXT PRIMARY KEY, sum BLOB NOT NULL) WITHOUT ROWID"


def teach(connection: sqlite3.Connection) -> None:
    """Give a connection what the triggers call; REPLACE then counts as the deletion it is."""
    connection.create_function("sum_with", -1, _with, deterministic=True)
    connection.create_function("sum_without", -1, _without, deterministic=True)
    connection.execute("PRAGMA recursive_triggers=ON")


def statements(table: str, columns: Sequence[str]) -> Iterator[str]:
    """What makes the database keep a table's sum from now on."""
    old, new = (", ".join(f"{row}.{column}" for column in columns) for row in ("OLD", "NEW"))
    changes = {
        "INSERT": f"sum_with(sum, {new})",
        "DELETE": f"sum_without(sum, {old})",
        "UPDATE": f"sum_with(sum_without(sum, {old}), {new})",
    }
    for event, value in changes.items():
        update = f"UPDATE sums SET sum = {value} WHERE name = '{table}'"  # noqa: S608  # names are ours
        yield f"CREATE TRIGGER {table}_{event.lower()} AFTER {event} ON {table} BEGIN {update}; END"


def sum_of(connection: sqlite3.Connection, table: str) -> bytes:
    """The sum of the rows a table holds now."""
    rows = connection.execute(f"SELECT * FROM {table}")  # noqa: S608  # a table of ours
    return (sum(_hash(tuple(row)) for row in rows) % _MODULUS).to_bytes(_BYTES, "big")


def intact(connection: sqlite3.Connection, table: str) -> bool:
    """Whether a table holds the rows that were written."""
    kept = connection.execute("SELECT sum FROM sums WHERE name = ?", (table,)).fetchone()
    return kept is not None and kept[0] == sum_of(connection, table)


def _with(before: bytes, *row: Any) -> bytes:
    return ((int.from_bytes(before, "big") + _hash(row)) % _MODULUS).to_bytes(_BYTES, "big")


def _without(before: bytes, *row: Any) -> bytes:
    return ((int.from_bytes(before, "big") - _hash(row)) % _MODULUS).to_bytes(_BYTES, "big")


def _hash(row: tuple[Any, ...]) -> int:
    digest = hashlib.blake2b(msgspec.msgpack.encode(row), digest_size=_BYTES).digest()
    return int.from_bytes(digest, "big")
