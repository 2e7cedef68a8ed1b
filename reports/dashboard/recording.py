"""A window of a robot's observations as MCAP, for Foxglove and whatever else reads it."""

import io
from collections.abc import Sequence

import orjson
import pyarrow as pa
import pyarrow.compute as pc
from mcap.writer import Writer

from features.schema import AVAILABLE_AT, CODE, CUTOFF, RECV_TS, ROBOT, TS
from reports.dashboard.windows import Window


def recording(window: Window) -> bytes:
    """Topics `/observations`, `/failures`, `/risk` and `/events/<stream>` as JSON messages of the window."""
    target = io.BytesIO()
    writer = Writer(target)
    writer.start(library="forewarn")
    topics = [
        ("/observations", window.observations, TS),
        ("/failures", window.failures, TS),
        ("/risk", window.risk, CUTOFF),
        *((f"/events/{stream}", tables, TS) for stream, tables in sorted(window.events.items())),
    ]
    for topic, tables, clock in topics:
        schema = writer.register_schema(topic[1:], "jsonschema", _schema(tables))
        channel = writer.register_channel(topic, "json", schema)
        for table in tables:
            moments = table.column(clock).cast(pa.timestamp("ns", tz="UTC")).cast(pa.int64())
            kept = pc.and_(pc.greater_equal(moments, window.start), pc.less(moments, window.end))
            rows = table.filter(kept).drop_columns(
                [name for name in (clock, AVAILABLE_AT, RECV_TS, ROBOT) if name in table.column_names]
            )
            for at, row in zip(moments.filter(kept).to_pylist(), rows.to_pylist(), strict=True):
                data = orjson.dumps(row, default=str)
                writer.add_message(channel, log_time=at, publish_time=at, data=data)
    writer.finish()
    return target.getvalue()


def _schema(tables: Sequence[pa.Table]) -> bytes:
    fields = {field.name: field.type for table in tables for field in table.schema}
    numbers = {name for name, kind in fields.items() if name != CODE and not pa.types.is_string(kind)}
    properties = {name: {"type": "number" if name in numbers else "string"} for name in fields}
    return orjson.dumps({"type": "object", "properties": properties})
