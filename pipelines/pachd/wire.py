"""Between the engine's records and the messages of Pachyderm's protocol."""

from datetime import UTC, datetime, timedelta
from typing import Final

from pachyderm_sdk.api import pfs, pps

from features.errors import DataError, NotFoundError
from pipelines.pachd.commits import Commits
from pipelines.pachd.inputs import DEFAULT_PROJECT
from pipelines.pachd.records import Branch, Commit, Repo
from pipelines.pachd.repos import Repos
from pipelines.pachd.trees import Entry

_FILE_TYPES: Final = {"file": pfs.FileType.FILE, "dir": pfs.FileType.DIR}


def time_of(microseconds: int) -> datetime:
    """A time of the database as an aware datetime."""
    return datetime.fromtimestamp(microseconds // 1_000_000, UTC) + timedelta(
        microseconds=microseconds % 1_000_000
    )


def repo_message(repo: Repo) -> pfs.Repo:
    """A reference to a repo."""
    return pfs.Repo(name=repo.name, type=repo.type, project=pfs.Project(name=DEFAULT_PROJECT))


def branch_message(branch: Branch) -> pfs.Branch:
    """A reference to a branch."""
    return pfs.Branch(repo=repo_message(branch.repo), name=branch.name)


def commit_message(commit: Commit) -> pfs.Commit:
    """A reference to a commit."""
    repo = repo_message(commit.repo)
    return pfs.Commit(repo=repo, id=commit.uuid, branch=pfs.Branch(repo=repo, name=commit.branch))


def check_project(project: pfs.Project | None) -> None:
    """NotFoundError for any project but the default one."""
    if project is not None and project.name not in ("", DEFAULT_PROJECT):
        raise NotFoundError(
            f"project {project.name} not found", hint="the embedded pachd has the project 'default' only"
        )


def repo_of(repos: Repos, message: pfs.Repo) -> Repo:
    """The repo a message refers to; DataError when it names none."""
    check_project(message.project)
    if not message.name:
        raise DataError("the request names no repo")
    return repos.get(message.name, message.type or "user")


def branch_of(repos: Repos, message: pfs.Branch) -> Branch:
    """The branch a message refers to."""
    return repos.branch(repo_of(repos, message.repo), message.name)


def commit_of(repos: Repos, commits: Commits, message: pfs.Commit, *, readable: bool = False) -> Commit:
    """The commit a message refers to by id, branch or either with `^2` or `.2`; see `Commits.find`.

    Raises DataError where it names none.
    """
    repo = repo_of(repos, message.repo if message.repo.name else message.branch.repo)
    reference = message.id or message.branch.name
    if not reference:
        raise DataError(f"the request names no commit of {repo}")
    return commits.readable(repo, reference) if readable else commits.find(repo, reference)


def commit_info(commits: Commits, commit: Commit) -> pfs.CommitInfo:
    """All that is known of a commit."""
    info = pfs.CommitInfo(
        commit=commit_message(commit),
        origin=pfs.CommitOrigin(kind=pfs.OriginKind[commit.origin]),
        description=commit.description,
        started=time_of(commit.started),
        created_at=time_of(commit.started),
        direct_provenance=[commit_message(c) for c in commits.provenance(commit)],
        direct_subvenance=[commit_message(c) for c in commits.subvenance(commit)],
        child_commits=[commit_message(c) for c in commits.children(commit)],
        error=commit.error,
        size_bytes_upper_bound=commit.size,
    )
    if commit.parent is not None:
        info.parent_commit = commit_message(commits.get(commit.parent))
    if commit.finishing is not None:
        info.finishing = time_of(commit.finishing)
    if commit.finished is not None:
        info.finished = time_of(commit.finished)
        info.details = pfs.CommitInfoDetails(size_bytes=commit.size)
    return info


def file_info(commit: pfs.Commit, committed: datetime | None, entry: Entry) -> pfs.FileInfo:
    """A file or directory; directories' paths end in a slash, as Pachyderm's do."""
    path = entry.path if entry.kind == "file" or entry.path == "/" else f"{entry.path}/"
    info = pfs.FileInfo(
        file=pfs.File(commit=commit, path=path),
        file_type=_FILE_TYPES[entry.kind],
        size_bytes=entry.size,
        hash=bytes.fromhex(entry.hash),
    )
    if committed is not None:
        info.committed = committed
    return info


def pipeline_message(name: str) -> pps.Pipeline:
    """A reference to a pipeline."""
    return pps.Pipeline(name=name, project=pfs.Project(name=DEFAULT_PROJECT))
