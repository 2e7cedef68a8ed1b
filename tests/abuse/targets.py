"""Where bytes from outside enter, each as one function: it returns, or refuses in forewarn's words."""

import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from features.errors import ForewarnError

Target = Callable[[bytes], Any]
FOUND = Path(__file__).parent / "found"


def config(data: bytes) -> None:
    """A forewarn.toml."""
    from pipelines.config import parse_config

    _ = parse_config(data.decode("utf-8", "replace")).step_files


def request(data: bytes) -> None:
    """Any message of the protocol: the first byte chooses which."""
    from pachyderm_sdk.api import pfs, pps

    from pipelines.pachd.requests import reader

    kinds = (pfs.ModifyFileRequest, pfs.ListFileRequest, pps.CreatePipelineRequest, pps.ListDatumRequest)
    kind = kinds[data[0] % len(kinds)] if data else kinds[0]
    reader(kind.FromString, kind.__name__)(data[1:])


def glob(data: bytes) -> None:
    """A glob and a path it is asked about."""
    from pipelines.pachd.globs import compile_glob
    from pipelines.pachd.paths import canonical

    pattern, _, path = data.decode("utf-8", "replace").partition("\n")
    compile_glob(pattern).match(canonical(path))


def spec(data: bytes) -> None:
    """A pipeline's specification."""
    import json

    from pipelines.pachd.spec import parse_spec

    try:
        given = json.loads(data)
    except (ValueError, RecursionError):
        return
    parse_spec(given)


def archive(data: bytes) -> None:
    """A pushed archive; what it held must add up."""
    _extract(data, "/day/amr.zip")


def table(data: bytes) -> None:
    """A pushed table."""
    _extract(data, "/day/amr.csv")


def recording(data: bytes) -> None:
    """A pushed recording: the first byte chooses which kind."""
    kinds = (".mcap", ".ulg", ".bag", ".db3")
    _extract(data[1:], f"/day/amr{kinds[data[0] % len(kinds)] if data else kinds[0]}", _topics())


TARGETS: dict[str, Target] = {
    "archive": archive,
    "config": config,
    "glob": glob,
    "recording": recording,
    "request": request,
    "spec": spec,
    "table": table,
}


def harmless(target: Target, data: bytes) -> None:
    """Run a target; what it refuses in words is fine, anything else is raised."""
    try:
        target(data)
    except ForewarnError:
        return


@cache
def _settings() -> Any:
    from pipelines.logs.extract import ExtractSettings

    fields = {"level": {"type": "float", "source": "power.level"}, "mode": "string"}
    streams = {"state": {"time": "ts", "fields": fields}}
    return ExtractSettings.from_json({"logs": {"robot": {"field": "$.robot"}}, "streams": streams})


@cache
def _topics() -> Any:
    from pipelines.logs.extract import ExtractSettings

    poses = {"topic": "/pose", "fields": {"x": {"type": "float", "source": "pose.position.x"}}}
    volts = {"topic": "battery_status", "fields": {"voltage_v": "float"}}
    logs = {"robot": {"constant": "amr"}, "start": "2026-03-01T00:00:00Z"}
    return ExtractSettings.from_json({"logs": logs, "streams": {"pose": poses, "power": volts}})


def _extract(data: bytes, name: str, how: Any = None) -> None:
    from pipelines.logs.extract import extract

    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        found = extract(Path(file.name), name, how or _settings())
    for row in found.accounting.to_pylist():
        told = row["accepted"] + row["duplicates"] + row["quarantined"]
        assert told == row["received"], row
