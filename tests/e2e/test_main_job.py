"""Push to report, incremental pushes, quarantine and crashes, through the commands a user types."""

import json
import os
import shutil
import signal
import subprocess
import zipfile
from pathlib import Path

import pytest

from pipelines.commands.trace import SECTIONS
from tests.e2e.conftest import FOREWARN, Ran, environment, run_in

STEPS = ["extract", "join", "features", "train", "score", "report"]


def counts(ran: Ran) -> dict[str, tuple[int, int]]:
    """Pipeline → datums that ran and were skipped."""
    return {job["pipeline"]: (job["processed"], job["skipped"]) for job in ran.json["jobs"]}


@pytest.fixture(scope="module")
def project(fleet: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with the fleet pushed and every pipeline run."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(fleet / "forewarn.toml", folder)
    pushed = run_in(folder, "push", fleet / "logs", "--json")
    assert pushed.code == 0, pushed.err
    assert counts(pushed) == {
        "extract": (4, 0),
        "join": (4, 0),
        "features": (4, 0),
        "train": (1, 0),
        "score": (4, 0),
        "report": (1, 0),
    }
    assert "next: forewarn report --open" in pushed.err
    assert list((folder / ".forewarn" / "binned").glob("*.bin")), (
        "training rows are kept without a daemon, too"
    )
    return folder


def test_the_report_is_written_and_its_numbers_agree(project: Path) -> None:
    shown = run_in(project, "report", "--json")
    assert shown.code == 0, shown.err
    folder = Path(shown.json["folder"])
    assert sorted(path.name for path in folder.iterdir()) == [
        "report.html",
        "risk.csv",
        "risk.parquet",
        "summary.json",
    ]
    assert json.loads((folder / "summary.json").read_text()) == shown.json["summary"]
    robots = [robot["robot_id"] for robot in shown.json["summary"]["robots"]]
    assert sorted(robots) == ["amr-001", "amr-002"]
    assert (folder / "report.html").stat().st_size < 1_000_000


def test_a_sweep_scores_every_window_and_lead_from_what_is_joined(project: Path) -> None:
    swept = run_in(project, "sweep", "--windows", "42s,10s", "--leads", "0s,30s", "--json")
    assert swept.code == 0, swept.err
    told = swept.json
    assert [(cell["window_s"], cell["lead_s"]) for cell in told["cells"]] == [
        (10.0, 0.0), (10.0, 30.0), (42.0, 0.0), (42.0, 30.0),
    ]  # fmt: skip
    assert all(cell["features"] > 10 and cell["rows"] > 100 for cell in told["cells"])
    folder = Path(told["folder"])
    assert json.loads((folder / "sweep.json").read_text())["cells"] == told["cells"]
    assert "<svg" in (folder / "sweep.html").read_text()
    far = run_in(project, "sweep", "--windows", "1h")
    assert far.code == 2
    assert "a window reaches further back than the join kept" in far.err
    assert run_in(project, "sweep", "--windows", "10").code == 2


def test_the_planted_dirt_is_in_quarantine_and_the_accounts_balance(project: Path, fleet: Path) -> None:
    truth = json.loads((fleet / "truth.json").read_text())
    planted = sorted(
        (f"/{dirt['file']}", dirt["member"], dirt["reason"]) for dirt in truth["dirt"] if dirt["reason"]
    )
    found = run_in(project, "quarantine", "list", "--number", "1000", "--json").json
    assert sorted((row["source"], row["member"], row["reason"]) for row in found["records"]) == planted
    for sums in found["accounting"].values():
        assert sums["accepted"] + sums["duplicates"] + sums["quarantined"] == sums["received"]
    assert found["accounting"]["member"]["quarantined"] == sum(
        reason in ("truncated_gzip", "bad_json") for _, _, reason in planted
    )


def test_pushing_the_same_files_again_runs_nothing(project: Path, fleet: Path) -> None:
    again = run_in(project, "push", fleet / "logs", "--json")
    assert again.code == 0, again.err
    assert {pipeline: ran for pipeline, (ran, _) in counts(again).items()} == dict.fromkeys(STEPS, 0)


def test_one_changed_robot_day_runs_only_what_it_reaches(project: Path, fleet: Path, tmp_path: Path) -> None:
    changed = without_noon(fleet / "logs" / "2026-03-02" / "amr-002.zip", tmp_path / "amr-002.zip")
    before = run_in(project, "report", "--json").json["summary"]
    told = run_in(project, "plan", changed, "--to", "/2026-03-02", "--json").json["pipelines"]
    pushed = run_in(project, "push", changed, "--to", "/2026-03-02", "--json")
    assert pushed.code == 0, pushed.err
    ran = counts(pushed)
    foreseen = {one["pipeline"]: (one["certain"], one["certain"] + one["may"]) for one in told}
    assert foreseen["extract"] == (1, 1)
    assert all(least <= ran[pipeline][0] <= most for pipeline, (least, most) in foreseen.items())
    assert ran["extract"] == (1, 3)
    assert ran["join"] == (1, 3)
    assert ran["features"] == (1, 3)
    listed = run_in(project, "datums", "features", pushed.json["commit"], "--state", "success", "--json").json
    assert [datum["inputs"] for datum in listed] == [
        ["config:/features.json", "join:/observations/amr-002/2026-03-02/", "join:/halo/amr-002/2026-03-02/"]
    ]
    after = run_in(project, "report", "--json").json["summary"]
    assert after["provenance"] != before["provenance"]
    assert after["accounting"] != before["accounting"]


def test_a_robots_risk_leads_to_its_messages_and_a_log_to_its_reports(project: Path) -> None:
    log = "/2026-03-02/amr-002.zip"
    traced = run_in(project, "trace", "amr-002", "--number", "5", "--json")
    assert traced.code == 0, traced.err
    made = [row for row in traced.json["rows"] if row["kind"] == "made"]
    assert list(dict.fromkeys(row["pipeline"] for row in made)) == ["score", "features", "join", "extract"]
    assert log in {row["path"] for row in traced.json["rows"] if row["kind"] == "pushed"}
    last = traced.json["messages"][-1]
    assert (last["file"], len(traced.json["messages"])) == (log, 5)
    assert last["ts"][:19] <= traced.json["at"][:19]
    on = run_in(project, "trace", log, "--json").json
    jobs = run_in(project, "jobs", "--pipeline", "report", "--json").json
    reports = [job["commit"] for job in jobs if job["total"]]
    assert [commit for version in on["versions"] for commit in reversed(version["commits"])] == reports
    assert on["robots"] == ["amr-002"]
    summary = run_in(project, "report", "--json").json["summary"]
    assert summary.keys() - SECTIONS.keys() == {
        "schema", "project", "title", "as_of", "rank_by", "question", "since", "taken", "provenance",
    }  # fmt: skip
    number = run_in(project, "trace", "/quarantine", "--json").json
    assert {row["pipeline"] for row in number["rows"] if row["kind"] == "made"} == {"extract"}


def test_two_reports_differ_in_robots_hours_failures_and_risk(project: Path) -> None:
    first = run_in(project, "jobs", "--pipeline", "extract", "--json").json[-2]["commit"]
    found = run_in(project, "diff", first, "--json")
    assert found.code == 0, found.err
    assert found.json["fleet"]["robots"] == {"before": 2, "after": 2, "change": 0}
    assert [file["path"] for file in found.json["files"]] == ["/2026-03-02/amr-002.zip"]
    assert "amr-001" not in {r["robot_id"] for r in found.json["robots"] if r["robot_hours"]["change"]}


def without_noon(archive: Path, target: Path) -> Path:
    """A copy of a day archive without its messages of one minute at noon."""
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(target, "w") as new:
        members = sorted(old.namelist())
        noon = len(members) // 2
        for name in members[:noon] + members[noon + 12 :]:
            new.writestr(name, old.read(name))
    return target


def test_a_killed_push_and_a_killed_job_lose_nothing_and_are_finished_later(
    project: Path, fleet: Path, tmp_path: Path
) -> None:
    shutil.copy(fleet / "forewarn.toml", tmp_path)
    for moment in ("push", "job"):
        process = subprocess.Popen(
            [*FOREWARN, "push", str(fleet / "logs")],
            cwd=tmp_path,
            env=environment(),
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert process.stderr is not None
        if moment == "job":
            assert any(line.startswith("pushed") for line in process.stderr)
        else:
            objects = tmp_path / ".forewarn" / "objects"
            while process.poll() is None and not (objects.is_dir() and any(objects.iterdir())):
                os.sched_yield()
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stderr.close()

    again = run_in(tmp_path, "push", fleet / "logs", "--json")
    assert again.code == 0, again.err
    assert {job["state"] for job in again.json["jobs"]} == {"SUCCESS"}
    rebuilt = Path(run_in(tmp_path, "report", "--json").json["folder"])
    first = run_in(project, "jobs", "--pipeline", "extract", "--json").json[-2]["commit"]
    original = Path(run_in(project, "report", first, "--json").json["folder"])
    assert (rebuilt / "risk.csv").read_bytes() == (original / "risk.csv").read_bytes()


def test_mistakes_have_their_exit_codes_and_say_what_to_do(project: Path, tmp_path: Path) -> None:
    nowhere = run_in(tmp_path, "push", ".")
    assert (nowhere.code, "forewarn init" in nowhere.err) == (4, True)
    missing = run_in(project, "push", "absent.zip")
    assert (missing.code, "nothing at absent.zip" in missing.err) == (4, True)
    unseen = run_in(project, "push", project / "forewarn.toml")
    assert (unseen.code, "logs.glob" in unseen.err) == (3, True)
    state = run_in(project, "datums", "features", "--state", "odd")
    assert (state.code, "success, skipped" in state.err) == (2, True)
    unknown = run_in(project, "jobs", "0" * 32)
    assert unknown.code == 4
    (tmp_path / "forewarn.toml").write_text("[join]\nancor = 1\n")
    config = run_in(tmp_path, "status")
    assert config.code == 3
    assert "did you mean 'anchor'" in config.err
    assert not any("Traceback" in ran.err for ran in (nowhere, missing, unseen, state, unknown, config))
