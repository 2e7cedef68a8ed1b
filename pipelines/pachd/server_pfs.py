"""pfs_v2: repos, branches, commits and files over the wire."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import betterproto
from betterproto.lib.google.protobuf import BytesValue
from pachyderm_sdk.api import pfs

from features.errors import DataError
from pipelines.pachd.codec import FileInfos
from pipelines.pachd.errors import PreconditionError, UnsupportedError
from pipelines.pachd.files import Append, Change, Copy, Delete
from pipelines.pachd.inputs import DEFAULT_PROJECT
from pipelines.pachd.paths import canonical
from pipelines.pachd.reading import file_stream, one_file, page, tar_stream
from pipelines.pachd.records import Branch, Commit, Repo
from pipelines.pachd.trees import Entry, Tree
from pipelines.pachd.waiting import finished_set, subscribed, waited
from pipelines.pachd.wire import (
    branch_message,
    branch_of,
    check_project,
    commit_info,
    commit_message,
    commit_of,
    file_info,
    repo_message,
    repo_of,
    time_of,
)

if TYPE_CHECKING:
    from pipelines.pachd.engine import Engine


class PfsService:
    """Every method bears the name of a call and takes its request; streams are iterators.

    Listings yield encoded messages (see codec.py).
    """

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine
        self._repos = engine.repos
        self._commits = engine.commits

    # Projects

    def inspect_project(self, request: pfs.InspectProjectRequest, _: Any) -> pfs.ProjectInfo:
        """The default project."""
        check_project(request.project)
        return pfs.ProjectInfo(project=pfs.Project(name=DEFAULT_PROJECT))

    def list_project(self, _request: pfs.ListProjectRequest, _: Any) -> Iterator[pfs.ProjectInfo]:
        """The default project."""
        yield pfs.ProjectInfo(project=pfs.Project(name=DEFAULT_PROJECT))

    # Repos

    def create_repo(self, request: pfs.CreateRepoRequest, _: Any) -> None:
        """A new user repo, or a new description."""
        check_project(request.repo.project)
        if request.repo.type not in ("", "user"):
            raise DataError("only user repos can be created", got=request.repo.type)
        self._repos.create(request.repo.name, "user", request.description, update=request.update)

    def inspect_repo(self, request: pfs.InspectRepoRequest, _: Any) -> pfs.RepoInfo:
        """One repo."""
        return self._repo_info(repo_of(self._repos, request.repo))

    def list_repo(self, request: pfs.ListRepoRequest, _: Any) -> Iterator[pfs.RepoInfo]:
        """Repos of a type, newest first; without a type, of every type."""
        if request.projects and DEFAULT_PROJECT not in {project.name for project in request.projects}:
            return
        yield from map(self._repo_info, self._repos.all(request.type))

    def delete_repo(self, request: pfs.DeleteRepoRequest, _: Any) -> pfs.DeleteRepoResponse:
        """A repo and all its commits."""
        repo = repo_of(self._repos, request.repo)
        if any(pipeline.name == repo.name for pipeline in self._engine.pipelines.all()):
            raise PreconditionError(f"repo {repo} belongs to a pipeline", hint="delete the pipeline")
        self._repos.delete(repo.name, repo.type, force=request.force)
        return pfs.DeleteRepoResponse(deleted=True)

    # Branches

    def create_branch(self, request: pfs.CreateBranchRequest, _: Any) -> None:
        """A branch, its head and what it derives from; what is downstream runs on the new head."""
        if betterproto.serialized_on_wire(request.trigger):
            raise UnsupportedError("branch triggers are not run", hint="use a cron input")
        repo = repo_of(self._repos, request.branch.repo)
        head = request.head
        commit = None
        if head.id or head.branch.name:
            if not (head.repo.name or head.branch.repo.name):
                head.repo = request.branch.repo
            commit = commit_of(self._repos, self._commits, head)
        upstream = [branch_of(self._repos, branch) for branch in request.provenance]
        self._engine.move_branch(repo, request.branch.name, commit, upstream)

    def inspect_branch(self, request: pfs.InspectBranchRequest, _: Any) -> pfs.BranchInfo:
        """One branch."""
        return self._branch_info(branch_of(self._repos, request.branch))

    def list_branch(self, request: pfs.ListBranchRequest, _: Any) -> Iterator[pfs.BranchInfo]:
        """Branches of a repo, newest first unless reversed."""
        branches = self._repos.branches(repo_of(self._repos, request.repo))
        yield from map(self._branch_info, branches if request.reverse else reversed(branches))

    def delete_branch(self, request: pfs.DeleteBranchRequest, _: Any) -> None:
        """The name only; commits stay."""
        self._repos.delete_branch(branch_of(self._repos, request.branch), force=request.force)

    # Commits

    def start_commit(self, request: pfs.StartCommitRequest, _: Any) -> pfs.Commit:
        """An open commit."""
        if not request.branch.name:
            raise DataError(
                "the request names no branch", hint="say where the commit goes, such as logs@master"
            )
        repo = repo_of(self._repos, request.branch.repo)
        parent = None
        if request.parent.id or request.parent.branch.name:
            if not request.parent.repo.name and not request.parent.branch.repo.name:
                request.parent.repo = request.branch.repo
            parent = commit_of(self._repos, self._commits, request.parent)
        return commit_message(
            self._commits.start(repo, request.branch.name, parent=parent, description=request.description)
        )

    def finish_commit(self, request: pfs.FinishCommitRequest, _: Any) -> None:
        """Make an open commit visible and start what derives from it."""
        commit = self._commit(request.commit)
        if self._engine.jobs.making(commit) is not None:
            raise PreconditionError(f"commit {commit} is a job's output", hint="stop the job instead")
        self._commits.finish(commit, description=request.description, error=request.error)

    def clear_commit(self, request: pfs.ClearCommitRequest, _: Any) -> None:
        """Forget what was written into an open commit."""
        self._commits.clear(self._commit(request.commit))

    def inspect_commit(self, request: pfs.InspectCommitRequest, context: Any) -> pfs.CommitInfo:
        """One commit, once it has reached the state asked for."""
        commit = self._commit(request.commit)
        return commit_info(self._commits, waited(self._engine, commit, request.wait, context))

    def list_commit(self, request: pfs.ListCommitRequest, _: Any) -> Iterator[pfs.CommitInfo]:
        """Commits of a repo, newest first; from `to` along its ancestors down to, not with, `from`."""
        if not request.repo.name:
            request.repo = request.to.repo if request.to.repo.name else request.to.branch.repo
        repo = repo_of(self._repos, request.repo)
        to = self._commit(request.to) if request.to.id or request.to.branch.name else None
        start = self._commit(request.from_) if request.from_.id or request.from_.branch.name else None
        found = []
        for commit in self._commits.log(repo, to):
            if start is not None and commit.id == start.id:
                break
            if start is not None and to is None and commit.id < start.id:
                break
            if request.origin_kind and pfs.OriginKind[commit.origin] != request.origin_kind:
                continue
            found.append(commit)
            if request.number and len(found) == request.number and not request.reverse:
                break
        if request.reverse:
            found = found[::-1][: request.number or None]
        for commit in found:
            yield commit_info(self._commits, commit)

    def subscribe_commit(self, request: pfs.SubscribeCommitRequest, context: Any) -> Iterator[pfs.CommitInfo]:
        """Commits as they reach a state, oldest first, without end."""
        repo = repo_of(self._repos, request.repo)
        after = self._commit(request.from_) if request.from_.id or request.from_.branch.name else None
        for commit in subscribed(self._engine, repo, request.branch, after, request.state, context):
            if not request.origin_kind or pfs.OriginKind[commit.origin] == request.origin_kind:
                yield commit_info(self._commits, commit)

    def inspect_commit_set(
        self, request: pfs.InspectCommitSetRequest, context: Any
    ) -> Iterator[pfs.CommitInfo]:
        """Commits of a set, inputs before outputs; with `wait`, each once it is finished."""
        set_id = request.commit_set.id
        if request.wait:
            found: Iterator[Commit] = finished_set(self._engine, set_id, context)
        else:
            found = iter(self._commits.in_set(set_id))
        for commit in found:
            yield commit_info(self._commits, commit)

    def list_commit_set(self, request: pfs.ListCommitSetRequest, _: Any) -> Iterator[pfs.CommitSetInfo]:
        """All commit sets, newest first."""
        check_project(request.project)
        for set_id in self._commits.sets():
            yield pfs.CommitSetInfo(
                commit_set=pfs.CommitSet(id=set_id),
                commits=[commit_info(self._commits, commit) for commit in self._commits.in_set(set_id)],
            )

    def drop_commit_set(self, request: pfs.DropCommitSetRequest, _: Any) -> None:
        """Remove a set that nothing was built on, its jobs too."""
        self._engine.drop(request.commit_set.id)

    def squash_commit_set(self, request: pfs.SquashCommitSetRequest, _: Any) -> None:
        """Forget a set whose commits have children."""
        self._commits.squash(request.commit_set.id)

    # Files

    def modify_file(self, requests: Iterator[pfs.ModifyFileRequest], _: Any) -> None:
        """A stream: the commit first, then deletions, pieces of files and copies in order.

        Naming a branch without an open commit makes a commit of just this stream.
        """
        message = next(requests, pfs.ModifyFileRequest()).set_commit
        repo = repo_of(self._repos, message.repo if message.repo.name else message.branch.repo)
        with self._engine.commit_to_modify(repo, message.id, message.branch.name) as commit:
            self._engine.files.modify(commit, map(self._change, requests))

    def get_file(self, request: pfs.GetFileRequest, _: Any) -> Iterator[BytesValue]:
        """The content of one file, from an offset."""
        _, tree = self._opened(request)
        entry = one_file(tree, request.file.path)
        for data in file_stream(tree, entry, request.offset):
            yield BytesValue(value=data)

    def get_file_tar(self, request: pfs.GetFileRequest, _: Any) -> Iterator[BytesValue]:
        """Files and directories that match, as a TAR stream."""
        commit, tree = self._opened(request)
        for data in tar_stream(tree, request.file.path, (commit.finished or 0) // 1_000_000):
            yield BytesValue(value=data)

    def inspect_file(self, request: pfs.InspectFileRequest, _: Any) -> pfs.FileInfo:
        """One file or directory."""
        commit, tree = self._tree(request.file.commit)
        return self._info(commit, next(tree.walk(request.file.path)))

    def list_file(self, request: pfs.ListFileRequest, _: Any) -> Iterator[bytes]:
        """What a directory holds; a file lists itself."""
        commit, tree = self._tree(request.file.commit)
        yield from self._infos(commit, page(tree.list(request.file.path), request))

    def walk_file(self, request: pfs.WalkFileRequest, _: Any) -> Iterator[bytes]:
        """A directory and everything below it."""
        commit, tree = self._tree(request.file.commit)
        yield from self._infos(commit, page(tree.walk(request.file.path), request))

    def glob_file(self, request: pfs.GlobFileRequest, _: Any) -> Iterator[bytes]:
        """Files and directories that match a pattern."""
        commit, tree = self._tree(request.commit)
        yield from self._infos(commit, tree.glob(request.pattern))

    def diff_file(self, request: pfs.DiffFileRequest, _: Any) -> Iterator[pfs.DiffFileResponse]:
        """Paths that differ between two commits; by default a commit and its parent."""
        new_commit, new = self._tree(request.new_file.commit)
        old_path = request.new_file.path
        if betterproto.serialized_on_wire(request.old_file):
            old_commit, old = self._tree(request.old_file.commit)
            old_path = request.old_file.path or old_path
        else:
            old_commit = self._commits.base_of(new_commit) or new_commit
            old = self._commits.tree(old_commit) if old_commit.id != new_commit.id else new.empty
        place = canonical(request.new_file.path)
        below = {place} if request.shallow else None
        for change in old.diff(new, place, old_path, lambda path: below is None or path in below):
            response = pfs.DiffFileResponse()
            if change.new is not None:
                response.new_file = self._info(new_commit, change.new)
            if change.old is not None:
                response.old_file = self._info(old_commit, change.old)
            yield response

    def fsck(self, request: pfs.FsckRequest, _: Any) -> Iterator[pfs.FsckResponse]:
        """What is not as it was written, and what was done about it."""
        for problem in self._engine.fsck(fix=request.fix):
            yield pfs.FsckResponse(error=problem.what, fix=problem.fixed)

    def _commit(self, message: pfs.Commit) -> Commit:
        return commit_of(self._repos, self._commits, message)

    def _tree(self, message: pfs.Commit) -> tuple[Commit, Tree]:
        commit = commit_of(self._repos, self._commits, message, readable=True)
        return commit, self._commits.tree(commit)

    def _opened(self, request: pfs.GetFileRequest) -> tuple[Commit, Tree]:
        if request.url:
            raise UnsupportedError(
                "writing files to a URL is not done", hint="read them and write them there"
            )
        return self._tree(request.file.commit)

    def _change(self, request: "Append | pfs.ModifyFileRequest") -> Change:
        if isinstance(request, Append):
            return request
        kind, body = betterproto.which_one_of(request, "body")
        match kind:
            case "add_file":
                if betterproto.which_one_of(body, "source")[0] == "url":
                    raise UnsupportedError(
                        "files are not fetched from URLs", hint="fetch it and put its bytes"
                    )
                return Append(body.path, body.raw or b"")
            case "delete_file":
                return Delete(body.path)
            case "copy_file":
                source, _ = self._tree(body.src.commit)
                return Copy(body.dst, source, body.src.path, body.append)
            case _:
                raise DataError("a stream of changes names its commit once, first", got=kind or "nothing")

    @staticmethod
    def _info(commit: Commit, entry: Entry) -> pfs.FileInfo:
        committed = time_of(commit.finished) if commit.finished is not None else None
        return file_info(commit_message(commit), committed, entry)

    @staticmethod
    def _infos(commit: Commit, entries: Iterable[Entry]) -> Iterator[bytes]:
        committed = time_of(commit.finished) if commit.finished is not None else None
        encoder = FileInfos(commit_message(commit), committed)
        return map(encoder.encode, entries)

    def _repo_info(self, repo: Repo) -> pfs.RepoInfo:
        size = self._repos.size(repo)
        return pfs.RepoInfo(
            repo=repo_message(repo),
            created=time_of(repo.created),
            description=repo.description,
            branches=[branch_message(branch) for branch in self._repos.branches(repo)],
            size_bytes_upper_bound=size,
            details=pfs.RepoInfoDetails(size_bytes=size),
        )

    def _branch_info(self, branch: Branch) -> pfs.BranchInfo:
        info = pfs.BranchInfo(
            branch=branch_message(branch),
            provenance=[branch_message(b) for b in self._repos.provenance(branch)],
            subvenance=[branch_message(b) for b in self._repos.subvenance(branch)],
            direct_provenance=[branch_message(b) for b in self._repos.direct_provenance(branch)],
            created_at=time_of(branch.created),
            updated_at=time_of(branch.updated),
        )
        if branch.head is not None:
            info.head = commit_message(self._commits.get(branch.head))
        return info
