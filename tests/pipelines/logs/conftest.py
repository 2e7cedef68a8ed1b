"""Settings and archives for the extraction's tests."""

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.logs.extract import Extraction, ExtractSettings, extract

STREAMS = {
    "pose": {
        "path": "pose",
        "time": "ts",
        "recv": "$.recvTs",
        "fields": {"x": {"type": "float", "unit": "m"}, "n": "int", "ok": "bool", "frame": "string"},
    },
    "status": {
        "path": "keyValues",
        "pairs": True,
        "time": "ts",
        "recv": "$.recvTs",
        "fields": {"battery": {"type": "float", "unit": "%"}, "mode": "string"},
    },
    "state": {"time": "ts", "fields": {"level": {"type": "float", "source": "power.level"}}},
}


def settings(streams: dict[str, Any] = STREAMS, **logs: Any) -> ExtractSettings:
    return ExtractSettings.from_json({"logs": {"robot": {"field": "$.robot"}, **logs}, "streams": streams})


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return file.getvalue()


def packed(message: Any) -> bytes:
    raw = message if isinstance(message, bytes) else json.dumps(message).encode()
    return gzip.compress(raw, mtime=0)


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Extraction]:
    """Extract bytes that were pushed under a name."""

    def run(content: bytes, name: str = "/day/amr.zip", how: ExtractSettings | None = None) -> Extraction:
        file = tmp_path / name.rpartition("/")[2]
        file.write_bytes(content)
        found = extract(file, name, how or settings())
        balanced(found)
        return found

    return run


def balanced(found: Extraction) -> None:
    """The accounting identity holds, and the tables agree with it."""
    rows = found.accounting.to_pylist()
    for row in rows:
        assert row["received"] == row["accepted"] + row["duplicates"] + row["quarantined"], row
    for stream, table in found.streams.items():
        assert table.num_rows == sum(row["accepted"] for row in rows if row["stream"] == stream)


def reasons(found: Extraction) -> list[str]:
    return sorted(found.quarantine.column("reason").to_pylist())
