"""What an archive hands out: the contents of some members, told apart by name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

Content = bytes | bytearray
"""One member's bytes, never changed."""


@dataclass(frozen=True)
class Members:
    """Contents, unfolded, and the name of each by its place in the list."""

    contents: Sequence[Content]
    name: Callable[[int], str]
    of_lines: frozenset[int] = frozenset()
    """Places of the members that are files of lines."""
