"""What each kind of receiver is sent, literally; names from logs cannot speak its language."""

from dataclasses import replace

from pipelines.alerts import payloads
from pipelines.alerts.state import Event
from tests.pipelines.alerts.conftest import ALERT, AT, RAISED, RESOLVED


def test_webhook() -> None:
    assert payloads.webhook(RAISED, "warehouse 7") == {
        "format": 1,
        "id": "0123456789abcdef0123-raised",
        "event": "raised",
        "at": "2026-03-01T06:30:00Z",
        "project": "warehouse 7",
        "text": "amr-1: risk of failure 81 %",
        "alert": {
            "id": "0123456789abcdef0123",
            "rule": "risk",
            "subject": "amr-1",
            "told": "amr-1: risk of failure 81 %",
            "severity": "critical",
            "raised": "2026-03-01T06:30:00Z",
            "evidence": "2026-03-01T06:30:00Z",
            "commit": "c1",
            "value": 0.81,
            "robot": "amr-1",
            "cutoff": "2026-03-01T06:00:00Z",
            "held": False,
            "quiet_since": None,
            "acknowledged_by": None,
            "assigned_to": None,
            "resolved": None,
            "resolved_by": "",
            "why": "",
        },
    }


def test_pagerduty_triggers_and_resolves_under_one_key() -> None:
    assert payloads.pagerduty(RAISED, "warehouse 7", "KEY") == {
        "routing_key": "KEY",
        "event_action": "trigger",
        "dedup_key": "0123456789abcdef0123",
        "payload": {
            "summary": "amr-1: risk of failure 81 %",
            "source": "amr-1",
            "severity": "critical",
            "timestamp": "2026-03-01T06:30:00Z",
            "component": "warehouse 7",
            "class": "risk",
            "custom_details": {
                "rule": "risk",
                "subject": "amr-1",
                "value": 0.81,
                "cutoff": "2026-03-01T06:00:00Z",
                "commit": "c1",
                "raised": "2026-03-01T06:30:00Z",
            },
        },
    }
    assert payloads.pagerduty(RESOLVED, "warehouse 7", "KEY") == {
        "routing_key": "KEY",
        "event_action": "resolve",
        "dedup_key": "0123456789abcdef0123",
    }
    spent = Event("budget-7", "budget", AT, "spent", ("ops",))
    assert payloads.pagerduty(spent, "w", "KEY")["payload"]["severity"] == "info"


def test_slack() -> None:
    told = payloads.slack(RAISED, "warehouse 7")
    assert told["text"] == "🔔 amr-1: risk of failure 81 %"
    assert [block["type"] for block in told["blocks"]] == ["section", "context"]


def test_a_robots_name_cannot_mention_a_channel_or_forge_a_header() -> None:
    name = "<!channel> & \r\nBcc: all@example.com"
    event = replace(RAISED, told=name, alert=replace(ALERT, subject=name))
    assert payloads.slack(event, "w")["text"] == "🔔 &lt;!channel&gt; &amp;  Bcc: all@example.com"
    mail = payloads.email(event, "w", "forewarn@example.com", ("ops@example.com",))
    assert mail["Subject"] == "[w] <!channel> &  Bcc: all@example.com"
    assert mail["Bcc"] is None


def test_mails_of_one_alert_are_one_thread() -> None:
    first, last = (
        payloads.email(one, "w", "Forewarn <f@example.com>", ("ops@example.com",))
        for one in (RAISED, RESOLVED)
    )
    assert first["Message-ID"] == "<0123456789abcdef0123-raised@example.com>" == last["In-Reply-To"]
    assert "value: 0.81" in first.get_content()
