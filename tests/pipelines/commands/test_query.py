"""SQL over Parquet folders: what it reads, and what it may not."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import UsageError
from pipelines.commands.query import run, tables_in


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    for number, robot in enumerate(("a", "b")):
        (tmp_path / robot).mkdir()
        pq.write_table(
            pa.table({"robot_id": [robot], "risk": [0.1 + number]}), tmp_path / robot / "all.parquet"
        )
    return {"risk": tmp_path}


def test_files_of_a_folder_are_one_table(folders: dict[str, Path]) -> None:
    assert run("SELECT robot_id, risk FROM risk ORDER BY 2 DESC", folders) == (
        ["robot_id", "risk"],
        [("b", 1.1), ("a", 0.1)],
    )


def test_the_tables_named_are_known_ones() -> None:
    assert tables_in("WITH t AS (SELECT * FROM risk) SELECT * FROM t JOIN Facts USING (robot_id)") == [
        "risk",
        "facts",
    ]


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("COPY risk TO 'x.csv'", "one SELECT"),
        ("DROP TABLE risk", "one SELECT"),
        ("SELECT 1; SELECT 2", "one SELECT"),
        ("SELEC 1", "cannot read this SQL"),
    ],
)
def test_only_one_query_of_known_tables_is_taken(sql: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        tables_in(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM nowhere",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM read_text('/etc/passwd')",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM read_parquet('https://example.org/x.parquet')",
    ],
)
def test_no_file_and_no_network_is_reached(folders: dict[str, Path], sql: str) -> None:
    with pytest.raises(UsageError, match="DuckDB refuses this query"):
        run(sql, folders)
