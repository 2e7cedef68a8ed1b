"""What reads a robot-day in `benchmarks.extract`: our reader, and what one would write instead."""

import gzip
import io
import json
import struct
import tempfile
import zipfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.config import load_config
from pipelines.logs.extract import ExtractSettings, extract

PUSHED_AS = "/2026-03-01/amr-001.zip"
CONFIG = Path(__file__).parent.parent / "pipelines" / "demo" / "forewarn.toml"
Tables = dict[str, pa.Table]

FIELDS = {
    "pose": ("ts", "x", "y", "yaw"),
    "odometry": ("ts", "linear_speed", "angular_speed"),
    "systemStats": ("timestamp", "cpu_load_percentage", "ram_usage_percentage"),
    "mission": ("state", "status"),
    "errors": ("ts", "code", "severity"),
}
KEYS = {
    "battery_percent": float,
    "battery_voltage": float,
    "motor_current": float,
    "wheel_slip": float,
    "localization_score": float,
    "firmware": str,
    "site": str,
}
OURS = {
    "pose": "pose",
    "odometry": "odometry",
    "systemStats": "stats",
    "mission": "mission",
    "errors": "errors",
    "keyValues": "status",
}


def ours(archive: Path) -> Tables:
    settings = ExtractSettings.from_json(slice_of_config())
    return dict(extract(archive, PUSHED_AS, settings).streams)


@cache
def slice_of_config() -> Any:
    """What the step is given of `forewarn.toml`; peers have theirs in their code."""
    return load_config(CONFIG).step_files["extract"]


def members(archive: Path) -> Iterator[bytes]:
    """Contents of the members, by a directory reader of one's own and isal."""
    from isal import isal_zlib

    data = archive.read_bytes()
    view = memoryview(data)
    end = data.rindex(b"PK\5\6")
    count, _, at = struct.unpack_from("<HLL", data, end + 10)
    for _ in range(count):
        packed, _, name, extra, note = struct.unpack_from("<LLHHH", data, at + 20)
        offset = struct.unpack_from("<L", data, at + 42)[0]
        lengths = struct.unpack_from("<HH", data, offset + 26)
        start = offset + 30 + sum(lengths)
        yield isal_zlib.decompress(view[start : start + packed], 31)
        at += 46 + name + extra + note


def floor(archive: Path) -> None:
    for _ in members(archive):
        pass


def naive(archive: Path) -> Tables:
    import pandas as pd

    with zipfile.ZipFile(archive) as packed:
        found = [json.loads(gzip.decompress(packed.read(name))) for name in packed.namelist()]
    return {name: pa.table(pd.DataFrame(rows)) for name, rows in records(found).items()}


def with_orjson(archive: Path) -> Tables:
    import orjson

    rows = records([orjson.loads(member) for member in members(archive)])
    return {name: pa.Table.from_pylist(part) for name, part in rows.items()}


def records(messages: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in OURS}
    for message in messages:
        recv = message["recvTs"]
        for name, fields in FIELDS.items():
            part = message.get(name)
            for record in part if isinstance(part, list) else [] if part is None else [part]:
                row = {field: record[field] for field in fields}
                row["recv"] = recv
                found[name].append(row)
        row = {pair["key"]: KEYS[pair["key"]](json.loads(pair["value"])) for pair in message["keyValues"]}
        row["recv"] = recv
        found["keyValues"].append(row)
    return found


def with_msgspec(archive: Path) -> Tables:
    import msgspec

    types = {
        name: msgspec.defstruct(name, [(field, _kind(field)) for field in fields])
        for name, fields in FIELDS.items()
    }
    pair = msgspec.defstruct("pair", [("key", str), ("value", str)])
    parts: list[Any] = [("recvTs", int), ("keyValues", list[pair])]  # type: ignore[valid-type]
    for name, kind in types.items():
        many = name in ("pose", "odometry", "errors")
        parts.append((name, (list[kind] if many else kind) | None, None))
    decode = msgspec.json.Decoder(msgspec.defstruct("message", parts)).decode
    messages = [decode(member) for member in members(archive)]
    found = {}
    for name, fields in FIELDS.items():
        pairs = [
            (record, message.recvTs)
            for message in messages
            if (part := getattr(message, name)) is not None
            for record in (part if isinstance(part, list) else (part,))
        ]
        columns = {field: [getattr(record, field) for record, _ in pairs] for field in fields}
        found[name] = pa.table({**columns, "recv": [recv for _, recv in pairs]})
    values: dict[str, list[Any]] = {key: [] for key in KEYS}
    load = msgspec.json.decode
    for message in messages:
        for one in message.keyValues:
            values[one.key].append(load(one.value))
    found["keyValues"] = pa.table({**values, "recv": [message.recvTs for message in messages]})
    return found


def _kind(field: str) -> type:
    if field in ("ts", "timestamp"):
        return int
    return str if field in ("state", "status", "code", "severity") else float


