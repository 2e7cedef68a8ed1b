"""What the benchmarks share: CPU seconds, peak memory, and a head that says what ran where."""

import gc
import os
import platform
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from statistics import median

import numpy as np
import pyarrow as pa

ROUNDS = 15
SETTLED = 100_000  # rows from which peak memory says more of the data than of the process


def head(title: str, *packages: str) -> None:
    cpu = next(
        (
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    print(title)
    machine = f"{os.cpu_count()} cores, {platform.system()} {platform.release()}"
    print(f"{cpu}, {machine}, Python {platform.python_version()}")
    print(", ".join(f"{name} {version(name)}" for name in packages))


def cpu_seconds(call: Callable[[], object], rounds: int) -> float:
    """Least CPU time of all threads over some rounds: the first ones pay for memory never touched before."""
    best = float("inf")
    for _ in range(rounds):
        gc.collect()
        start = time.process_time()
        result = call()
        best = min(best, time.process_time() - start)
        del result
    return best


def milliseconds(call: Callable[[], object]) -> float:
    """Median CPU time of all threads: what an idle machine takes, whatever else runs on this one."""
    took = []
    for _ in range(ROUNDS):
        began = time.process_time()
        call()
        took.append((time.process_time() - began) * 1e3)
    return median(took)


def copy_seconds(table: pa.Table, rounds: int) -> float:
    """CPU seconds of a numpy copy of the table's bytes; what columns share is copied once."""
    buffers = {
        buffer.address: np.frombuffer(buffer, np.uint8)
        for column in table.columns
        for chunk in column.chunks
        for buffer in chunk.buffers()
        if buffer is not None
    }
    return cpu_seconds(lambda: [buffer.copy() for buffer in buffers.values()], rounds)


def peak_bytes(call: Callable[[], object]) -> int | None:
    """How far memory rises above what is held before the call, its result included; None where unknown."""
    status, refs = Path("/proc/self/status"), Path("/proc/self/clear_refs")
    if not refs.exists():
        return None
    gc.collect()
    pa.default_memory_pool().release_unused()
    before = _kilobytes(status, "VmRSS")
    refs.write_text("5")
    result = call()
    after = _kilobytes(status, "VmHWM")
    del result
    return (after - before) * 1024


def verdict(name: str, value: float, limit: float, *, at_least: bool) -> None:
    good = value >= limit if at_least else value <= limit
    bound = "at least" if at_least else "at most"
    print(f"  {'met   ' if good else 'MISSED'} {name}: {value:.2f} ({bound} {limit:g})")


def _kilobytes(status: Path, key: str) -> int:
    line = next(line for line in status.read_text().splitlines() if line.startswith(key))
    return int(line.split()[1])
