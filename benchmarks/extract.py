"""What extracting a robot-day costs: our reader beside what one would write instead, in one process.

`python -m benchmarks.extract [--rounds 7] [--scale]` packs one robot-day of the synthetic fleet (17,280
messages of about 1.2 KB, gzipped one by one in a ZIP), lets every reader make the same Arrow tables of it in
turn, checks that they are the same, and prints the best CPU time of each. `--scale` reads with one and two
processes, beside loops that show what the machine gives; `--folder` reads the messages as a file each.
"""

import argparse
import gzip
import os
import platform
import tempfile
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from datetime import date
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.readers import (
    comparable,
    floor,
    naive,
    ours,
    same,
    with_duckdb,
    with_msgspec,
    with_orjson,
    with_pyarrow,
)
from pipelines.demo.fleet import epoch_ms
from pipelines.demo.messages import Clocks, day_messages
from pipelines.demo.plan import plan_robot


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--scale", action="store_true")
    parser.add_argument("--folder", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "day.zip"
        messages = write_day(archive)
        print(describe(archive, messages))
        if asked.scale:
            print(scaling(archive, asked.rounds))
            return
        if asked.folder:
            print(folders(archive, Path(folder) / "day", asked.rounds))
            return
        report(archive, asked.rounds)


def write_day(archive: Path) -> int:
    """One clean robot-day, gzipped as the standard library does by default."""
    start = epoch_ms(date(2026, 3, 1))
    plan = plan_robot(1, robots=12, days=1, seed=7)
    messages = day_messages(plan, 0, start_ms=start, seed=7, clocks=Clocks())
    with zipfile.ZipFile(archive, "w") as packed:
        for message in messages:
            packed.writestr(f"{message.ts // 1000}.json.gz", gzip.compress(message.text.encode(), mtime=0))
    return len(messages)


def report(archive: Path, rounds: int) -> None:
    readers: dict[str, Callable[[Path], Any]] = {
        "floor: read + isal gunzip": floor,
        "zipfile + gzip + json + pandas": naive,
        "own directory + isal + orjson": with_orjson,
        "… + msgspec structs": with_msgspec,
        "… + duckdb read_json": with_duckdb,
        "… + pyarrow.json": with_pyarrow,
        "forewarn": ours,
    }
    best = dict.fromkeys(readers, np.inf)
    expected = comparable(ours(archive))
    for name, reader in readers.items():
        if reader is not floor:
            found = comparable(reader(archive))
            wrong = [stream for stream, values in expected.items() if not same(values, found[stream])]
            if wrong:
                raise SystemExit(f"{name} reads {wrong} differently")
    for _ in range(rounds):
        for name, reader in readers.items():
            begun = time.process_time()
            reader(archive)
            best[name] = min(best[name], time.process_time() - begun)
    for name, seconds in best.items():
        print(f"{name:34s} {1e3 * seconds:7.0f} ms CPU   {seconds / best['forewarn']:5.2f} x forewarn")
    peers = {name: seconds for name, seconds in best.items() if not name.startswith(("floor", "forewarn"))}
    fastest = min(peers, key=peers.__getitem__)
    print(f"best peer: {fastest}; forewarn is {peers[fastest] / best['forewarn']:.2f} x as fast,")
    print(f"{best['zipfile + gzip + json + pandas'] / best['forewarn']:.2f} x as fast as the naive reader")
    print(arithmetic(best["forewarn"]))


def arithmetic(seconds: float) -> str:
    hours = 24 / seconds
    fleet = 3.8e6 / hours / 3600
    return (
        f"{hours:,.0f} robot-hours per core-second; a robot-year on 2 cores in {365 * seconds / 2:.0f} s; "
        f"3.8 million robot-hours take {fleet:.1f} core-hours: {60 * fleet / 80:.1f} min on 80 cores, "
        f"${10 * fleet / 80:.2f} at $10 an hour for the 80"
    )


def describe(archive: Path, messages: int) -> str:
    names = ("isal", "orjson", "msgspec", "duckdb", "pyarrow", "pandas", "numba", "numpy")
    versions = ", ".join(f"{name} {version(name)}" for name in names)
    size = archive.stat().st_size / 1e6
    return f"{messages} messages, {size:.1f} MB packed; Python {platform.python_version()}, {versions}"


def scaling(archive: Path, rounds: int) -> str:
    """How much more two processes do than one, in wall-clock time, each pinned to a core of its own.

    Beside the extraction runs a loop that needs nothing but a core, and one that needs nothing but memory:
    what they do not reach, this machine does not give, whatever is run on it.
    """
    lines = []
    with ExitStack() as pools:
        pinned = [pools.enter_context(_pinned(core)) for core in sorted(os.sched_getaffinity(0))[:2]]
        for name, work, share in (("extract", _read, 8), ("core", _count, 40), ("memory", _copy, 40)):
            for pool in pinned:
                pool.submit(work, archive, 1).result()
            one, two = np.inf, np.inf
            for _ in range(rounds):
                one = min(one, *(_timed([pool], work, archive, share) for pool in pinned))
                two = min(two, _timed(pinned, work, archive, share))
            lines.append(
                f"{name:8s} one process {one:.2f} s, two beside each other {two:.2f} s: {2 * one / two:.2f} x"
            )
    return "\n".join(lines)


def _pinned(core: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(
        1, mp_context=get_context("spawn"), initializer=os.sched_setaffinity, initargs=(0, {core})
    )


def _timed(
    pools: list[ProcessPoolExecutor], work: Callable[[Path, int], None], archive: Path, share: int
) -> float:
    begun = time.perf_counter()
    for future in [pool.submit(work, archive, share) for pool in pools]:
        future.result()
    return time.perf_counter() - begun


def _read(archive: Path, days: int) -> None:
    for _ in range(days):
        ours(archive)


def _count(_: Path, times: int) -> None:
    for _ in range(times):
        sum(range(1_000_000))


def _copy(_: Path, times: int) -> None:
    source = np.ones(1 << 23)
    for _ in range(times):
        source.copy()


def folders(archive: Path, folder: Path, rounds: int) -> str:
    """The same messages as files of a message each, read together as `unit = "folder"` does."""
    with zipfile.ZipFile(archive) as packed:
        packed.extractall(folder)
    best = {}
    for name, path in (("archive", archive), ("folder", folder)):
        best[name] = np.inf
        for _ in range(rounds):
            begun = time.process_time()
            ours(path)
            best[name] = min(best[name], time.process_time() - begun)
    return (
        f"as an archive {1e3 * best['archive']:.0f} ms CPU, as a folder of a file a message "
        f"{1e3 * best['folder']:.0f} ms: {best['folder'] / best['archive']:.1f} x"
    )


if __name__ == "__main__":
    main()
