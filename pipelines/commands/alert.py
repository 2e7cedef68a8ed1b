"""`forewarn alert`: look now, list what stands, try receivers."""

from datetime import UTC, datetime
from pathlib import Path

import msgspec

from features.errors import ForewarnError, NotFoundError, UsageError
from pipelines.alerts.book import Book
from pipelines.alerts.reach import Reach
from pipelines.alerts.send import send
from pipelines.alerts.state import Event, identity
from pipelines.alerts.watch import Watch
from pipelines.commands.output import print_json, print_table, say, say_next, shortened
from pipelines.project import Project

STATES = ("open", "resolved", "all")


def check(*, project: Path | None, json: bool) -> None:
    """Step the rules through what is new and deliver once. A running daemon does so by itself.

    Raises UsageError without a rule.
    """
    found = Project.find(project)
    config = found.config
    if not config.alerts.rules:
        raise UsageError("there is no alert rule", hint="add [alerts.rules.<name>] to forewarn.toml")
    with found.connect() as pachd:
        watch = Watch.of(found, config, pachd)
        events = watch.look()
        tried = watch.courier.deliver()
    counts = watch.book.counts()
    if json:
        print_json({"events": msgspec.to_builtins(events), "delivered": tried, **counts})
        return
    for event in events:
        say(f"{event.kind}: {event.told}")
    say(
        f"{len(events)} events, {tried} deliveries tried; {counts['open']} alerts open, {counts['held']} held"
    )
    say_next("forewarn alert list")


def show(*, project: Path | None, state: str, number: int, json: bool) -> None:
    """List alerts, newest first. Raises UsageError for an unknown state."""
    if state not in STATES:
        raise UsageError("unknown state", got=state, expected=", ".join(STATES))
    alerts = Book(Project.find(project).alert_file).alerts(state=state, limit=number)
    if json:
        print_json(msgspec.to_builtins(alerts))
        return
    print_table(
        ["id", "raised", "rule", "state", "alert"],
        (
            [
                alert.id,
                alert.raised.strftime("%Y-%m-%d %H:%M"),
                alert.rule,
                _stands(resolved=alert.resolved is not None, by=alert.acknowledged_by, held=alert.held),
                shortened(alert.told, 100),
            ]
            for alert in alerts
        ),
    )
    if not alerts:
        say("no alert")


def test(*, project: Path | None, receiver: str | None, json: bool) -> None:
    """Send every receiver, or one, a word that tells it is a test; one attempt each.

    Raises NotFoundError for an unknown receiver, ForewarnError when one was not reached.
    """
    config = Project.find(project).config
    receivers = config.alerts.receivers
    if receiver is not None and receiver not in receivers:
        raise NotFoundError(f"no receiver {receiver}", expected=", ".join(receivers) or "none is declared")
    if not receivers:
        raise NotFoundError("there is no receiver", hint="add [alerts.receivers.<name>] to forewarn.toml")
    at = datetime.now(UTC).replace(microsecond=0)
    told = "this is a test of forewarn's alerts; nothing is wrong"
    event = Event(f"test-{identity(at.isoformat())}", "test", at, told, ())
    reach = Reach(config.alerts.internal)
    made = {
        name: send(event, one, reach, config.project.name)
        for name, one in receivers.items()
        if receiver in (None, name)
    }
    if json:
        print_json({name: msgspec.to_builtins(attempt) for name, attempt in made.items()})
    else:
        print_table(
            ["receiver", "result", "outcome"],
            (
                [name, "arrived" if one.result == "arrived" else "failed", one.outcome]
                for name, one in made.items()
            ),
        )
    failed = [name for name, attempt in made.items() if attempt.result != "arrived"]
    if failed:
        raise ForewarnError(f"not reached: {', '.join(failed)}", hint="docs/guides/alert.md")


def _stands(*, resolved: bool, by: str | None, held: bool) -> str:
    if resolved:
        return "resolved"
    return f"acknowledged by {by}" if by else "held" if held else "open"
