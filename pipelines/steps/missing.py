"""What datums that failed for good left out: pushed files nobody extracted, robot-days nobody joined.

A datum of a step that fails in all its tries is *recovered* (`err_cmd` in the specs): its job goes on without
it, the next job tries again. Which ones are missing needs no record: a step writes a file of every robot-day
it reads, named by it, so what is named before a step and not after it is missing (docs/adr/0007).
"""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from pipelines.steps.files import decode, parquet_files, source_name
from reports.missing import Missing

RobotDay = tuple[str, str]


def missing(pfs: Path, *, scored: bool) -> Missing:
    """Compare the names in `logs`, `accounting`, `days`, `failures`, `excluded`, and `risk` when `scored`."""
    sources = {path.stem for path in parquet_files(pfs / "accounting")}
    pushed = list(_files(pfs / "logs"))
    days = {
        (decode(path.parent.parent.name), path.parent.name) for path in (pfs / "days" / "days").glob("*/*/*")
    }
    joined, windowed = _robot_days(pfs / "failures"), _robot_days(pfs / "excluded")
    lost = {"join": days - joined, "features": joined - windowed}
    if scored:
        lost["score"] = windowed - _robot_days(pfs / "risk")
    return Missing(
        pushed=len(pushed),
        robot_days=len(days | joined),
        files=tuple(file for file in pushed if not _is_extracted(file, sources)),
        steps={step: tuple(sorted(found)) for step, found in lost.items()},
    )


def _files(folder: Path) -> Iterator[str]:
    """Path of every file below a folder as it was pushed, in order."""
    for here, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            yield "/" + Path(here, name).relative_to(folder).as_posix()


def _is_extracted(file: str, sources: set[str]) -> bool:
    """Whether the file, or a folder of it that was read as one, has accounts."""
    path = PurePosixPath(file)
    return any(source_name(str(part)) in sources for part in (path, *path.parents))


def _robot_days(folder: Path) -> set[RobotDay]:
    return {(decode(path.parent.name), path.stem) for path in parquet_files(folder)}
