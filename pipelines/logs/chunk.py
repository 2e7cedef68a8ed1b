"""Messages side by side in one buffer: what readers of archives and files hand to the parsers."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt

from pipelines.logs.scan.tree import Ints

CHUNK_BYTES: Final = 4 << 20


@dataclass(frozen=True, eq=False)
class Chunk:
    """Message i is `data[starts[i]:ends[i]]`; PADDING zeros follow the last.

    `member(i)` names the archive's member it came from ('' where there is none); `line` is its line, counted
    from 1, or -1; `offset` its first byte within the member.
    """

    data: bytes
    starts: Ints
    ends: Ints
    member: Callable[[int], str]
    lines: Ints
    offsets: Ints

    def __len__(self) -> int:
        return len(self.starts)

    @cached_property
    def text(self) -> npt.NDArray[np.uint8]:
        """The buffer as an array."""
        return np.frombuffer(self.data, np.uint8)

    def raw(self, message: int) -> bytes:
        """The bytes of one message."""
        return self.data[self.starts[message] : self.ends[message]]

    def line(self, message: int) -> int | None:
        """Its line, None where the member is no file of lines."""
        line = int(self.lines[message])
        return line if line > 0 else None
