"""Step extract: a pushed file becomes streams per robot and day, with quarantine, accounting and clocks."""

from pathlib import Path

import pyarrow as pa

from features.schema import ROBOT
from pipelines.durations import parse_duration
from pipelines.logs.extract import ExtractSettings, extract_in_groups
from pipelines.steps.clocks import clock_report
from pipelines.steps.cut import by_robot, cut
from pipelines.steps.facts import NO_FACTS, as_facts
from pipelines.steps.files import encode, mark, read_settings, run, source_name, write_table
from pipelines.steps.units import units


def main(pfs: Path) -> None:
    """Read `logs` and `config/extract.json`; write day(s), halo, facts, quarantine, accounting, quality."""
    value = read_settings(pfs, "extract")
    settings = ExtractSettings.from_json(value)
    streams, partition, out = value["streams"], value["logs"]["partition"], pfs / "out"
    for file, pushed_as in units(pfs / "logs", folders=settings.logs.unit == "folder"):
        name = f"{source_name(pushed_as)}.parquet"
        facts: dict[tuple[str, str], pa.Table] = {}
        clocks = []
        for extraction in extract_in_groups(file, pushed_as, settings):
            for stream, table in extraction.streams.items():
                if streams[stream]["kind"] == "facts":
                    facts |= {(stream, robot): as_facts(stream, rows) for robot, rows in by_robot(table)}
                    continue
                reach = parse_duration(streams[stream]["tolerance"])
                for piece in cut(table, partition=partition, reach=reach):
                    folder = out / ("halo" if piece.halo else "day") / encode(piece.robot) / piece.day
                    write_table(piece.rows, folder / encode(stream) / name)
                    if not piece.halo:
                        mark(out / "days" / encode(piece.robot) / piece.day / source_name(pushed_as))
            clocks.append(clock_report(extraction))
        told = [NO_FACTS, *(facts[key] for key in sorted(facts))]
        write_table(pa.concat_tables(told, promote_options="permissive"), out / "facts" / name)
        write_table(extraction.quarantine, out / "quarantine" / name)
        write_table(extraction.accounting, out / "accounting" / name)
        ordered = pa.concat_tables(clocks).sort_by([(ROBOT, "ascending"), ("stream", "ascending")])
        write_table(ordered, out / "quality" / name)


if __name__ == "__main__":
    run(main)
