"""`forewarn query`: SQL over any committed output, which can neither write nor reach anything else."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa

from features.errors import UsageError
from pipelines.client import Pachd
from pipelines.commands.output import print_json, print_table, say, say_next
from pipelines.project import Project

if TYPE_CHECKING:
    import duckdb

OBSERVATIONS: Final = "observations"
TABLES: Final = {
    "risk": ("score", "/risk"),
    "reasons": ("score", "/reasons"),
    "similar": ("score", "/similar"),
    "windows": ("features", "/windows"),
    "excluded": ("features", "/excluded"),
    "failures": ("join", "/failures"),
    OBSERVATIONS: ("join", "/observations"),
    "operation": ("join", "/operation"),
    "joined": ("join", "/accounting"),
    "facts": ("extract", "/facts"),
    "accounting": ("extract", "/accounting"),
    "quarantine": ("extract", "/quarantine"),
    "clocks": ("extract", "/quality"),
    "test": ("train", "/evaluation/test.parquet"),
    "report": ("report", "/risk.parquet"),
}
"""Table → the repo and path whose Parquet files it is made of."""
CONFIGURED: Final[dict[str, str | bool | int | float | list[str]]] = {
    "memory_limit": "1GB",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}


def query(*, project: Path | None, sql: str, at: str | None, json: bool) -> None:
    """Run one SELECT over the tables it names, of the newest commits or of one commit set.

    Raises UsageError where it is not one query or DuckDB refuses it, NotFoundError for an unknown commit.
    """
    wanted = tables_in(sql)
    with Project.find(project).connect() as pachd, TemporaryDirectory() as scratch:
        folders = {name: _fetch(pachd, name, Path(scratch) / name, at) for name in wanted}
        columns, rows = run(sql, folders)
    if json:
        print_json([dict(zip(columns, row, strict=True)) for row in rows])
        return
    print_table(columns, rows)
    say(f"{len(rows)} row(s)")
    say_next("the same with --json, or of an earlier commit with --at COMMIT")


def tables_in(sql: str) -> list[str]:
    """The known tables the one statement may read: those it mentions. Raises UsageError for no one SELECT."""
    import duckdb

    try:
        statements = duckdb.extract_statements(sql)
    except duckdb.Error as error:
        raise UsageError(
            "DuckDB cannot read this SQL", got=_first_line(error), expected="a SELECT"
        ) from error
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise UsageError("one SELECT is expected", got=sql, hint='such as "SELECT * FROM risk LIMIT 5"')
    return [name for name in TABLES if re.search(rf"\b{name}\b", sql, re.IGNORECASE)]


def run(sql: str, folders: dict[str, Path]) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Columns and rows of the query over folders of Parquet files, one table each.

    The files are read before the query runs; from then on DuckDB may reach no file, network or extension.
    Raises UsageError, in DuckDB's words, for a query it refuses.
    """
    import duckdb

    with duckdb.connect(config=CONFIGURED) as connection:
        for name, folder in folders.items():
            _load(connection, name, folder)
        connection.execute("SET enable_external_access = false")
        connection.execute("SET lock_configuration = true")
        try:
            answer: pa.Table = connection.sql(sql).to_arrow_table()
        except duckdb.Error as error:
            raise UsageError(
                "DuckDB refuses this query", got=_first_line(error), hint=f"tables: {', '.join(TABLES)}"
            ) from error
    columns = [column.to_pylist() for column in answer.columns]
    return answer.column_names, list(zip(*columns, strict=True))


def _load(connection: "duckdb.DuckDBPyConnection", name: str, folder: Path) -> None:
    pattern = "observations.parquet" if name == OBSERVATIONS else "*.parquet"
    files = sorted(map(str, folder.rglob(pattern)))
    if not files:
        return
    connection.execute(
        f'CREATE TABLE "{name}" AS SELECT * FROM read_parquet($1, union_by_name = true, '  # noqa: S608
        "hive_partitioning = false)",
        [files],
    )


def _fetch(pachd: Pachd, name: str, folder: Path, at: str | None) -> Path:
    repo, path = TABLES[name]
    folder.mkdir(parents=True)
    pachd.download(repo, path, folder, pachd.resolve(repo, at) if at else None)
    return folder


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
