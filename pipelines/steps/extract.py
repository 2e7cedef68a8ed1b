"""Step extract: a pushed file becomes streams per robot and day, with quarantine, accounting and clocks."""

from pathlib import Path

import pyarrow as pa

from pipelines.durations import parse_duration
from pipelines.logs.extract import ExtractSettings, extract
from pipelines.steps.clocks import clock_report
from pipelines.steps.cut import cut
from pipelines.steps.facts import NO_FACTS, as_facts
from pipelines.steps.files import encode, read_settings, source_name, write_table
from pipelines.steps.units import units


def main(pfs: Path) -> None:
    """Read `logs` and `config/extract.json`; write day, halo, facts, quarantine, accounting and quality."""
    value = read_settings(pfs, "extract")
    settings = ExtractSettings.from_json(value)
    streams, partition, out = value["streams"], value["logs"]["partition"], pfs / "out"
    for file, pushed_as in units(pfs / "logs", folders=settings.logs.unit == "folder"):
        extraction = extract(file, pushed_as, settings)
        name = f"{source_name(pushed_as)}.parquet"
        facts = [NO_FACTS]
        for stream, table in sorted(extraction.streams.items()):
            if streams[stream]["kind"] == "facts":
                facts.append(as_facts(stream, table))
                continue
            reach = parse_duration(streams[stream]["tolerance"])
            for piece in cut(table, partition=partition, reach=reach):
                folder = out / ("halo" if piece.halo else "day") / encode(piece.robot) / piece.day
                write_table(piece.rows, folder / encode(stream) / name)
        write_table(pa.concat_tables(facts, promote_options="permissive"), out / "facts" / name)
        write_table(extraction.quarantine, out / "quarantine" / name)
        write_table(extraction.accounting, out / "accounting" / name)
        write_table(clock_report(extraction), out / "quality" / name)
