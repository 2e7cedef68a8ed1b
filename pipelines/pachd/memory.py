"""How much memory a datum's processes hold, so that one over its limit fails before the machine swaps.

Limits of the system do not fit: RLIMIT_AS counts address space, which numeric libraries reserve without use,
RLIMIT_DATA what each process maps alone, and control groups are root's. So whoever runs the datum looks at
its processes ten times a second while it follows what they print. Linux only; elsewhere nothing is found.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_UNITS: Final = (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10))


@dataclass
class MemoryLimit:
    """The bytes a process and what it started may hold together, 0 for any. `used`: at the last look."""

    pid: int
    limit: int
    used: int = 0

    def exceeded(self) -> bool:
        """Look, when there is a limit."""
        if self.limit:
            self.used = held(self.pid)
        return self.used > self.limit > 0

    def __str__(self) -> str:
        return f"memory over limit: got {in_words(self.used)}, limit {in_words(self.limit)}"


def held(pid: int) -> int:
    """Bytes of memory that a process and all below it hold and share with no file."""
    total, left = 0, [pid]
    while left:
        folder = Path(f"/proc/{left.pop()}")
        with suppress(OSError, ValueError, IndexError):  # it may end at any time
            resident, shared = (folder / "statm").read_text().split()[1:3]
            total += (int(resident) - int(shared)) * _PAGE
            for thread in (folder / "task").iterdir():
                left += map(int, (thread / "children").read_text().split())
    return total


def in_words(size: int) -> str:
    """Bytes in the largest unit they fill: `1.5 GiB`."""
    for unit, bytes_ in _UNITS:
        if size >= bytes_:
            return f"{size / bytes_:.4g} {unit}"
    return f"{size} bytes"
