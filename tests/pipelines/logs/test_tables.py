"""Tables as spreadsheets and exports write them."""

import io
import zipfile
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.config import LimitsSection, LogsSection, RobotSection, StreamSection
from pipelines.logs import tables
from pipelines.logs.extract import ExtractSettings, extract
from tests.abuse.watch import watched

from .conftest import workbook

STREAM = {
    "time": "when",
    "unit": "iso8601",
    "time_zone": "UTC",
    "fields": {"volt": "float", "note": "string"},
}


@pytest.fixture
def read(tmp_path):
    """Content of a file, and a stream that differs from STREAM → rows, reasons and counts."""

    def run(content, name="table.csv", limits=None, **changes):
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        spec = StreamSection.model_validate(STREAM | changes)
        logs = LogsSection(robot=RobotSection(constant="arm"), limits=LimitsSection(**limits or {}))
        settings = ExtractSettings(logs, {"power": spec})
        found = extract(file, f"/{name}", settings)
        counts = found.accounting.to_pylist()
        assert all(
            one["received"] == one["accepted"] + one["duplicates"] + one["quarantined"] for one in counts
        )
        rows = found.streams["power"].to_pylist()
        values = [(row["ts"].value // 10**6, *(row[field] for field in spec.fields)) for row in rows]
        return values, [(row["reason"], row["line"]) for row in found.quarantine.to_pylist()]

    return run


MORNING = 1_772_355_600_000


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_delimiter_is_the_one_that_cuts_the_header(read, mark):
    rows = [["when", "volt", "note, or not"], ["2026-03-01 09:00:00", "24.5", '"a;b,c|d\te"']]
    header, line = (
        mark.join(f'"{cell}"' if mark in cell and '"' not in cell else cell for cell in row) for row in rows
    )
    spec = {"volt": "float", "note": {"type": "string", "source": "note, or not"}}
    assert read(f"{header}\n{line}\n", fields=spec) == ([(MORNING, 24.5, "a;b,c|d\te")], [])


@pytest.mark.parametrize(("written", "declared"), [("volt ", "volt "), ("volt ", "volt"), ("volt", " volt")])
def test_spaces_around_the_name_of_a_column_do_not_count(read, written, declared):
    spec = {"volt": {"type": "float", "source": declared}}
    content = f"when ,{written},kind \n2026-03-01 09:00:00,24.5,a\n2026-03-01 09:00:00,1,b\n"
    assert read(content, fields=spec, where={"kind ": "a"}) == ([(MORNING, 24.5)], [])


def test_decimal_commas_are_declared_and_points_are_then_refused(read):
    text = "when;volt;note\n2026-03-01 09:00:00;24,5;x\n2026-03-01 09:00:01;1.024,5;x\n"
    assert read(text, decimal=",") == ([(MORNING, 24.5, "x")], [("type_mismatch", 3)])
    assert read(text) == ([], [("type_mismatch", 2), ("type_mismatch", 3)])


def test_times_of_a_zone_and_times_with_an_offset(read):
    text = (
        "when,volt,note\n2026-03-01 10:00:00,1,a\n2026-03-01T09:00:00Z,2,b\n2026-03-01T04:00:00-05:00,3,c\n"
    )
    assert read(text, time_zone="Europe/Berlin")[0] == [
        (MORNING, 1.0, "a"),
        (MORNING, 2.0, "b"),
        (MORNING, 3.0, "c"),
    ]


@pytest.mark.parametrize(
    ("unit", "text"), [("ms", "1772355600000"), ("s", "1772355600.0"), ("s", "1772355600")]
)
def test_epoch_times_are_texts_too(read, unit, text):
    assert read(f"when,volt,note\n{text},1,a\n,2,b\nsoon,3,c\n", unit=unit) == (
        [(MORNING, 1.0, "a")],
        [("time_missing", 3), ("time_invalid", 4)],
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings_with_a_mark(read, encoding):
    text = "when,volt,note\n2026-03-01 09:00:00,24.5,größer\n"
    assert read(text.encode(encoding)) == ([(MORNING, 24.5, "größer")], [])


def test_bytes_that_are_no_text_cost_their_row(read):
    text = "when,volt,note\n2026-03-01 09:00:00,1,größer\n2026-03-01 09:00:01,2,plain\n"
    rows, refused = read(text.encode("latin-1"))
    assert rows == [(MORNING + 1000, 2.0, "plain")]
    assert refused == [("not_utf8", 2)]


def test_quoted_line_breaks_empty_lines_and_wrong_widths(read):
    text = 'when,volt,note\n2026-03-01 09:00:00,1,"two\nlines"\n\n2026-03-01 09:00:01,2\n'
    text += "2026-03-01 09:00:02,3,c\n"
    rows, refused = read(text)
    assert rows == [(MORNING, 1.0, "two\nlines"), (MORNING + 2000, 3.0, "c")]
    assert refused == [("wrong_column_count", 5)]


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        (b"", "table.csv", "table_empty"),
        (b"no workbook", "table.xlsx", "table_unreadable"),
        (b"PAR1", "table.parquet", "table_unreadable"),
        (b"when,volts,note\n2026-03-01 09:00:00,1,a\n", "table.csv", "column_missing"),
    ],
)
def test_a_table_that_cannot_be_read_is_told(read, content, name, reason):
    rows, refused = read(content, name)
    assert rows == []
    assert [why for why, _ in refused] == [reason]


def test_a_workbook_holds_texts_numbers_dates_and_empty_cells(read):
    rows = [
        ["when", "volt", "note"],
        [datetime(2026, 3, 1, 9, tzinfo=UTC), 24.5, "größer"],
        ["2026-03-01 09:00:01", "25.5", None],
        [datetime(2026, 3, 1, 9, 0, 2, tzinfo=UTC), None, "c"],
        ["soon", 3, "d"],
        [datetime(2026, 3, 1, 9, 0, 4, tzinfo=UTC), "high", "e"],
    ]
    assert read(workbook(rows), "table.xlsx") == (
        [(MORNING, 24.5, "größer"), (MORNING + 1000, 25.5, None), (MORNING + 2000, None, "c")],
        [("time_invalid", 5), ("type_mismatch", 6)],
    )


def test_a_sheet_is_read_by_its_name(read):
    rows = [["when", "volt", "note"], ["2026-03-01 09:00:00", 1, "a"]]
    assert read(workbook(rows, "Läufe"), "table.xlsx", sheet="Läufe") == ([(MORNING, 1.0, "a")], [])
    assert read(workbook(rows), "table.xlsx", sheet="Läufe") == ([], [("table_unreadable", None)])


def parquet(**options):
    table = pa.table(
        {
            "when": pa.array([MORNING, MORNING + 1, None, MORNING + 3], pa.timestamp("ms", "UTC")),
            "volt": pa.array([24.5, None, 3.0, float("nan")], pa.float32()),
            "note": pa.array(["größer", "b", "c", "d"]).dictionary_encode(),
        }
    )
    file = io.BytesIO()
    pq.write_table(table, file, **options)
    return file.getvalue()


@pytest.mark.parametrize("compression", ["none", "snappy", "zstd"])
def test_parquet_keeps_its_types(read, compression):
    assert read(parquet(compression=compression), "table.parquet") == (
        [(MORNING, 24.5, "größer"), (MORNING + 1, None, "b")],
        [("time_missing", 4), ("not_finite", 5)],
    )


@pytest.mark.parametrize("batch", [1, 3, tables.BATCH])
def test_a_damaged_row_group_costs_itself(read, monkeypatch, batch):
    monkeypatch.setattr(tables, "BATCH", batch)
    raw = parquet(row_group_size=1, compression="none", use_dictionary=False)
    at = pq.ParquetFile(io.BytesIO(raw)).metadata.row_group(2).column(1).data_page_offset
    rows, refused = read(raw[:at] + b"\xff" * 20 + raw[at + 20 :], "table.parquet")
    assert rows == [(MORNING, 24.5, "größer"), (MORNING + 1, None, "b")]
    assert refused == [("bad_row", 4), ("not_finite", 5)]


@pytest.mark.parametrize("batch", [1, 3, tables.BATCH])
def test_what_was_read_before_a_table_breaks_counts(read, monkeypatch, batch):
    monkeypatch.setattr(tables, "BATCH", batch)
    rows = "".join(f"2026-03-01 09:00:0{tick},{tick},a\n" for tick in range(4))
    found, refused = read("when,volt,note\n" + rows + "x" * 5_000, limits={"entry_bytes": 4_000})
    assert found == [(MORNING + 1000 * tick, float(tick), "a") for tick in range(4)]
    assert refused == [("entry_too_large", None)]


def test_a_quote_that_never_ends_is_told_with_the_lines_it_took(read):
    head, good = "when,volt,note\n", "2026-03-01 09:00:0{0},{0},{1}\n".format
    open_end = head + good(0, "a") + good(1, '"b') + good(2, "c") + good(3, "d")
    assert read(open_end) == ([(MORNING, 0.0, "a")], [("bad_row", 3)])
    mended = head + good(0, "a") + good(1, '"b" c') + good(2, "c")
    assert read(mended) == ([(MORNING, 0.0, "a"), (MORNING + 2000, 2.0, "c")], [("bad_row", 3)])
    long = head + good(0, "a") + good(1, '"b') + good(2, "x" * 140_000) + good(3, "d")
    assert read(long) == ([(MORNING, 0.0, "a"), (MORNING + 3000, 3.0, "d")], [("bad_row", 3)])


@pytest.mark.parametrize(
    ("limits", "reason"),
    [({"entry_bytes": 50_000}, "entry_too_large"), ({"compression_ratio": 20}, "compression_ratio")],
)
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_workbook_that_unfolds_too_far_is_not_opened(read, limits, reason, method):
    rows = [["when", "volt", "note"], ["2026-03-01 09:00:00", 1, "0" * 100_000]]
    stored = method == zipfile.ZIP_STORED and reason == "compression_ratio"
    found = read(workbook(rows, method=method), "table.xlsx", limits=limits)
    assert found[1] == ([] if stored else [(reason, None)])
    assert len(found[0]) == stored


def test_a_parquet_file_of_more_rows_than_its_bytes_can_hold_is_not_read(read):
    file = io.BytesIO()
    pq.write_table(
        pa.table({name: pa.nulls(2_000_000, pa.int8()) for name in ("when", "volt", "note")}), file
    )
    assert read(file.getvalue(), "table.parquet") == ([], [("compression_ratio", None)])


@pytest.mark.parametrize("nested", [False, True])
def test_a_parquet_file_whose_texts_unfold_too_far_is_left_at_once(read, nested):
    count = 3_000 if nested else 30_000
    places, long = pa.array([0] * count, pa.int32()), pa.array(["0" * 20_000])
    notes = pa.DictionaryArray.from_arrays(places, long)
    if nested:
        notes = pa.ListArray.from_arrays(range(count + 1), notes.dictionary_decode())
    nothing = pa.nulls(count, pa.int8())
    table = pa.table({"when": nothing, "volt": nothing, "note": notes})
    pq.write_table(table, file := io.BytesIO(), compression="zstd")
    assert len(file.getvalue()) < 5_000
    with watched(mib=100):
        assert read(file.getvalue(), "table.parquet") == ([], [("compression_ratio", None)])


def test_texts_of_a_parquet_file_that_are_the_same_are_read_as_often_as_they_stand_there(read):
    notes = ["a", "b", None, "a"] * 700
    when = pa.array(
        [f"2026-03-01 {9 + n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}" for n in range(len(notes))]
    )
    table = pa.table({"when": when, "volt": pa.array(range(len(notes))), "note": pa.array(notes)})
    pq.write_table(table, file := io.BytesIO())
    found, refused = read(file.getvalue(), "table.parquet", limits={"entry_bytes": 1_000})
    assert not refused
    assert [note for _, _, note in found] == notes
