"""The pages say what summary.json says, and a failure's page what the robot's own tables say."""

import json
from pathlib import Path

import pytest

from reports import words
from reports.dashboard.app import create_app
from reports.dashboard.tokens import Tokens
from reports.dashboard.windows import last_days
from tests.reports.dashboard.asking import Client
from tests.reports.dashboard.conftest import COMMIT, JOB, Memory
from tests.reports.reading import Page, at

ROBOT = "/robots/amr-001"
PAGES = ("/", ROBOT, "/fleet", "/failures", "/model", "/data", "/alerts")


def read(ask: Client, path: str) -> Page:
    answer = ask.get(path)
    assert answer.status_code == 200, answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    return Page(answer.text)


@pytest.mark.parametrize("path", PAGES)
def test_every_number_of_a_page_is_the_one_in_the_summary(ask: Client, memory: Memory, path: str) -> None:
    page = read(ask, path)
    assert page.data or path == "/alerts"
    for pointer, value, _ in page.data:
        assert json.loads(value) == at(memory.summary, pointer), pointer


def test_the_pages_show_all_the_summary_is_about(ask: Client, memory: Memory) -> None:
    assert memory.summary is not None
    shown = {pointer for path in PAGES for pointer, _, _ in read(ask, path).data}
    robots = memory.summary["robots"]
    assert {f"/robots/{n}/risk" for n, one in enumerate(robots) if one["risk"] is not None} <= shown
    work = memory.summary["analytics"]["fleet"]["work"]
    for figure in ("availability", "mission_success"):
        assert work[figure]["low"] < work[figure]["value"] < work[figure]["high"]
    for figure in ("mttr_h", "availability", "mission_success", "charge_per_h"):
        assert f"/analytics/fleet/work/{figure}/value" in shown


def test_the_api_gives_the_summary_itself(ask: Client, memory: Memory) -> None:
    assert ask.get("/api/summary").json() == {"commit": COMMIT, "summary": memory.summary}


def test_a_failure_tells_what_was_said_before_it(ask: Client, memory: Memory) -> None:
    assert memory.summary is not None
    rows = memory.summary["failures"]["rows"]
    assert {row["warned"] for row in rows} == {True, False}
    for row in (next(row for row in rows if row["warned"]), next(row for row in rows if not row["warned"])):
        page = read(ask, f"/failures/{row['robot_id']}?at={row['at']}")
        text = " ".join(page.texts)
        assert ("Not warned of:" in text) == (not row["warned"])
        assert "It worked again" in text
        assert words.percent(row["risk_peak"]) in text
        others = sum(one["code"] == row["code"] for one in rows) - 1
        assert sum(tag == "th" and each.get("scope") == "row" for tag, each in page.elements) == min(
            others, 12
        )


def test_what_is_not_there_is_said(ask: Client) -> None:
    for path in ("/robots/none", "/failures/amr-001?at=2026-03-01T00:00:01Z", "/nothing"):
        assert ask.get(path).status_code == 404
    assert ask.get("/failures/amr-001?at=yesterday").status_code == 422
    assert "cannot be read" in ask.get("/failures/amr-001?at=2026-03-01").text


def test_a_robots_page_opens_around_a_moment_or_for_a_whole_day(ask: Client) -> None:
    around = ask.get(f"{ROBOT}?at=2026-03-02T06:00:00Z").text
    assert 'data-start="2026-03-02T05:00:00Z" data-end="2026-03-02T06:20:00Z"' in around
    assert 'href="?at=2026-03-02T05%3A00%3A00Z">Earlier' in around
    assert 'href="?day=2026-03-01"' in around
    whole = ask.get(f"{ROBOT}?day=2026-03-01").text
    assert 'data-start="2026-03-01T00:00:00Z" data-end="2026-03-02T00:00:00Z"' in whole
    assert ask.get(f"{ROBOT}?day=monday").status_code == 422


