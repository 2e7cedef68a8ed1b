"""What changed since the last report, and why: new data, another model, threshold or question."""

from collections.abc import Mapping
from typing import Any

from reports import words
from reports.ranking import ALERT

Summary = Mapping[str, Any]


def since(before: Summary, after: Summary, commit: str) -> dict[str, Any]:
    """Two summaries, `commit` the earlier one's: when it was, one sentence of what changed, reasons why."""
    return {
        "commit": commit,
        "as_of": before["as_of"],
        "sentence": " ".join(
            [f"Since the last report (as of {words.moment(before['as_of'])} UTC)", _what(before, after)]
        ),
        "why": _why(before, after),
    }


def _what(before: Summary, after: Summary) -> str:
    parts = []
    old, new = before["fleet"]["risk_day"], after["fleet"]["risk_day"]
    if old is not None and new is not None:
        change = words.points(new - old)
        told = "is unchanged at" if change == "±0" else f"went {change} points from {words.percent(old)} to"
        parts.append(f"the mean risk {told} {words.percent(new)}")
    hot = [{r["robot_id"] for r in one["robots"] if r["status"] == ALERT} for one in (before, after)]
    for names, what in ((hot[1] - hot[0], "newly above the threshold"), (hot[0] - hot[1], "below it again")):
        if names:
            parts.append(f"{words.listed(sorted(names))} {'is' if len(names) == 1 else 'are'} {what}")
    failed = after["fleet"]["episodes"] - before["fleet"]["episodes"]
    if failed > 0:
        parts.append(f"{words.plural(failed, 'failure')} came")
    return (", ".join(parts) or "nothing changed") + "."


def _why(before: Summary, after: Summary) -> list[str]:
    found = []
    hours = after["analytics"]["fleet"]["hours"] - before["analytics"]["fleet"]["hours"]
    if abs(hours) >= 0.05:
        found.append(f"{words.hours(abs(hours))} {'more' if hours > 0 else 'less'} of observed operation")
    names = [{robot["robot_id"] for robot in one["robots"]} for one in (before, after)]
    for who, what in ((names[1] - names[0], "new"), (names[0] - names[1], "gone")):
        if who:
            found.append(f"{words.plural(len(who), 'robot')} {what}")
    models = [(one["figures"], one["model"].get("importance")) for one in (before, after)]
    found.append("the same model" if models[0] == models[1] else "another model")
    levels = [one["model"].get("threshold") for one in (before, after)]
    if levels[0] != levels[1]:
        old, new = (words.percent(level) for level in levels)
        found.append(f"the alert threshold was {old} and is {new}")
    if before["question"] != after["question"]:
        found.append("another question: windows, lead or horizon changed")
    return found
