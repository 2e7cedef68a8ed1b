"""Promote, compare, roll back, ask why and query, through the commands a user types."""

from pathlib import Path

import pytest

from tests.e2e import tiny
from tests.e2e.conftest import run_in

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two days of two machines, pushed; the first model promoted; a third day pushed."""
    folder = tiny.write(tmp_path_factory.mktemp("models"), hours=48)
    assert run_in(folder, "push", "logs").code == 0
    return folder


def test_a_champion_stays_until_a_better_one_comes_and_can_be_taken_back(project: Path) -> None:
    first = run_in(project, "models", "list", "--json").json
    assert [(row["serves"], row["champion"]) for row in first] == [(True, False)]
    commit = first[0]["model"]
    promoted = run_in(project, "models", "promote", "--json")
    assert promoted.code == 0, promoted.err
    assert promoted.json["champion"] == commit
    assert promoted.json["contest"]["champion"] == commit
    again = run_in(project, "models", "promote", commit)
    assert (again.code, "champion already" in again.err) == (4, True)
    listed = run_in(project, "models", "list", "--json").json
    assert sum(row["champion"] for row in listed) == 1

    settings = (project / "forewarn.toml").read_text()
    (project / "forewarn.toml").write_text(settings.replace("[train]", '[train]\nretrain = "500h"'))
    pushed = run_in(project, "push", tiny.write(project / "more", hours=60) / "logs")
    assert pushed.code == 0, pushed.err
    kept = run_in(project, "models", "list", "--json").json[0]
    assert kept["champion"]
    assert kept["contest"]["serves"] == "champion"
    assert kept["contest"]["sentence"].startswith("No new model: ")
    assert "500 asked for" in kept["contest"]["sentence"]

    told = run_in(project, "why", "m1", "--json").json
    assert told["same_model"]
    change = told["change"]
    assert change["before"] + change["data"] + change["model"] == pytest.approx(change["after"])
    assert change["model"] == 0
    assert told["after"]["risk"] == pytest.approx(change["after"], rel=1e-4)
    said = run_in(project, "why", "m1")
    assert "the model: the same" in said.out
    nobody = run_in(project, "why", "m9")
    assert (nobody.code, "no robot m9" in nobody.err) == (4, True)

    back = run_in(project, "models", "rollback", "--json")
    assert (back.code, back.json["champion"], back.json["contest"]["serves"]) == (0, None, "challenger")
    none = run_in(project, "models", "rollback")
    assert (none.code, "no model was promoted" in none.err) == (4, True)
    compared = run_in(project, "models", "compare", commit, "--json").json
    assert compared["figures"]["threshold"]
    assert run_in(project, "models", "show", "--json").json["card"]["format"] == 1


def test_sql_reads_committed_tables_and_nothing_else(project: Path) -> None:
    summary = run_in(project, "report", "--json").json["summary"]
    rows = run_in(
        project, "query", "SELECT robot_id, max_by(risk, cutoff) r FROM risk GROUP BY 1 ORDER BY 1", "--json"
    ).json
    known = {robot["robot_id"]: robot["risk_now"] for robot in summary["robots"]}
    assert {row["robot_id"]: row["r"] for row in rows} == pytest.approx(known, rel=1e-4)
    older = run_in(project, "query", "SELECT count(*) n FROM failures", "--at", "master^", "--json")
    assert older.code == 0, older.err
    for sql, code, words in (
        ("SELECT * FROM read_csv('/etc/passwd'), risk", 2, "file system operations are disabled"),
        ("SELECT * FROM '/etc/passwd'", 2, "DuckDB refuses this query"),
        ("COPY risk TO 'x.csv'", 2, "one SELECT"),
        ("SELECT 1; SELECT 2", 2, "one SELECT"),
        ("SELEC 1", 2, "cannot read this SQL"),
    ):
        refused = run_in(project, "query", sql)
        assert (refused.code, words in refused.err) == (code, True), refused.err
    assert not (project / "x.csv").exists()
