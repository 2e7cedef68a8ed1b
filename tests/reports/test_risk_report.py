import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import DataError
from features.schema import FAILURES, TIMESTAMP
from models.explain import REASONS
from reports.inputs import RISK
from reports.risk_report import ReportInputs, build_report

Fleet = Callable[..., ReportInputs]
FILES = ("report.html", "risk.csv", "risk.parquet", "summary.json")


def built(inputs: ReportInputs, folder: Path) -> dict[str, Any]:
    build_report(inputs, folder)
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    assert isinstance(summary, dict)
    return summary


def shuffled(table: pa.Table) -> pa.Table:
    return table.take(pa.array(np.random.default_rng(3).permutation(table.num_rows)))


def test_the_same_data_in_any_order_gives_the_same_bytes(fleet: Fleet, tmp_path: Path) -> None:
    inputs = fleet()
    build_report(inputs, tmp_path / "one")
    again = {
        name: shuffled(getattr(inputs, name))
        for name in ("risk", "failures", "reasons", "join_quality", "facts", "accounting")
    }
    build_report(fleet(**again), tmp_path / "two")
    for name in FILES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


def test_the_summary_says_what_happened(fleet: Fleet, tmp_path: Path) -> None:
    summary = built(fleet(), tmp_path)
    assert summary["schema"] == 1
    assert summary["as_of"] == "2026-03-03T00:00:00Z"
    assert summary["headline"]["sentence"] == (
        "No robot is above the alert threshold now; 4 of 12 robots raised an alert in the last 24 h"
    )
    assert summary["headline"]["question"] == (
        "Risk is the calibrated probability that a failure begins within the next 10 min."
    )
    assert summary["accounting"]["units"] == [
        {
            "unit": "member",
            "received": 415_042,
            "accepted": 415_000,
            "duplicates": 30,
            "quarantined": 12,
            "sum": 415_042,
            "holds": True,
        },
        {
            "unit": "record",
            "received": 320_000,
            "accepted": 318_990,
            "duplicates": 910,
            "quarantined": 100,
            "sum": 320_000,
            "holds": True,
        },
    ]
    assert [(each["reason"], each["count"], each["sources"]) for each in summary["quarantine"]] == [
        ("broken_json", 2, 1),
        ("truncated_gzip", 1, 1),
    ]
    assert [(each["reason"], each["count"]) for each in summary["excluded"]] == [
        ("failure_in_window", 41),
        ("insufficient_data", 7),
    ]
    battery = summary["join"][0]
    assert (battery["stream"], battery["anchors"], battery["matched"]) == ("battery", 34_560, 33_280)
    assert (battery["worst_robot"], battery["distance_median_s"], battery["distance_p95_s"]) == (
        "amr-002",
        0.45,
        2.4,
    )
    assert summary["figures"][0]["recall"] == {
        "value": 0.807692,
        "low": 0.657692,
        "high": 0.957692,
    }


def test_lead_is_part_of_the_question(fleet: Fleet, tmp_path: Path) -> None:
    settings = fleet().settings
    summary = built(fleet(settings={**settings, "labels": {**settings["labels"], "lead": "1m"}}), tmp_path)
    assert summary["headline"]["question"] == (
        "Risk is the calibrated probability that a failure begins between 1 min and 11 min from the cut-off."
    )


def test_sums_that_do_not_add_up_are_said_aloud(fleet: Fleet, tmp_path: Path) -> None:
    accounting = pa.table(
        {"unit": ["record"], "received": [10], "accepted": [8], "duplicates": [1], "quarantined": [0]}
    )
    summary = built(fleet(accounting=accounting), tmp_path)
    assert summary["accounting"]["units"][0]["holds"] is False
    assert "does not add up" in (tmp_path / "report.html").read_text("utf-8")


def test_risk_files_agree_with_the_summary(fleet: Fleet, tmp_path: Path) -> None:
    summary = built(fleet(), tmp_path)
    table = pq.read_table(tmp_path / "risk.parquet")
    rows = list(csv.DictReader(io.StringIO((tmp_path / "risk.csv").read_text("utf-8"))))
    assert table.column_names == [
        *("rank", "robot_id", "risk", "risk_now", "risk_day", "risk_peak", "peak_at", "last_cutoff"),
        *("alerts", "failures", "status", "reasons", "why", "risk_before", "last_failure", "reasons_at"),
    ]
    assert list(rows[0]) == table.column_names
    assert table.schema.field("peak_at").type == TIMESTAMP
    for row, line, robot in zip(table.to_pylist(), rows, summary["robots"], strict=True):
        assert (row["rank"], row["robot_id"], row["status"]) == (
            robot["rank"],
            robot["robot_id"],
            robot["status"],
        )
        assert robot["risk"] == pytest.approx(row["risk"], rel=1e-5)
        assert (row["alerts"], row["failures"]) == (robot["alerts_day"], robot["episodes"])
        assert float(line["risk_day"]) == row["risk_day"]
        assert line["peak_at"] == robot["peak_at"]
        told = " | ".join(reason["words"] for reason in robot["reasons"])
        assert row["reasons"] == line["reasons"] == told


