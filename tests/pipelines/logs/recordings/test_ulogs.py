"""PX4 logs: instances, boot times set to UTC, dropouts, and logs that are cut off or damaged."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.logs.recordings import ulog_file
from tests.pipelines.logs.recordings import made

FIELDS = {
    "voltage_v": {"type": "float", "unit": "V"},
    "ok": "bool",
    "cell": {"type": "float", "source": "cells[1]"},
    "name": "string",
    "none": "float",
}
STREAMS = {
    "battery": {"topic": "battery_status", "fields": FIELDS},
    "second": {"topic": "battery_status:1", "time": "timestamp", "fields": {"voltage_v": "float"}},
    "text": {"topic": "logged_messages", "kind": "events", "fields": {"message": "string"}},
}


def read(
    content: bytes, folder: Path, streams: dict[str, object] = STREAMS, **logs: object
) -> made.Extraction:
    file = folder / "x500.ulg"
    file.write_bytes(content)
    return made.read(file, made.settings(streams, **logs), "/day/x500.ulg")


def test_columns_and_instances(tmp_path: Path) -> None:
    found = read(made.ulog(3), tmp_path)
    rows = found.streams["battery"].to_pylist()
    assert [row["voltage_v"] for row in rows] == [None, 20.25, 20.5]
    assert [(row["ok"], row["cell"], row["name"], row["none"]) for row in rows] == [
        (False, 2.5, "main", None),
        (True, 2.5, "main", None),
        (False, 2.5, "main", None),
    ]
    assert found.streams["second"].column("voltage_v").to_pylist() == [None, 21.25, 21.5]
    assert found.streams["text"].column("message").to_pylist() == ["Takeoff"]


def test_boot_times_become_utc_by_the_gps(tmp_path: Path) -> None:
    found = read(made.ulog(3), tmp_path)
    expected = [made.START + 2_000_000_000 + n * 100_000_000 for n in range(3)]
    for name in ("battery", "second"):
        assert [ts.value for ts in found.streams[name].column("ts").to_pylist()] == expected


def test_or_by_the_declared_start(tmp_path: Path) -> None:
    found = read(made.ulog(3, gps=False), tmp_path, start="2026-03-01T12:00:00+01:00")
    assert [str(ts) for ts in found.streams["battery"].column("ts").to_pylist()] == [
        "2026-03-01 11:00:01+00:00",
        "2026-03-01 11:00:01.100000+00:00",
        "2026-03-01 11:00:01.200000+00:00",
    ]


def test_or_are_refused_with_what_to_do(tmp_path: Path) -> None:
    found = read(made.ulog(3, gps=False, dropouts=0), tmp_path)
    assert made.reasons(found) == ["no_utc"] * 3
    assert made.refused(found) == 3 + 3 + 1
    assert "logs.start" in found.quarantine.column("detail")[0].as_py()


def test_dropouts_are_counted(tmp_path: Path) -> None:
    found = read(made.ulog(3, dropouts=4), tmp_path)
    assert made.reasons(found) == ["logger_dropout"]
    assert made.refused(found) == 4
    assert "100 ms" in found.quarantine.column("detail")[0].as_py()


def test_other_instances_and_filtered_rows_are_counted(tmp_path: Path) -> None:
    streams = {"battery": STREAMS["battery"] | {"where": {"ok": True}}}
    found = read(made.ulog(10, instances=3), tmp_path, streams)
    assert made.counted(found, "other message") == 2 * 10
    assert made.counted(found, "other message", "battery") == 5
    assert len(found.streams["battery"]) == 5


@pytest.mark.parametrize("dropouts", [0, 1])
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(share=st.floats(0, 1, exclude_max=True))
def test_a_truncated_log_is_read_up_to_where_it_ends(tmp_path: Path, dropouts: int, share: float) -> None:
    whole = made.ulog(20, dropouts=dropouts)
    found = read(whole[: int(len(whole) * share)], tmp_path, start="2026-03-01T12:00:00Z")
    rows = found.streams["battery"].to_pylist()
    assert (
        rows
        == read(whole, tmp_path, start="2026-03-01T12:00:00Z").streams["battery"].to_pylist()[: len(rows)]
    )


def test_a_message_that_is_cut_off_is_told_of(tmp_path: Path) -> None:
    found = read(made.ulog(20, dropouts=0)[:-3], tmp_path)
    assert made.reasons(found) == ["truncated_recording"]


def test_a_tail_never_written_costs_nothing_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = made.ulog(20, dropouts=0)
    monkeypatch.setattr(ulog_file, "MOST_STEPS", 1_000)
    found = read(whole + bytes(10_000_000), tmp_path)
    assert found.streams["battery"].equals(read(whole, tmp_path).streams["battery"])
    assert made.reasons(found) == ["corrupt_recording"]


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_mutation_crashes_or_loses_count(tmp_path: Path, data: st.DataObject) -> None:
    content = bytearray(made.ulog(8))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    read(bytes(content), tmp_path)


@pytest.mark.parametrize(
    "formats",
    [b"a:a[2] x;", b"a:b[60000] x;|b:c[60000] x;|c:uint8_t[60000] x;"],
)
def test_definitions_that_explode_are_refused(tmp_path: Path, formats: bytes) -> None:
    head, sep, rest = made.ulog(1).partition(b"battery_status:")
    blocks = [len(one).to_bytes(2, "little") + b"F" + one for one in formats.split(b"|")]
    content = head[:-3] + b"".join(blocks) + head[-3:] + sep + rest
    assert made.reasons(read(content, tmp_path)) == ["bad_ulog"]
