"""Rows of the metadata database as frozen values, the nouns every other module speaks in."""

import sqlite3
import time
from dataclasses import dataclass
from typing import Literal, TypeAlias

RepoType: TypeAlias = Literal["user", "spec", "meta"]
Origin: TypeAlias = Literal["USER", "AUTO", "FSCK"]
JobState: TypeAlias = Literal[
    "CREATED", "STARTING", "RUNNING", "EGRESSING", "FINISHING", "SUCCESS", "FAILURE", "KILLED", "UNRUNNABLE"
]
DatumState: TypeAlias = Literal["SUCCESS", "SKIPPED", "FAILED", "RECOVERED", "STARTING"]


def now() -> int:
    """Microseconds since the epoch."""
    return time.time_ns() // 1000


@dataclass(frozen=True, slots=True)
class Repo:
    """A named history of files. `id` is the row."""

    id: int
    name: str
    type: RepoType
    description: str
    created: int

    def __str__(self) -> str:
        return self.name if self.type == "user" else f"{self.name}.{self.type}"


@dataclass(frozen=True, slots=True)
class Branch:
    """A name for the newest commit of a line of work; `head` is a commit's row."""

    id: int
    repo: Repo
    name: str
    head: int | None
    created: int
    updated: int

    def __str__(self) -> str:
        return f"{self.repo}@{self.name}"


@dataclass(frozen=True, slots=True)
class Commit:
    """One state of a repo. `uuid` is shared by the whole commit set; `id` and `parent` are rows."""

    id: int
    uuid: str
    repo: Repo
    branch: str
    parent: int | None
    origin: Origin
    description: str
    started: int
    finishing: int | None
    finished: int | None
    error: str
    tree: bytes | None
    size: int

    def __str__(self) -> str:
        return f"{self.repo}@{self.uuid}"


@dataclass(frozen=True, slots=True)
class Job:
    """One run of a pipeline on one commit set.

    output, base: rows of its commit and of the job it began from. stats: JSON of summed times (s) and bytes.
    forced: JSON list of choices of datums to run though nothing changed, each a list of names that all belong
    to the datum: its id, paths or hashes. datums: root of the map
    {datum id: (datum hash, root of its outputs, their size)} of all datums whose outputs the commit holds.
    """

    id: int
    uuid: str
    pipeline: str
    version: int
    output: int
    state: JobState
    reason: str
    created: int
    started: int | None
    finished: int | None
    restarts: int
    total: int
    processed: int
    skipped: int
    failed: int
    recovered: int
    stats: str
    forced: str
    base: int | None
    datums: bytes | None

    def __str__(self) -> str:
        return f"{self.pipeline}@{self.uuid}"


REPO_COLUMNS = "r.id r_id, r.name r_name, r.type r_type, r.description r_description, r.created r_created"
COMMIT_QUERY = f"SELECT c.*, {REPO_COLUMNS} FROM commits c JOIN repos r ON r.id = c.repo "  # noqa: S608
BRANCH_QUERY = f"SELECT b.*, {REPO_COLUMNS} FROM branches b JOIN repos r ON r.id = b.repo "  # noqa: S608
JOB_QUERY = "SELECT j.*, p.name pipeline_name FROM jobs j JOIN pipelines p ON p.id = j.pipeline "


def repo_of(row: sqlite3.Row) -> Repo:
    """From a row with REPO_COLUMNS."""
    return Repo(row["r_id"], row["r_name"], row["r_type"], row["r_description"], row["r_created"])


def branch_of(row: sqlite3.Row) -> Branch:
    """From a row of BRANCH_QUERY."""
    return Branch(row["id"], repo_of(row), row["name"], row["head"], row["created"], row["updated"])


def commit_of(row: sqlite3.Row) -> Commit:
    """From a row of COMMIT_QUERY."""
    own = {name: row[name] for name in Commit.__slots__ if name != "repo"}
    return Commit(repo=repo_of(row), **own)


def job_of(row: sqlite3.Row) -> Job:
    """From a row of JOB_QUERY."""
    own = {name: row[name] for name in Job.__slots__ if name != "pipeline"}
    return Job(pipeline=row["pipeline_name"], **own)