def test_texts_of_logs_are_escaped(ask: Client) -> None:
    page = ask.get(f"/pipelines/report/{COMMIT}").text
    assert "&lt;script&gt;alert(1)" in page


def test_a_window_shows_states_gaps_interventions_and_pieces(ask: Client) -> None:
    window = "start=2026-03-01T00:00:00Z&end=2026-03-01T02:10:00Z"
    value = ask.get(f"/api/robots/amr-002/timeline?{window}").json()
    start = value["start"]
    assert [3_000 - 10, 3_600] in [[a - start, b - start] for a, b in value["gaps"]]
    assert value["interventions"] == [start + 7_200]
    assert [piece["at"] for piece in value["quarantined"]] == [1_772_323_205]
    later = "start=2026-03-01T01:00:00Z&end=2026-03-01T02:10:00Z"
    assert ask.get(f"/api/robots/amr-002/timeline?{later}").json()["quarantined"] == []
    assert value["units"] == {"odometry__speed": "m/s"}
    runs = [[a - start, b - start, text] for a, b, text in value["states"]["mission__state"]]
    assert runs[:2] == [[0, 300, "busy"], [300, 600, "idle"]]
    assert [2_700, 2_990, "idle"] in runs
    assert len(value["risk"]["x"]) == len(value["risk"]["risk"]) == 12
    recording = ask.get(f"/api/robots/amr-002/window.mcap?{window}")
    assert recording.content[:5] == b"\x89MCAP"


def test_before_the_first_report_the_page_says_how_to_get_one(tmp_path: Path) -> None:
    empty = Client(create_app(Memory(None, None), tokens=Tokens(tmp_path / "t"), scratch=tmp_path))
    for path in ("/", "/fleet", "/failures", "/model"):
        assert "No report yet" in empty.get(path).text
    assert "A newer report" not in empty.get("/now?report=").text


def test_a_report_of_another_version_is_said_to_be_one(memory: Memory, tmp_path: Path) -> None:
    assert memory.summary is not None
    older = {name: part for name, part in memory.summary.items() if name != "watch"}
    asked = Client(create_app(Memory(older, memory.inputs), tokens=Tokens(tmp_path / "t"), scratch=tmp_path))
    assert asked.get("/").status_code == 200
    assert asked.get("/model").status_code == 503
    assert "another version of forewarn" in asked.get("/model").text


def test_a_page_tells_what_runs_and_that_a_newer_report_is_there(ask: Client) -> None:
    assert f'hx-get="/now?report={COMMIT}"' in ask.get("/").text
    assert "/now" not in ask.get("/data").text
    assert "3 of 4" in ask.get(f"/now?report={COMMIT}").text
    assert "A newer report" in ask.get("/now?report=older").text
    assert 'hx-trigger="every 1s"' in ask.get(f"/pipelines/report/{COMMIT}").text


def test_a_robot_that_is_sought_is_found_or_said_to_be_missing(ask: Client) -> None:
    assert 'href="/robots/amr-003"' in ask.get("/?find=AMR-003").text
    assert 'href="/robots/amr-001"' not in ask.get("/?find=AMR-003").text
    assert "No robot is called anything with <b>&lt;x&gt;</b>" in ask.get("/?find=%3Cx%3E").text


def test_only_days_with_data_are_offered() -> None:
    start, midnight = "2026-03-01T00:00:00Z", "2026-03-03T00:00:00Z"
    assert last_days(start, midnight) == ["2026-03-01", "2026-03-02"]
    assert last_days(start, "2026-03-03T00:00:01Z")[-1] == "2026-03-03"
    assert last_days("2026-01-01T00:00:00Z", midnight)[0] == "2026-02-17"
    assert last_days(None, midnight) == last_days(start, None) == []


def test_the_picture_of_the_pipelines_has_their_states_and_what_they_read(ask: Client) -> None:
    page = ask.get("/pipelines/live").text
    assert "report reads" in page
    assert f'<rect class="{JOB.state.lower()}"' in page
    assert '<rect class="repo"' in page
