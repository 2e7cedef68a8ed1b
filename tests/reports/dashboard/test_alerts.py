"""Alerts as pages and JSON: what stands, who acts on it, and that a verdict fits what was foretold."""

from tests.reports.dashboard.asking import Client
from tests.reports.dashboard.conftest import COMMIT, Memory

OWN = {"x-forewarn": "1"}


def test_the_page_lists_what_stands_what_was_resolved_and_what_was_sent(ask: Client) -> None:
    text = ask.get("/alerts").text
    assert "2 alerts stand open" in text
    assert "held back, beyond the budget" in text
    assert "repaired: new wheel (ana)" in text
    assert "answered 404" in text
    assert 'hx-post="/api/deliveries/7/again"' in text
    assert "<script>" not in text.partition("<body")[2]


def test_an_alerts_page_offers_verdicts_only_where_a_failure_was_foretold(ask: Client) -> None:
    foretold, job = ask.get(f"/alerts/{'a' * 20}").text, ask.get(f"/alerts/{'b' * 20}").text
    assert ("false alarm" in foretold, 'value="resolve"' in foretold) == (True, False)
    assert ("false alarm" in job, 'value="resolve"' in job) == (False, True)
    assert "0.25 s" in foretold
    assert ask.get("/alerts/nothing").status_code == 404


def test_feedback_is_kept_under_the_robot_and_cut_off_of_the_alert(ask: Client, memory: Memory) -> None:
    memory.said.clear()
    path = f"/api/alerts/{'a' * 20}/feedback"
    answer = ask.post(path, headers=OWN, json={"action": "repaired", "note": "new wheel"})
    assert answer.json() == {"commit": COMMIT}
    [said] = memory.said
    assert {**said, "when": ""} == {
        "robot_id": "amr-001",
        "at": "2026-03-02T06:00:00Z",
        "action": "repaired",
        "by": "local",
        "when": "",
        "to": "",
        "note": "new wheel",
        "alert": "a" * 20,
    }
    shown = ask.get(f"/api/alerts/{'a' * 20}").json()
    assert shown["outcome"]["verdict"] == "repaired"
    assert shown["deliveries"][0]["state"] == "gave up"
    memory.said.clear()


def test_a_verdict_on_what_foretold_no_failure_is_refused(ask: Client, memory: Memory) -> None:
    refused = ask.post(f"/api/alerts/{'b' * 20}/feedback", headers=OWN, json={"action": "true"})
    assert (refused.status_code, "expected: resolve" in refused.json()["detail"]) == (422, True)
    assert ask.post(f"/api/alerts/{'b' * 20}/feedback", headers=OWN, json={"action": "resolve"}).is_success
    assert memory.said.pop()["at"] == "2026-03-02T06:30:00Z"


def test_a_delivery_is_sent_again(ask: Client, memory: Memory) -> None:
    assert ask.post("/api/deliveries/7/again", headers=OWN).json() == {"delivery": 7}
    assert memory.again.pop() == 7


def test_the_list_is_paged_and_filtered(ask: Client) -> None:
    assert [one["id"][0] for one in ask.get("/api/alerts").json()] == ["a", "b", "c"]
    assert [one["id"][0] for one in ask.get("/api/alerts?state=resolved").json()] == ["c"]
    assert [one["id"][0] for one in ask.get("/api/alerts?limit=1&offset=1").json()] == ["b"]
    assert ask.get("/api/alerts?state=else").status_code == 422