def test_a_text_that_a_spreadsheet_would_run_is_quoted_in_the_csv_alone(fleet: Fleet, tmp_path: Path) -> None:
    name = '=HYPERLINK("x")'
    risk = pa.table([[name], pa.array([10**18], pa.int64()).cast(TIMESTAMP), [0.5], [False]], schema=RISK)
    build_report(
        fleet(risk=risk, **emptied("failures", "reasons", "join_quality", "accounting", "facts")), tmp_path
    )
    rows = list(csv.DictReader(io.StringIO((tmp_path / "risk.csv").read_text("utf-8"))))
    assert rows[0]["robot_id"] == f"'{name}"
    assert pq.read_table(tmp_path / "risk.parquet").column("robot_id").to_pylist() == [name]


EMPTY: dict[str, Any] = {
    "risk": RISK.empty_table(),
    "reasons": REASONS.empty_table(),
    "failures": FAILURES.empty_table(),
    "evaluation": {},
    "card": {},
    "provenance": {},
}


def emptied(*names: str) -> dict[str, Any]:
    return {name: EMPTY.get(name, pa.table({})) for name in names}


EVERYTHING = (
    *("risk", "reasons", "failures", "excluded", "evaluation", "card", "accounting"),
    *("quarantine", "join_quality", "clocks", "facts", "provenance"),
)


@pytest.mark.parametrize("missing", [*[(name,) for name in EVERYTHING], ("evaluation", "card"), EVERYTHING])
def test_a_report_is_made_whatever_is_missing(fleet: Fleet, tmp_path: Path, missing: tuple[str, ...]) -> None:
    summary = built(fleet(4, 1.0, **emptied(*missing)), tmp_path)
    assert (tmp_path / "report.html").read_text("utf-8").rstrip().endswith("</html>")
    assert pq.read_table(tmp_path / "risk.parquet").num_rows == len(summary["robots"])


def test_nothing_at_all_says_so(fleet: Fleet, tmp_path: Path) -> None:
    summary = built(fleet(**emptied(*EVERYTHING)), tmp_path)
    text = (tmp_path / "report.html").read_text("utf-8")
    assert summary["as_of"] is None
    assert summary["robots"] == []
    assert summary["headline"]["sentence"] == "No robot can be scored yet"
    assert summary["model"]["verdict"]["word"] == "no model"
    for words in (
        "no data scored yet",
        "Nothing was received",
        "Nothing is in quarantine",
        "Nothing was joined",
        "No stream tells a time",
    ):
        assert words in text


@pytest.mark.parametrize(
    ("word", "style"), [("useful", "useful"), ("not useful", "not"), ("not enough failures to say", "few")]
)
def test_the_verdict_stands_at_the_top_in_its_own_words(
    fleet: Fleet, tmp_path: Path, word: str, style: str
) -> None:
    inputs = fleet(3)
    sentence = f"{word.capitalize()}: because."
    evaluation = {**inputs.evaluation}
    evaluation["by_time"] = {**evaluation["by_time"], "verdict": {"word": word, "sentence": sentence}}
    summary = built(fleet(3, evaluation=evaluation), tmp_path)
    text = (tmp_path / "report.html").read_text("utf-8")
    assert summary["model"]["verdict"] == {"word": word, "sentence": sentence}
    assert f'<div class="verdict {style}">\n<p><b>{word.capitalize()}</b>: because.' in text
    assert text.index('class="verdict') < text.index('id="robots"')
    assert ("Treat the ranking below as unproven" in text) == (word == "not useful")


def test_a_threshold_never_reached_is_said(fleet: Fleet, tmp_path: Path) -> None:
    summary = built(fleet(3, card={"threshold": 1.0}), tmp_path)
    assert summary["headline"]["sentence"] == "No alert can be raised: the model has no usable threshold"


def test_robots_without_numbers_are_listed_with_the_reason(fleet: Fleet, tmp_path: Path) -> None:
    facts = pa.table({"robot_id": ["amr-001", "amr-099"]})
    summary = built(fleet(3, facts=facts, **emptied("join_quality", "accounting")), tmp_path)
    last = summary["robots"][-1]
    assert (last["robot_id"], last["rank"], last["risk"], last["status"]) == (
        "amr-099",
        None,
        None,
        "cannot score",
    )
    assert "Cannot be scored" in (tmp_path / "report.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (
            {"risk": pa.table({"robot_id": ["a"], "cutoff": ["yesterday"], "risk": [0.1]})},
            "column cutoff of risk",
        ),
        ({"evaluation": {"by_time": 3}}, "evaluation does not fit"),
    ],
)
def test_inputs_that_break_their_contract_are_named(
    fleet: Fleet, tmp_path: Path, change: dict[str, Any], named: str
) -> None:
    with pytest.raises(DataError, match=named):
        build_report(fleet(3, **change), tmp_path)


def test_a_bad_duration_names_its_key(fleet: Fleet, tmp_path: Path) -> None:
    settings = fleet(1).settings
    with pytest.raises(DataError, match=r"labels\.horizon is not a duration"):
        build_report(
            fleet(3, settings={**settings, "labels": {**settings["labels"], "horizon": "soon"}}), tmp_path
        )
