"""Tables as spreadsheets and exports write them."""

import pytest

from pipelines.config import LogsSection, RobotSection, StreamSection
from pipelines.logs.extract import ExtractSettings, extract

STREAM = {
    "time": "when",
    "unit": "iso8601",
    "time_zone": "UTC",
    "fields": {"volt": "float", "note": "string"},
}


@pytest.fixture
def read(tmp_path):
    """Content of a file, and a stream that differs from STREAM → rows, reasons and counts."""

    def run(content, name="table.csv", **changes):
        file = tmp_path / name
        file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
        spec = StreamSection.model_validate(STREAM | changes)
        settings = ExtractSettings(LogsSection(robot=RobotSection(constant="arm")), {"power": spec})
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
