"""Named moments beside every write, at which a test may kill the process or make it fail.

Unless a test has armed the points, a point is one look at a variable. A test kills a process at each of them
and refuses a write without one (tests/faults/test_crash_points.py).
"""

from collections.abc import Callable

_armed: Callable[[str], None] | None = None


def arm(action: Callable[[str], None] | None) -> None:
    """From now on call `action` with the name of every point that is passed; None for nothing."""
    global _armed
    _armed = action


def point(name: str) -> None:
    """A moment before or after a write."""
    if _armed is not None:
        _armed(name)


def statement(sql: str) -> None:
    """The moment before a statement changes rows, named by what it does: "insert jobs", "update commits"."""
    if _armed is not None:
        words = sql.split()
        table = {"INSERT": "INTO", "REPLACE": "INTO", "DELETE": "FROM", "UPDATE": "UPDATE"}[words[0]]
        _armed(f"{words[0].lower()} {words[words.index(table) + 1]}")
