"""How much memory a datum held at its most, so that a planner need not be told what a worker needs."""

import resource
from contextlib import suppress
from pathlib import Path
from typing import Final

_FORGET: Final = "5"
"""What /proc/PID/clear_refs reads as: the peak is what is resident now (proc(5))."""


def forget() -> None:
    """Begin anew, where the system can; elsewhere a peak is that of the process since it began."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text(_FORGET)


def peak_bytes() -> int:
    """The most memory this process had resident since `forget`, in bytes."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) * 1024
    except (OSError, StopIteration):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
