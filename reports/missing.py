"""What is missing from a report because its datums failed for good, in words: nothing is left out unsaid."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from reports import words

TOLERATED: Final = 0.1
"""The share of files, or of robot-days, that may be missing while a model of the rest is still trusted."""
SHOWN: Final = 50
NAMED: Final = 3
_DONE: Final = {"join": "joined", "features": "looked back on", "score": "scored"}

RobotDay = tuple[str, str]


@dataclass(frozen=True)
class Missing:
    """Of so many pushed files those not extracted, and of so many robot-days those that a step lacks.

    files: paths as pushed. steps: join, features or score → (robot id, day), in order; a robot-day stands at
    the first step that lacks it.
    """

    pushed: int = 0
    robot_days: int = 0
    files: Sequence[str] = ()
    steps: Mapping[str, Sequence[RobotDay]] = field(default_factory=dict)

    @property
    def lost(self) -> Sequence[tuple[str, str, str]]:
        """Step, robot id and day of every robot-day that is missing."""
        return [(step, *one) for step, found in self.steps.items() for one in found]

    @property
    def trusted(self) -> bool:
        """Whether the rest is enough to learn from: of files and of robot-days at most TOLERATED is lost."""
        return len(self.files) <= TOLERATED * self.pushed and len(self.lost) <= TOLERATED * self.robot_days

    @property
    def sentence(self) -> str:
        """What is missing, with the first names; "" when nothing is."""
        return f"Missing: {told}, because every try failed." if (told := self.told) else ""

    @property
    def note(self) -> str:
        """What a model learnt without, for its evaluation; "" when nothing is missing."""
        warning = "" if self.trusted else "; too much is missing to trust a model of the rest"
        return f"learnt from incomplete data: {told}{warning}" if (told := self.told) else ""

    @property
    def told(self) -> str:
        """What is missing as part of a sentence; "" when nothing is."""
        parts = []
        if self.files:
            of = words.plural(self.pushed, "pushed file")
            parts.append(f"{len(self.files)} of {of} could not be extracted ({_some(self.files)})")
        for step, found in self.steps.items():
            if found:
                of = words.plural(self.robot_days, "robot-day")
                named = [f"{robot} on {day}" if day != "all" else robot for robot, day in found]
                parts.append(f"{len(found)} of {of} could not be {_DONE[step]} ({_some(named)})")
        return " and ".join(parts)

    def robot(self, name: str) -> Sequence[tuple[str, str]]:
        """Step and day of what is missing of one robot, newest day first."""
        return sorted(
            ((step, day) for step, robot, day in self.lost if robot == name),
            key=lambda one: one[1],
            reverse=True,
        )

    @property
    def summary(self) -> dict[str, Any]:
        """As JSON values; at most SHOWN files and robot-days are named."""
        return {
            "sentence": self.sentence,
            "pushed": self.pushed,
            "robot_days": self.robot_days,
            "files_missing": len(self.files),
            "robot_days_missing": len(self.lost),
            "files": list(self.files[:SHOWN]),
            "lost": [{"step": step, "robot_id": robot, "day": day} for step, robot, day in self.lost[:SHOWN]],
        }


NOTHING: Final = Missing()
"""Nothing is missing."""


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
