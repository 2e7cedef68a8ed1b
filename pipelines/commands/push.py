"""`forewarn push`: logs become one atomic commit, and what depends on them is reprocessed."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import quote

import msgspec

from features.errors import DataError, ForewarnError, NotFoundError, UsageError
from pipelines.client import PUSH, Content, Job, Pachd
from pipelines.commands.jobs import failed_datums
from pipelines.commands.output import print_json, say, say_next
from pipelines.commands.progress import bytes_progress, watch_jobs
from pipelines.pachd.globs import compile_glob
from pipelines.project import Project
from pipelines.setup import CONFIG, set_up
from pipelines.specs import STEPS

ALLOWED: Final = "/ #$%&',:;=~"


def push(*, project: Path | None, paths: list[Path], to: str, wait: bool, json: bool) -> None:
    """Commit the files below `to` and wait for the pipelines. Raises UsageError, NotFoundError, DataError."""
    found = Project.find(project)
    files = gather(paths, to)
    check_glob(files, found.config.logs.glob)
    with found.connect() as pachd:
        known = pachd.has_repo(CONFIG)
        for change in set_up(pachd, found.config):
            if known:
                say(f"{change}: what depends on it is made anew before these files are looked at")
        commit = commit_logs(pachd, files)
        jobs = watch_jobs(pachd, commit) if wait else []
        if any(job.pipeline == "report" and job.state == "SUCCESS" for job in jobs):
            tell_refused(pachd, commit)
    if json:
        print_json({"commit": commit, "files": len(files), "jobs": jobs})
    finished(jobs)
    say_next("forewarn report --open" if wait else f"forewarn jobs {commit}")


def tell_refused(pachd: Pachd, commit: str) -> None:
    """Say how much the report of a commit counts as refused and why, and which streams have nothing else."""
    try:
        summary = msgspec.json.decode(pachd.read("report", "/summary.json", commit))
    except NotFoundError:  # no datum of report, as nothing was read
        return
    refused = [
        f"{unit['quarantined']:,} of {unit['received']:,} {unit['unit']}s"
        for unit in summary["accounting"]["units"]
        if unit["quarantined"]
    ]
    if refused:
        often = summary["quarantine"][0]["reason"]
        say(f"refused: {', '.join(refused)}, most often {often}; which and why: forewarn quarantine")
    for one in summary["accounting"]["streams"]:
        if one["quarantined"] and not one["accepted"]:
            say(f"no record of stream {one['stream']} was accepted: check its time, unit and fields")


def gather(paths: Iterable[Path], to: str) -> dict[str, Content]:
    """Path in the repo → local file: a folder's files keep their place below it, a file its name.

    What a path in a repo cannot hold, such as umlauts and brackets, is percent-encoded. Hidden files are left
    out. Raises NotFoundError for a missing path, UsageError for none, a clash or one that
    cannot be read.
    """
    files: dict[str, Content] = {}
    for path in paths:
        if not path.exists():
            raise NotFoundError(f"nothing at {path}", hint="name a file or a folder of robot logs")
        below = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        root = path if path.is_dir() else path.parent
        for file in below:
            relative = file.relative_to(root)
            if any(part.startswith(".") for part in relative.parts):
                continue
            target = quote(str(PurePosixPath("/", to.strip("/"), relative.as_posix())), safe=ALLOWED)
            if target in files:
                raise UsageError(
                    "two files would be pushed to one path", got=target, hint="push them apart with --to"
                )
            if not os.access(file, os.R_OK):
                raise UsageError("no permission to read a file", got=file, hint="nothing was pushed")
            files[target] = file
    if not files:
        raise UsageError(
            "no files found", got=", ".join(map(str, paths)), expected="files or folders with files"
        )
    return files


def commit_logs(pachd: Pachd, files: dict[str, Content]) -> str:
    """One commit on `logs@master`; a push that died before is dropped first."""
    if pachd.drop_abandoned("logs"):
        say("dropped an unfinished push left by a process that died; its files were never visible")
    total = sum(path.stat().st_size for path in files.values() if isinstance(path, Path))
    with bytes_progress(f"push {len(files)} file(s)", total) as advance:
        commit = pachd.put("logs", files, description=PUSH, progress=advance)
    say(f"pushed {len(files)} file(s), {total / 1e6:.1f} MB, as commit {commit}")
    return commit


def check_glob(files: Mapping[str, Content], pattern: str) -> None:
    """Raises DataError for a file that no datum of this glob would see."""
    glob = compile_glob(pattern)
    unseen = [
        path
        for path in files
        if not any(glob.match(str(part)) is not None for part in (path, *PurePosixPath(path).parents))
    ]
    if unseen:
        raise DataError(
            f"{len(unseen)} file(s) would be pushed where no datum sees them",
            got=unseen[0],
            expected=f'paths that match logs.glob = "{pattern}"',
            hint='choose the place with --to (as in --to /2026-03-01), or set logs.glob ("/*" for tables)',
        )


def finished(jobs: list[Job]) -> None:
    """Raise ForewarnError for the first pipeline, in the order data flows, that did not succeed.

    Where all did, but without datums that failed for good, it says so by the same error.
    """
    jobs = sorted(jobs, key=lambda job: STEPS.index(job.pipeline) if job.pipeline in STEPS else len(STEPS))
    for job in jobs:
        if job.state != "SUCCESS":
            say_next(failed_datums(job))
            raise ForewarnError(
                f"pipeline {job.pipeline} ended {job.state}", got=job.reason, hint="what was pushed is kept"
            )
    lacking = [job for job in jobs if job.recovered]
    if lacking:
        say_next(failed_datums(lacking[0]))
        raise ForewarnError(
            "the results lack datums that failed for good",
            got=", ".join(f"{job.recovered} of {job.total} of {job.pipeline}" for job in lacking),
            hint="the report says what is missing; every further push tries them again",
        )
