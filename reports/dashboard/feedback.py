"""What people said about alerts: all is kept, the newest counts, verdicts close outcomes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, get_args

from features.errors import UsageError
from reports.precision import precision as measured

Action = Literal["acknowledge", "assign", "true", "false alarm", "repaired", "resolve", "reopen"]
ACTIONS: Final[tuple[Action, ...]] = get_args(Action)
VERDICTS: Final = ("true", "false alarm", "repaired")


@dataclass(frozen=True)
class Outcome:
    """Where one alert (of a robot, at a cut-off) stands; `verdict` is None while it is open."""

    robot_id: str
    at: str
    acknowledged_by: str | None = None
    assigned_to: str | None = None
    verdict: str | None = None
    note: str = ""
    changed: str = ""


def entry(
    *, robot_id: str, at: str, action: str, by: str, when: str, to: str, note: str, alert: str = ""
) -> dict[str, str]:
    """An entry as it is committed; `alert` is the id of the alert it is about, where a rule raised one.

    Raises UsageError for an unknown action, an assignment to nobody, or a moment that is none.
    """
    if action not in ACTIONS:
        raise UsageError("unknown feedback", got=action, expected=", ".join(ACTIONS))
    if action == "assign" and not to:
        raise UsageError("an assignment needs a name", expected="to")
    try:
        datetime.fromisoformat(at)
    except ValueError as error:
        raise UsageError("the alert's moment cannot be read", got=at, expected="ISO 8601") from error
    said = {"robot_id": robot_id, "at": at, "action": action, "by": by, "when": when, "to": to, "note": note}
    return said | ({"alert": alert} if alert else {})


def outcomes(entries: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], Outcome]:
    """(robot, cut-off) → where the alert stands, from entries in the order they were given."""
    found: dict[tuple[str, str], Outcome] = {}
    for said in entries:
        key = said["robot_id"], said["at"]
        old = found.get(key, Outcome(*key))
        action = said["action"]
        found[key] = Outcome(
            *key,
            acknowledged_by=said["by"] if action == "acknowledge" else old.acknowledged_by,
            assigned_to=said["to"] if action == "assign" else old.assigned_to,
            verdict=action if action in VERDICTS else None if action == "reopen" else old.verdict,
            note=said["note"] or old.note,
            changed=said["when"],
        )
    return found


def precision(found: Iterable[Outcome]) -> dict[str, Any]:
    """`reports.precision.precision` of the closed outcomes."""
    return measured(outcome.verdict for outcome in found if outcome.verdict is not None)


def verdicts(found: Iterable[Outcome]) -> list[dict[str, str]]:
    """The closed outcomes as the repo `labels` keeps them: `robot_id`, `at`, `verdict`, in that order."""
    return [
        {"robot_id": one.robot_id, "at": one.at, "verdict": one.verdict}
        for one in sorted(found, key=lambda one: (one.robot_id, one.at))
        if one.verdict is not None
    ]
