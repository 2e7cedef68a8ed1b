"""Step join: the streams of a robot-day become observations, with events and failures beside them."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.join import deduplicate, grid, nearest_join
from features.labels import find_failures
from features.operation import DAY, operation
from features.quality import match_report
from features.schema import CLOCK_TS, FAILURES, ROBOT, TIMESTAMP, TS
from pipelines.durations import parse_duration
from pipelines.steps.cut import ALL, DAY_NS, day_name, day_start_ns, nanoseconds, tail, within
from pipelines.steps.files import (
    below,
    decode,
    encode,
    parquet_files,
    read_settings,
    read_tables,
    run,
    write_table,
)

Streams = dict[str, pa.Table]
Settings = dict[str, Any]

ARROW: Final = {"float": pa.float64(), "int": pa.int64(), "bool": pa.bool_(), "string": pa.string()}


def main(pfs: Path) -> None:
    """Read `day` and `halo` of one robot-day; write observations, failures, work, counts, the next halo."""
    settings, out = read_settings(pfs, "join"), pfs / "out"
    reaches = {table: parse_duration(reach) for table, reach in settings["reach"].items()}
    for folder in sorted((pfs / "day" / "day").glob("*/*")):
        robot, day = folder.parent.name, folder.name
        streams = _read(folder, settings)
        halo = _read(pfs / "halo" / "halo" / robot / day, settings)
        whole = {name: below([halo[name], rows]) for name, rows in streams.items()}
        observations = _observe(streams, whole, settings, decode(robot))
        tables = {
            "observations.parquet": observations,
            "failures.parquet": within(_failures(whole, settings), day),
        }
        for name in _of_kind(settings, "events"):
            tables[f"events/{encode(name)}.parquet"] = within(_events(whole[name], name, settings), day)
        for name, table in tables.items():
            write_table(table, out / "observations" / robot / day / name)
            reach = reaches[name.partition("/")[0].removesuffix(".parquet")]
            if day != ALL and (reached := tail(table, day, reach)).num_rows:
                following = day_name(day_start_ns(day) // DAY_NS + 1)
                write_table(reached, out / "halo" / robot / following / name)
        write_table(tables["failures.parquet"], out / "failures" / robot / f"{day}.parquet")
        worked = _worked(decode(robot), day, whole, tables["failures.parquet"], settings["operation"])
        write_table(worked, out / "operation" / robot / f"{day}.parquet")
        quality = match_report(observations, {name: deduplicate(rows) for name, rows in streams.items()})
        keys = [pa.array([value] * quality.num_rows, pa.string()) for value in (decode(robot), day)]
        quality = quality.add_column(0, "day", keys[1]).add_column(0, ROBOT, keys[0])
        write_table(quality, out / "accounting" / robot / f"{day}.parquet")


def _worked(robot: str, day: str, whole: Streams, failures: pa.Table, rules: Settings) -> pa.Table:
    table = operation(robot, whole, rules, failures, parse_duration(rules["gap"]))
    return table if day == ALL else table.filter(pc.equal(table.column(DAY), day))


def _of_kind(settings: Settings, kind: str) -> list[str]:
    return [name for name, stream in settings["streams"].items() if stream["kind"] == kind]


def _read(folder: Path, settings: Settings) -> Streams:
    """Every declared stream; one without a record is an empty table with its declared columns."""
    streams = {}
    for name in _of_kind(settings, "samples") + _of_kind(settings, "events"):
        fields = settings["streams"][name]["fields"]
        schema = pa.schema(
            [(ROBOT, pa.string()), (TS, TIMESTAMP)]
            + [(field, ARROW[spec["type"]]) for field, spec in fields.items()]
        )
        table = read_tables(parquet_files(folder / encode(name)), schema)
        streams[name] = table.drop_columns([CLOCK_TS]) if CLOCK_TS in table.column_names else table
    return streams


def _observe(streams: Streams, whole: Streams, settings: Settings, robot: str) -> pa.Table:
    join, declared = settings["join"], settings["streams"]
    beside = [name for name in _of_kind(settings, "samples") if name != join["anchor"]]
    anchor = streams[join["anchor"]] if join["anchor"] else _grid(streams, settings, robot)
    return nearest_join(
        anchor,
        {name: whole[name] for name in beside},
        tolerance={name: parse_duration(declared[name]["tolerance"]) for name in beside},
        direction={name: declared[name]["direction"] or join["direction"] for name in beside},
    )


def _grid(streams: Streams, settings: Settings, robot: str) -> pa.Table:
    times = [nanoseconds(streams[name]) for name in _of_kind(settings, "samples") if streams[name].num_rows]
    if not times:
        return pa.schema([(ROBOT, pa.string()), (TS, TIMESTAMP)]).empty_table()
    first, last = min(int(ts.min()) for ts in times), max(int(ts.max()) for ts in times)
    return grid(
        [robot],
        every=parse_duration(settings["join"]["every"]),
        start=np.datetime64(first, "ns"),
        end=np.datetime64(last + 1, "ns"),
    )


def _events(rows: pa.Table, name: str, settings: Settings) -> pa.Table:
    table = deduplicate(rows).table
    field = settings["streams"][name]["on_change"]
    if not field or not table.num_rows:
        return table
    values = table.column(field).combine_chunks().dictionary_encode(null_encoding="encode").indices.to_numpy()
    return table.filter(pa.array(np.diff(values, prepend=-1) != 0))


def _failures(whole: Streams, settings: Settings) -> pa.Table:
    found = [
        find_failures(
            whole[rule["stream"]],
            when=rule["when"],
            edge=rule["edge"],
            code=rule["code"] or rule["stream"],
            code_field=rule["code_field"] or None,
        )
        for rule in settings["failure"]
    ]
    return pa.concat_tables([FAILURES.empty_table(), *found]).sort_by(
        [(ROBOT, "ascending"), (TS, "ascending")]
    )


if __name__ == "__main__":
    run(main)
