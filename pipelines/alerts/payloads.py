"""An event in the words of each kind of receiver. Names come from logs: they are quoted as each asks for."""

import re
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any, Final

import msgspec

from pipelines.alerts.state import Alert, Event

FORMAT: Final = 1
_ACTIONS: Final = {"raised": "trigger", "acknowledged": "acknowledge", "resolved": "resolve"}
_MARKS: Final = {
    "raised": "🔔",
    "acknowledged": "👀",
    "resolved": "✅",
    "budget": "⏸",
    "held": "⏸",
    "test": "🔧",
}
_UNSEEN: Final = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")


def webhook(event: Event, project: str) -> dict[str, Any]:
    """The event as it is; `id` is the same in every attempt."""
    alert = msgspec.to_builtins(event.alert) if event.alert else None
    if alert is not None:
        del alert["to"]
    return {
        "format": FORMAT,
        "id": event.id,
        "event": event.kind,
        "at": _iso(event.at),
        "project": project,
        "text": event.told,
        "alert": alert,
    }


def slack(event: Event, project: str) -> dict[str, Any]:
    """An incoming webhook's message.

    https://docs.slack.dev/messaging/formatting-message-text
    """
    text = f"{_MARKS[event.kind]} {_slack(event.told)}"
    about = f"{event.alert.severity} · rule {event.alert.rule} · " if event.alert else ""
    return {
        "text": text,
        "blocks": [
            {"type": "section", "text": {"type": "mrkdwn", "text": text}},
            {
                "type": "context",
                "elements": [
                    {"type": "mrkdwn", "text": f"{_slack(about + project)} · {_iso(event.at)} · {event.id}"}
                ],
            },
        ],
    }


def pagerduty(event: Event, project: str, key: str) -> dict[str, Any]:
    """Events API v2: alerts trigger and resolve under their id, the budget's words are events of their own.

    https://developer.pagerduty.com/docs/send-alert-event
    """
    told: dict[str, Any] = {
        "routing_key": key,
        "event_action": _ACTIONS.get(event.kind, "trigger"),
        "dedup_key": event.alert.id if event.alert else event.id,
    }
    if told["event_action"] == "trigger":
        told["payload"] = {
            "summary": event.told[:1_024],
            "source": event.alert.robot or event.alert.subject if event.alert else project,
            "severity": event.alert.severity if event.alert else "info",
            "timestamp": _iso(event.at),
            "component": project,
            "class": event.alert.rule if event.alert else event.kind,
            "custom_details": _details(event.alert),
        }
    return told


def email(event: Event, project: str, sender: str, recipients: tuple[str, ...]) -> EmailMessage:
    """A plain mail; everything about one alert is one thread."""
    message = EmailMessage()
    message["Subject"] = _line(f"[{project}] {event.told}")[:200]
    message["From"], message["To"] = sender, ", ".join(recipients)
    message["Date"] = format_datetime(event.at)
    domain = sender.rpartition("@")[2].rstrip(">")
    message["Message-ID"] = f"<{event.id}@{domain}>"
    if event.alert and event.kind != "raised":
        message["In-Reply-To"] = message["References"] = f"<{event.alert.id}-raised@{domain}>"
    lines = [event.told, ""] + [f"{name}: {value}" for name, value in _details(event.alert).items()]
    message.set_content("\n".join(map(_line, lines)) + "\n")
    return message


def _details(alert: Alert | None) -> dict[str, Any]:
    if alert is None:
        return {}
    return {
        "rule": alert.rule,
        "subject": alert.subject,
        "value": alert.value,
        "cutoff": alert.cutoff,
        "commit": alert.commit,
        "raised": _iso(alert.raised),
    }


def _slack(text: str) -> str:
    return _line(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _line(text: str) -> str:
    return _UNSEEN.sub(" ", text)


def _iso(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
