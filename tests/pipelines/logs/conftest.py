"""Settings and archives for the extraction's tests."""

import gzip
import io
import json
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
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


def workbook(rows: list[list[Any]], sheet: str = "Sheet1", method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An XLSX file: texts inline, numbers, and dates as `datetime`."""
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    kinds = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    relations = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
    related = f'<Relationships {relations}><Relationship Id="r1" Type="{kinds}/{{}}" Target="{{}}"/>'
    related += "{}</Relationships>"

    def cell(value: Any) -> str:
        if isinstance(value, str):
            return f'<c t="inlineStr"><is><t>{value}</t></is></c>'
        if isinstance(value, datetime):
            return f'<c s="1"><v>{(value - datetime(1899, 12, 30, tzinfo=UTC)) / timedelta(days=1)!r}</v></c>'
        return f"<c><v>{value}</v></c>" if value is not None else "<c/>"

    lines = "".join(f"<row>{''.join(map(cell, row))}</row>" for row in rows)
    styles = f'<Relationship Id="r2" Type="{kinds}/styles" Target="styles.xml"/>'
    parts = {
        "_rels/.rels": related.format("officeDocument", "xl/workbook.xml", ""),
        "xl/workbook.xml": f'<workbook {main} xmlns:r="{kinds}"><sheets>'
        f'<sheet name="{sheet}" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": related.format("worksheet", "worksheets/sheet1.xml", styles),
        "xl/styles.xml": f'<styleSheet {main}><cellXfs><xf numFmtId="0"/><xf numFmtId="22"/></cellXfs>'
        "</styleSheet>",
        "xl/worksheets/sheet1.xml": f"<worksheet {main}><sheetData>{lines}</sheetData></worksheet>",
    }
    return zipped({name: part.encode() for name, part in parts.items()}, method)


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
