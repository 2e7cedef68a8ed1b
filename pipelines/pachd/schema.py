"""The tables of the metadata database, and how folders of earlier versions come to have them.

Times are microseconds since the epoch, UTC. Hashes are hexadecimal, but raw bytes where they name a map.
Every table has a sum over its rows (sums.py).
"""

import sqlite3
from functools import lru_cache
from typing import Final

from pipelines.pachd import faults, sums

VERSION: Final = 2
_COLUMNS: Final = "SELECT name FROM pragma_table_info(?) ORDER BY cid"

_TABLES: Final = """
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

-- Directories and datum indexes: nodes of persistent maps (maps.py).
CREATE TABLE nodes (hash BLOB PRIMARY KEY, data BLOB NOT NULL);

-- Where the bytes of a file's content are: hash of the content -> chunks (msgpack).
CREATE TABLE files (hash TEXT PRIMARY KEY, size INTEGER NOT NULL, chunks BLOB NOT NULL);

CREATE TABLE repos (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  type TEXT NOT NULL CHECK (type IN ('user', 'spec', 'meta')),
  description TEXT NOT NULL DEFAULT '',
  created INTEGER NOT NULL,
  UNIQUE (name, type)
);

CREATE TABLE commits (
  id INTEGER PRIMARY KEY,
  uuid TEXT NOT NULL,
  repo INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
  branch TEXT NOT NULL,
  parent INTEGER REFERENCES commits ON DELETE SET NULL,
  origin TEXT NOT NULL CHECK (origin IN ('USER', 'AUTO', 'FSCK')),
  description TEXT NOT NULL DEFAULT '',
  started INTEGER NOT NULL,
  finishing INTEGER,
  finished INTEGER,
  error TEXT NOT NULL DEFAULT '',
  tree BLOB,
  size INTEGER NOT NULL DEFAULT 0,
  UNIQUE (repo, uuid)
);
CREATE INDEX commits_by_uuid ON commits (uuid);
CREATE INDEX commits_by_parent ON commits (parent);
CREATE INDEX commits_open ON commits (repo) WHERE finished IS NULL;

CREATE TABLE branches (
  id INTEGER PRIMARY KEY,
  repo INTEGER NOT NULL REFERENCES repos ON DELETE CASCADE,
  name TEXT NOT NULL,
  head INTEGER REFERENCES commits ON DELETE SET NULL,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  UNIQUE (repo, name)
);
CREATE INDEX branches_by_head ON branches (head);

CREATE TABLE commit_provenance (
  downstream INTEGER NOT NULL REFERENCES commits ON DELETE CASCADE,
  branch INTEGER NOT NULL REFERENCES branches ON DELETE CASCADE,
  upstream INTEGER NOT NULL REFERENCES commits ON DELETE CASCADE,
  PRIMARY KEY (downstream, branch)
) WITHOUT ROWID;
CREATE INDEX commit_subvenance ON commit_provenance (upstream);

CREATE TABLE branch_provenance (
  downstream INTEGER NOT NULL REFERENCES branches ON DELETE CASCADE,
  upstream INTEGER NOT NULL REFERENCES branches ON DELETE CASCADE,
  PRIMARY KEY (downstream, upstream)
) WITHOUT ROWID;
CREATE INDEX branch_subvenance ON branch_provenance (upstream);

-- What an open commit does to its parent, in order. content: hash in files, NULL for a deletion.
CREATE TABLE changes (
  id INTEGER PRIMARY KEY,
  commit_id INTEGER NOT NULL REFERENCES commits ON DELETE CASCADE,
  path TEXT NOT NULL,
  content TEXT
);
CREATE INDEX changes_by_commit ON changes (commit_id, id);

CREATE TABLE pipelines (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  version INTEGER NOT NULL,
  stopped INTEGER NOT NULL DEFAULT 0,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL
);

CREATE TABLE pipeline_versions (
  pipeline INTEGER NOT NULL REFERENCES pipelines ON DELETE CASCADE,
  version INTEGER NOT NULL,
  spec TEXT NOT NULL,
  user_spec TEXT NOT NULL,
  salt TEXT NOT NULL,
  spec_commit TEXT NOT NULL,
  created INTEGER NOT NULL,
  PRIMARY KEY (pipeline, version)
) WITHOUT ROWID;

CREATE TABLE jobs (
  id INTEGER PRIMARY KEY,
  uuid TEXT NOT NULL,
  pipeline INTEGER NOT NULL REFERENCES pipelines ON DELETE CASCADE,
  version INTEGER NOT NULL,
  output INTEGER NOT NULL REFERENCES commits ON DELETE CASCADE,
  state TEXT NOT NULL,
  reason TEXT NOT NULL DEFAULT '',
  created INTEGER NOT NULL,
  started INTEGER,
  finished INTEGER,
  restarts INTEGER NOT NULL DEFAULT 0,
  total INTEGER NOT NULL DEFAULT 0,
  processed INTEGER NOT NULL DEFAULT 0,
  skipped INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  recovered INTEGER NOT NULL DEFAULT 0,
  stats TEXT NOT NULL DEFAULT '{}',
  forced TEXT NOT NULL DEFAULT '[]',
  base INTEGER REFERENCES jobs ON DELETE SET NULL,
  datums BLOB,
  UNIQUE (pipeline, uuid)
);
CREATE INDEX jobs_by_uuid ON jobs (uuid);
CREATE INDEX jobs_by_output ON jobs (output);
CREATE INDEX jobs_unfinished ON jobs (pipeline) WHERE finished IS NULL;

-- Datums a job ran; those it skipped are found by cutting its inputs again. outputs: root of their tree.
CREATE TABLE datum_runs (
  job INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
  datum TEXT NOT NULL,
  hash TEXT NOT NULL,
  state TEXT NOT NULL,
  why TEXT NOT NULL,
  error TEXT NOT NULL DEFAULT '',
  outputs BLOB,
  size INTEGER NOT NULL DEFAULT 0,
  stats TEXT NOT NULL DEFAULT '{}',
  finished INTEGER NOT NULL,
  PRIMARY KEY (job, datum)
) WITHOUT ROWID;

CREATE TABLE logs (
  id INTEGER PRIMARY KEY,
  job INTEGER NOT NULL REFERENCES jobs ON DELETE CASCADE,
  datum TEXT NOT NULL,
  ts INTEGER NOT NULL,
  user INTEGER NOT NULL,
  message TEXT NOT NULL
);
CREATE INDEX logs_by_datum ON logs (job, datum, id);
"""


