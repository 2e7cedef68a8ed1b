"""A query reads the tables it is given, and reaches nothing else: no file, network, setting or extension."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import UsageError
from pipelines.commands.query import run, tables_in

SECRET = "the contents of a file nobody committed"

STATEMENTS = """
COPY (SELECT 1) TO '{file}'
EXPORT DATABASE '{folder}'
IMPORT DATABASE '{folder}'
ATTACH '{file}' AS x
INSTALL httpfs
LOAD httpfs
PRAGMA database_list
SET enable_external_access = true
CALL pragma_version()
CREATE TABLE t AS SELECT 1
INSERT INTO risk SELECT * FROM risk
UPDATE risk SET risk = 0
DELETE FROM risk
CREATE SECRET s (TYPE s3)
VACUUM
CHECKPOINT
BEGIN
SELECT 1; ATTACH '{file}'
;
RESET memory_limit
"""
READERS = """
SELECT * FROM '{file}'
SELECT * FROM read_csv('{file}')
SELECT * FROM read_csv_auto('{file}')
SELECT * FROM read_text('{file}')
SELECT * FROM read_blob('{file}')
SELECT * FROM read_json('{file}')
SELECT * FROM read_json_objects('{file}')
SELECT * FROM read_ndjson('{file}')
SELECT * FROM sniff_csv('{file}')
SELECT * FROM read_parquet('{table}')
SELECT * FROM parquet_metadata('{table}')
SELECT * FROM parquet_schema('{table}')
SELECT * FROM glob('{folder}/*')
SELECT * FROM read_parquet('https://example.org/x.parquet')
SELECT * FROM read_csv('s3://bucket/x.csv')
SELECT * FROM read_text(['/proc/self/environ'])
SELECT getenv('HOME')
WITH x AS (FROM read_text('{file}')) SELECT * FROM x
FROM query('FROM read_text(''{file}'')')
FROM query_table('{file}')
SELECT * FROM sqlite_scan('{file}', 't')
SELECT * FROM postgres_scan('host=x','a','b')
"""


@pytest.fixture
def given(tmp_path: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    """Tables to query, and things beside them that must not be reached."""
    (tmp_path / "risk").mkdir()
    table = tmp_path / "risk" / "all.parquet"
    pq.write_table(pa.table({"robot_id": ["a"], "risk": [0.1]}), table)
    (tmp_path / "secret.csv").write_text(SECRET)
    places = {"file": tmp_path / "secret.csv", "table": table, "folder": tmp_path}
    return {"risk": tmp_path / "risk"}, places


@pytest.mark.parametrize("sql", ["", *STATEMENTS.strip().splitlines()])
def test_only_a_select_is_taken(given: tuple[dict[str, Path], dict[str, Path]], sql: str) -> None:
    with pytest.raises(UsageError):
        tables_in(sql.format(**given[1]))


@pytest.mark.parametrize("sql", READERS.strip().splitlines())
def test_nothing_else_is_read(given: tuple[dict[str, Path], dict[str, Path]], sql: str) -> None:
    folders, places = given
    with pytest.raises(UsageError) as refused:
        run(sql.format(**places), folders)
    assert SECRET not in str(refused.value)


def test_a_query_without_end_is_ended_by_its_memory(given: tuple[dict[str, Path], dict[str, Path]]) -> None:
    with pytest.raises(UsageError, match=r"[Mm]emory"):
        run("SELECT list(a.i) FROM range(200000000) a(i), range(1000) b(j)", given[0])
