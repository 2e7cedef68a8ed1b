"""Step extract: a pushed file becomes streams per robot and day, with quarantine and accounting."""

from pathlib import Path

from pipelines.durations import parse_duration
from pipelines.logs.extract import ExtractSettings, extract
from pipelines.steps.cut import cut
from pipelines.steps.files import encode, read_settings, source_name, write_table


def main(pfs: Path) -> None:
    """Read `logs` and `config/extract.json`; write day, halo, facts, quarantine and accounting."""
    value = read_settings(pfs, "extract")
    settings = ExtractSettings.from_json(value)
    streams, partition, out = value["streams"], value["logs"]["partition"], pfs / "out"
    logs = pfs / "logs"
    for file in sorted(path for path in logs.rglob("*") if path.is_file()):
        pushed_as = "/" + file.relative_to(logs).as_posix()
        extraction = extract(file, pushed_as, settings)
        name = f"{source_name(pushed_as)}.parquet"
        for stream, table in sorted(extraction.streams.items()):
            if streams[stream]["kind"] == "facts":
                write_table(table, out / "facts" / encode(stream) / name)
                continue
            reach = parse_duration(streams[stream]["tolerance"])
            for piece in cut(table, partition=partition, reach=reach):
                folder = out / ("halo" if piece.halo else "day") / encode(piece.robot) / piece.day
                write_table(piece.rows, folder / encode(stream) / name)
        write_table(extraction.quarantine, out / "quarantine" / name)
        write_table(extraction.accounting, out / "accounting" / name)
        _always_there(out / "facts", name)


def _always_there(folder: Path, name: str) -> None:
    """A repo folder that later pipelines read must exist even when no fact was seen."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f".{name}.seen").touch()