def upgrade(connection: sqlite3.Connection) -> None:
    """Bring a new database, or one of an earlier version, to this version."""
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    if version < 1:
        connection.executescript(f"BEGIN; {_TABLES} PRAGMA user_version=1; COMMIT;")
        faults.point("tables made")
    if version < VERSION:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(sums.TABLE)
        for table in summed(connection):
            columns = [name for (name,) in connection.execute(_COLUMNS, (table,)).fetchall()]
            connection.execute("INSERT INTO sums VALUES (?, ?)", (table, sums.sum_of(connection, table)))
            for statement in sums.statements(table, columns):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version={VERSION}")
        faults.point("sums made")
        connection.execute("COMMIT")


def summed(connection: sqlite3.Connection) -> list[str]:
    """The tables whose rows are summed."""
    query = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'sums' ORDER BY name"
    return [name for (name,) in connection.execute(query).fetchall()]


def described(connection: sqlite3.Connection) -> set[tuple[str, ...]]:
    """Everything a database says of its tables, indexes and triggers."""
    query = "SELECT type, name, tbl_name, sql FROM sqlite_schema"
    return {tuple(row) for row in connection.execute(query).fetchall()}


@lru_cache(maxsize=1)
def expected() -> tuple[list[str], set[tuple[str, ...]]]:
    """The tables that are summed, and everything a sound database of this version says of itself."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    upgrade(connection)
    try:
        return summed(connection), described(connection)
    finally:
        connection.close()
