"""How steps read and write tables under `/pfs`: one Parquet dialect, and paths Pachyderm accepts.

Parquet is written with fixed settings, so that equal tables are equal bytes and later datums are skipped:
LZ4, dictionaries for text only, no least and most of floats, and a column without nulls is one that cannot
have any, because a day's windows (500 numbers every 5 s) are written and read several times as fast that way
(measured, docs/features.md).
"""

import json
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import ForewarnError


def run(main: Callable[[Path], None]) -> None:
    """Run a step as a command, as a cluster does, on /pfs or $PFS_ROOT; its own errors end in a line."""
    try:
        main(Path(os.environ.get("PFS_ROOT", "/pfs")))
    except ForewarnError as error:
        sys.exit(f"{type(error).__name__}: {error}")


def encode(name: str) -> str:
    """A path segment for a robot id, stream or source: whatever Pachyderm refuses is percent-encoded."""
    encoded = quote(name, safe=" #$&',:;=~")
    return encoded.replace(".", "%2E") if encoded in (".", "..") else encoded


def decode(segment: str) -> str:
    """The name a path segment stands for."""
    return unquote(segment)


def source_name(pushed_as: str) -> str:
    """The pushed file's path as one path segment."""
    return encode(pushed_as.strip("/").replace("/", "~"))


def read_settings(pfs: Path, step: str) -> Any:
    """The step's slice of `forewarn.toml`, as `Config.step_files` made it."""
    return json.loads((pfs / "config" / f"{step}.json").read_text("utf-8"))


def read_verdicts(folder: Path) -> list[dict[str, Any]]:
    """What people said of alerts (`robot_id`, `at`, `verdict`), from the repo `labels`."""
    path = folder / "verdicts.json"
    return list(json.loads(path.read_text("utf-8"))) if path.is_file() else []


def write_table(table: pa.Table, path: Path) -> None:
    """Write one Parquet file, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    texts = [field.name for field in table.schema if _is_text(field.type)]
    ordered = [field.name for field in table.schema if not pa.types.is_floating(field.type)]
    nullable = [table.column(field.name).null_count > 0 for field in table.schema]
    pq.write_table(
        _declared(table, nullable),
        path,
        compression="lz4",
        use_dictionary=texts,
        write_statistics=ordered,
        write_batch_size=1 << 16,
    )


def mark(path: Path) -> None:
    """Write an empty file, whose name is all it says, with its folders."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def read_table(path: Path) -> pa.Table:
    """Read one Parquet file as it was written, not guessing columns from its folders."""
    with pq.ParquetFile(path) as file:
        table = file.read()
    return _declared(table, [True] * table.num_columns)


def _declared(table: pa.Table, nullable: Sequence[bool]) -> pa.Table:
    fields = [field.with_nullable(known) for field, known in zip(table.schema, nullable, strict=True)]
    return pa.table(table.columns, schema=pa.schema(fields, metadata=table.schema.metadata))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_dictionary(kind))


def parquet_files(folder: Path) -> Sequence[Path]:
    """Every Parquet file below a folder that may be missing, in path order."""
    return sorted(folder.rglob("*.parquet")) if folder.is_dir() else []


def read_tables(paths: Iterable[Path], schema: pa.Schema | None = None) -> pa.Table:
    """Read files one below the other, in path order; columns some files lack are null there.

    Without any file the result is the empty table of `schema`.
    """
    tables = [read_table(path) for path in paths]
    if schema is not None:
        tables.append(schema.empty_table())
    return below(tables) if tables else pa.table({})


def below(tables: Sequence[pa.Table]) -> pa.Table:
    """Tables one below the other; columns some lack are null there."""
    return pa.concat_tables(tables, promote_options="permissive")


def input_commits() -> dict[str, str]:
    """Input name → commit id it was read from, as the worker's environment tells (`<input>_COMMIT`)."""
    ending = "_COMMIT"
    return {
        name.removesuffix(ending): value
        for name, value in sorted(os.environ.items())
        if name.endswith(ending) and not name.startswith("PACH")
    }


def count_by(table: pa.Table, column: str) -> pa.Table:
    """How many rows hold each value: the column and `count`, sorted by value."""
    return (
        table.group_by(column)
        .aggregate([([], "count_all")])
        .rename_columns([column, "count"])
        .sort_by(column)
    )
