"""Watches what an input nobody should send costs: it may neither fill the memory nor compute without end."""

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

RESET_PEAK = Path("/proc/self/clear_refs")
HANG_S = 60.0


@contextmanager
def watched(mib: float, seconds: float = HANG_S) -> Iterator[None]:
    """Fail when the memory of this process rises by more than `mib` MiB inside, or it computes for so long.

    Where the system does not tell peaks (it is not Linux) only the time is watched. A wait without end
    computes nothing: that is ended by the test's own limit.
    """
    if RESET_PEAK.exists():
        RESET_PEAK.write_text("5")
    before = peak_mib()
    earlier = signal.signal(signal.SIGPROF, _hangs)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, earlier)
    assert peak_mib() - before <= mib


def peak_mib() -> float:
    """The most memory this process had resident since the peak was reset, MiB."""
    if not RESET_PEAK.exists():
        return 0.0
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def _hangs(number: int, frame: FrameType | None) -> None:
    raise AssertionError("it computes without end")