def with_duckdb(archive: Path) -> Tables:
    import duckdb

    sql = {int: "BIGINT", float: "DOUBLE", str: "VARCHAR"}
    columns = {"recvTs": "BIGINT", "keyValues": 'STRUCT("key" VARCHAR, "value" VARCHAR)[]'}
    for name, fields in FIELDS.items():
        struct_of = "STRUCT(" + ", ".join(f'"{field}" {sql[_kind(field)]}' for field in fields) + ")"
        columns[name] = struct_of + ("[]" if name in ("pose", "odometry", "errors") else "")
    with tempfile.NamedTemporaryFile(dir="/dev/shm", suffix=".ndjson") as file:
        file.write(b"\n".join(members(archive)))
        file.flush()
        connection = duckdb.connect(config={"threads": 1})
        shape = "{" + ", ".join(f"'{name}': '{kind}'" for name, kind in columns.items()) + "}"
        connection.execute(
            "CREATE TABLE m AS SELECT * FROM "
            f"read_json('{file.name}', format='newline_delimited', columns={shape})"
        )
    found = {}
    for name, fields in FIELDS.items():
        if columns[name].endswith("[]"):
            source = f"(SELECT recvTs AS recv, unnest({name}) AS r FROM m)"
        else:
            source = f"(SELECT recvTs AS recv, {name} AS r FROM m WHERE {name} IS NOT NULL)"
        chosen = ", ".join(f'r."{field}" AS "{field}"' for field in fields)
        found[name] = connection.sql(f"SELECT {chosen}, recv FROM {source}").to_arrow_table()
    chosen = ", ".join(
        f"{'CAST' if kind is float else 'json_extract_string'}"
        f"({'' if kind is float else 'CAST('}list_filter(keyValues, lambda p: p.key = '{key}')[1].value"
        f'{" AS DOUBLE)" if kind is float else chr(32) + "AS JSON), " + repr("$") + ")"} AS "{key}"'
        for key, kind in KEYS.items()
    )
    found["keyValues"] = connection.sql(f"SELECT {chosen}, recvTs AS recv FROM m").to_arrow_table()
    return found


def with_pyarrow(archive: Path) -> Tables:
    import pyarrow.json as pj

    arrow = {int: pa.int64(), float: pa.float64(), str: pa.string()}
    pair = pa.struct([("key", pa.string()), ("value", pa.string())])
    schema = [("recvTs", pa.int64()), ("keyValues", pa.list_(pair))]
    for name, fields in FIELDS.items():
        kind = pa.struct([(field, arrow[_kind(field)]) for field in fields])
        schema.append((name, pa.list_(kind) if name in ("pose", "odometry", "errors") else kind))
    table = pj.read_json(
        io.BytesIO(b"\n".join(members(archive))),
        read_options=pj.ReadOptions(use_threads=False, block_size=16 << 20),
        parse_options=pj.ParseOptions(explicit_schema=pa.schema(schema), unexpected_field_behavior="ignore"),
    ).combine_chunks()
    recv = table.column("recvTs").combine_chunks()
    found = {}
    for name, fields in FIELDS.items():
        column = table.column(name).combine_chunks()
        if pa.types.is_list(column.type):
            records, arrivals = column.flatten(), recv.take(pc.list_parent_indices(column))
        else:
            known = column.is_valid()
            records, arrivals = column.filter(known), recv.filter(known)
        columns = dict(zip(fields, records.flatten(), strict=True))
        found[name] = pa.table({**columns, "recv": arrivals})
    pairs = table.column("keyValues").combine_chunks().flatten()
    keys, texts = pairs.flatten()
    values = {}
    for key, kind in KEYS.items():
        chosen = texts.filter(pc.equal(keys, key))
        values[key] = chosen.cast(pa.float64()) if kind is float else pc.utf8_trim(chosen, '"')
    found["keyValues"] = pa.table({**values, "recv": recv})
    return found


def comparable(tables: Tables) -> dict[str, dict[str, Any]]:
    """Rows, and the sorted values of every field, by the names of the message."""
    found = {}
    names = {
        "stats": {"timestamp": "ts", "cpu_load_percentage": "cpu_load", "ram_usage_percentage": "ram_usage"}
    }
    for source, stream in OURS.items():
        table = tables.get(stream) if "status" in tables else tables[source]
        fields = FIELDS.get(source, tuple(KEYS))
        values = {}
        for field in fields:
            name = names.get(stream, {}).get(field, field) if "status" in tables else field
            column = table.column(name).combine_chunks()
            if pa.types.is_timestamp(column.type):
                column = pc.divide(column.cast(pa.int64()), 1_000_000)
            values[field] = np.sort(
                column.to_numpy(zero_copy_only=False).astype(
                    object if _kind(field) is str or field in ("firmware", "site") else float
                )
            )
        found[source] = values
    return found


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[key], other[key]) for key in one)
