"""Facts are what is known of a robot without a time: model, site, age. One row a robot, last word wins."""

from pathlib import Path
from typing import Final

import pyarrow as pa

from features.schema import CLOCK_TS, RECV_TS, ROBOT, TS
from pipelines.steps.files import parquet_files, read_tables

NO_FACTS: Final = pa.table({ROBOT: pa.array([], pa.string())})


def as_facts(stream: str, table: pa.Table) -> pa.Table:
    """A facts stream with its columns named `<stream>__<field>`, in order of arrival."""
    fields = [name for name in table.column_names if name not in (ROBOT, TS, RECV_TS, CLOCK_TS)]
    return table.select([ROBOT, *fields]).rename_columns([ROBOT, *(f"{stream}__{name}" for name in fields)])


def read_facts(folder: Path) -> pa.Table:
    """One row a robot, sorted by robot_id: the last known value of every fact, null where never told."""
    rows = read_tables(parquet_files(folder), NO_FACTS.schema).combine_chunks()
    robots = sorted(set(rows.column(ROBOT).to_pylist()))
    columns = {ROBOT: pa.array(robots, pa.string())}
    for name in rows.column_names[1:]:
        told = zip(rows.column(ROBOT).to_pylist(), rows.column(name).to_pylist(), strict=True)
        known = {robot: value for robot, value in told if value is not None}
        columns[name] = pa.array([known.get(robot) for robot in robots], rows.schema.field(name).type)
    return pa.table(columns)
