"""What people said about alerts: all is kept, the newest counts, verdicts close outcomes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from features.errors import UsageError

Action = Literal["acknowledge", "assign", "true", "false alarm", "repaired", "reopen"]
ACTIONS: Final = ("acknowledge", "assign", "true", "false alarm", "repaired", "reopen")
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


def entry(*, robot_id: str, at: str, action: str, by: str, when: str, to: str, note: str) -> dict[str, str]:
    """An entry as it is committed. Raises UsageError for an unknown action or an assignment to nobody."""
    if action not in ACTIONS:
        raise UsageError("unknown feedback", got=action, expected=", ".join(ACTIONS))
    if action == "assign" and not to:
        raise UsageError("an assignment needs a name", expected="to")
    return {"robot_id": robot_id, "at": at, "action": action, "by": by, "when": when, "to": to, "note": note}


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
    """Share of closed alerts that were right (true or repaired), with a 95 % Wilson interval.

    Source: Wilson, E. B. (1927), JASA 22, 209-212.
    """
    closed = [outcome for outcome in found if outcome.verdict is not None]
    right = sum(outcome.verdict != "false alarm" for outcome in closed)
    return {"closed": len(closed), "right": right, **_wilson(right, len(closed))}


def _wilson(right: int, total: int) -> dict[str, float | None]:
    if not total:
        return {"value": None, "low": None, "high": None}
    z = 1.959963984540054
    share, spread = right / total, z * z / total
    centre = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * (share * (1 - share) / total + spread / (4 * total)) ** 0.5
    return {"value": share, "low": max(centre - half, 0.0), "high": min(centre + half, 1.0)}
