"""What was refused is shown with its bytes, and heals when forewarn.toml learns to read it."""

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipelines.commands.push import tell_refused
from tests.e2e import tiny
from tests.e2e.conftest import run_in


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project in which one time has no offset, and one current is no number."""
    folder = tiny.write(tmp_path / "project")
    load = folder / "logs" / "load.csv"
    lines = load.read_text().splitlines()
    lines[5] = lines[5].replace("+00:00", "")
    lines[9] = lines[9].rpartition(",")[0] + ",much"
    load.write_text("\n".join(lines) + "\n")
    pushed = run_in(folder, "push", "logs/")
    assert pushed.code == 0
    assert (
        "refused: 2 of 300 records, most often time_zone_missing; which and why: forewarn quarantine"
        in pushed.err
    )
    return folder


def test_a_push_names_the_stream_of_which_nothing_was_accepted(capsys: pytest.CaptureFixture[str]) -> None:
    counts = {"received": 1_288, "accepted": 1_000, "quarantined": 288}
    summary = {
        "accounting": {
            "units": [{"unit": "member", "received": 2, "quarantined": 0}, {"unit": "record", **counts}],
            "streams": [
                {"stream": "load", "accepted": 0, "quarantined": 288},
                {"stream": "stops", "accepted": 1_000, "quarantined": 0},
            ],
        },
        "quarantine": [{"reason": "time_invalid"}],
    }
    pachd = SimpleNamespace(read=lambda *_: json.dumps(summary).encode())
    tell_refused(pachd, "commit")
    assert capsys.readouterr().err.splitlines() == [
        "refused: 288 of 1,288 records, most often time_invalid; which and why: forewarn quarantine",
        "no record of stream load was accepted: check its time, unit and fields",
    ]


def test_listed_shown_and_healed_once_the_configuration_tells_the_zone(project: Path) -> None:
    listed = run_in(project, "quarantine", "list", "--json").json
    assert [(row["line"], row["reason"]) for row in listed["records"]] == [
        (6, "time_zone_missing"),
        (10, "type_mismatch"),
    ]
    shown = run_in(project, "quarantine", "show", listed["records"][1]["id"][:6], "--json").json
    assert '"amps":"much"' in shown["raw"]

    config = project / "forewarn.toml"
    config.write_text(
        config.read_text().replace('files = "load.csv"', 'files = "load.csv"\ntime_zone = "UTC"')
    )
    retried = run_in(project, "quarantine", "retry", "--json")
    assert retried.code == 0, retried.err
    assert {key: retried.json[key] for key in ("files", "before", "after")} == {
        "files": 1,
        "before": 2,
        "after": 1,
    }
    assert "time_zone_missing: 1 of 1 healed" in retried.err
    left = run_in(project, "quarantine", "list", "--json").json["records"]
    assert [row["reason"] for row in left] == ["type_mismatch"]


def test_before_the_first_push_it_says_what_to_do(tmp_path: Path) -> None:
    folder = tiny.write(tmp_path / "project", hours=1)
    early = run_in(folder, "quarantine", "list")
    assert (early.code, "forewarn push PATH" in early.err) == (4, True)
