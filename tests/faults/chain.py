"""Checks a history of concurrent pushes and reads: is there one order of commits that explains all of it?

The order is the branch's own. A push must stand after every push that had returned before it began, a read
must see no less than what had returned before it began and nothing that began after it had returned, and each
commit must hold exactly what the pushes up to it wrote.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Call:
    """A push (`commit`: what it made) or a read (`commit`: the head it saw); times of one monotonic clock."""

    kind: str
    commit: str
    line: str
    began: float
    ended: float


def violations(calls: Sequence[Call], order: Sequence[str], logs: Sequence[str]) -> list[str]:
    """What cannot be; `order` is the branch's commits, oldest first, `logs` what each holds."""
    place = {commit: number for number, commit in enumerate(order)}
    pushes = [call for call in calls if call.kind == "push"]
    found = []
    if sorted(place) != sorted(push.commit for push in pushes) or len(place) != len(order):
        found.append("the branch does not hold each acknowledged push once")
    lines = {push.commit: push.line for push in pushes}
    text = ""
    for commit, log in zip(order, logs, strict=True):
        text += lines.get(commit, "?")
        if log != text:
            found.append(f"{commit} holds {log!r}, the pushes up to it wrote {text!r}")
    for call in calls:
        if call.commit not in place:
            found.append(f"a {call.kind} tells of {call.commit}, which is not on the branch")
            continue
        for other in pushes:
            if other.ended < call.began and place.get(other.commit, -1) > place[call.commit]:
                found.append(f"{call.kind} of {call.commit} began after {other.commit} had returned")
            if call.kind == "read" and other.commit == call.commit and other.began > call.ended:
                found.append(f"a read saw {call.commit} before it was pushed")
    reads = sorted((call for call in calls if call.kind == "read"), key=lambda call: call.ended)
    for before, after in pairwise(reads):
        if before.ended < after.began and place.get(before.commit, 0) > place.get(after.commit, 0):
            found.append(f"the head went back from {before.commit} to {after.commit}")
    return found
