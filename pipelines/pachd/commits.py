"""Commits: every state a repo ever had, and the sets of them that one push makes across repos.

A commit is open until it is finished; its changes are kept beside it and nobody sees them. Finishing makes
its tree, and in the same transaction commits of the same id in every branch downstream. Commits of a branch
stand in the order they were finished: one that is left open forever holds up nobody.
"""

import re
import uuid
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from features.errors import DataError, ForewarnError, NotFoundError
from pipelines.pachd.edits import Edit
from pipelines.pachd.errors import IntegrityError, PreconditionError, StorageError
from pipelines.pachd.metadata import Metadata
from pipelines.pachd.records import (
    BRANCH_QUERY,
    COMMIT_QUERY,
    Branch,
    Commit,
    Repo,
    branch_of,
    commit_of,
    now,
)
from pipelines.pachd.repos import Repos
from pipelines.pachd.trees import EMPTY_TREE, Tree, Trees

_REFERENCE: Final = re.compile(r"([A-Za-z0-9_-]+)((?:\^\d*)*|\.\d+)")
_UUID: Final = re.compile(r"[0-9a-f]{32}")


class Commits:
    """Starts, finishes, finds and drops commits.

    on_created: called inside the transaction with the commits a finished one made downstream.
    """

    def __init__(self, metadata: Metadata, repos: Repos, trees: Trees) -> None:
        self._metadata = metadata
        self._repos = repos
        self._trees = trees
        self.on_created: Callable[[list[Commit]], None] = lambda _: None

    def get(self, row: int) -> Commit:
        """The commit in a row."""
        return commit_of(self._metadata.the("commit", COMMIT_QUERY + "WHERE c.id = ?", row))

    def find(self, repo: Repo, reference: str) -> Commit:
        """The commit that `reference` names.

        An id or a branch (its head), either with `^` (parent) or `^3` (third ancestor), or a branch with `.2`
        (its second commit, the first being `.1`). Raises NotFoundError when there is none, DataError when it
        cannot be read.
        """
        parsed = _REFERENCE.fullmatch(reference)
        if parsed is None:
            raise DataError(
                f"commit {reference!r} cannot be read", expected="a branch or id, maybe with ^, ^2 or .3"
            )
        name, steps = parsed.groups()
        commit = self._by_name(repo, name)
        if steps.startswith("."):
            return self._from_root(repo, commit, int(steps[1:]), reference)
        for step in re.findall(r"\^(\d*)", steps):
            for _ in range(int(step or 1)):
                if commit.parent is None:
                    raise NotFoundError(f"commit {repo}@{reference} not found: {commit} has no parent")
                commit = self.get(commit.parent)
        return commit

    def readable(self, repo: Repo, reference: str) -> Commit:
        """The commit whose files `reference` shows: a branch shows its newest finished commit.

        Raises PreconditionError when the reference names an open commit by its id.
        """
        commit = self.find(repo, reference)
        if commit.finished is None and not reference.startswith(commit.uuid):
            while commit.finished is None and commit.parent is not None:
                commit = self.get(commit.parent)
        if commit.finished is None:
            raise PreconditionError(
                f"commit {commit} is not finished", hint="its files can be read once it is; wait for it"
            )
        return commit

    def tree(self, commit: Commit) -> Tree:
        """The files of a finished commit."""
        return self._trees.open(commit.tree)

    def base_of(self, commit: Commit) -> Commit | None:
        """The nearest ancestor that is finished, or None."""
        while commit.parent is not None:
            commit = self.get(commit.parent)
            if commit.finished is not None:
                return commit
        return None

    def start(
        self, repo: Repo, branch: str, *, parent: Commit | None = None, description: str = ""
    ) -> Commit:
        """Open a commit on a branch, made when it does not exist. PreconditionError on derived branches."""
        with self._metadata.transaction():
            target = self._repos.create_branch(repo, branch)
            if self._repos.direct_provenance(target):
                raise PreconditionError(
                    f"cannot start a commit on {target}: a pipeline writes it", hint="push to its input repo"
                )
            before = parent.id if parent is not None else target.head
            return self._insert(uuid.uuid4().hex, target, before, "USER", description)

    def change(self, commit: Commit, changes: list[tuple[str, str | None]]) -> None:
        """Add changes to an open commit: (canonical path, content hash to append, or None to delete)."""
        with self._metadata.transaction():
            self._check_open(self.get(commit.id))
            self._metadata.run_many(
                "INSERT INTO changes (commit_id, path, content) VALUES (?, ?, ?)",
                [(commit.id, path, content) for path, content in changes],
            )

    def clear(self, commit: Commit) -> None:
        """Forget the changes of an open commit."""
        with self._metadata.transaction():
            self._check_open(self.get(commit.id))
            self._metadata.run("DELETE FROM changes WHERE commit_id = ?", commit.id)

    def finish(self, commit: Commit, *, description: str = "", error: str = "") -> Commit:
        """Make an open commit visible, and what derives from it. Finishing twice is a PreconditionError.

        Changes that cannot be (a path both file and directory) finish it with an error, its parent's files
        kept; nothing derives from an error. Where the disk fails or is damaged it raises and the commit stays
        open, to be finished again.
        """
        with self._metadata.transaction():
            commit = self.get(commit.id)
            self._check_open(commit)
            self._move_before_open_ancestors(commit)
            base = self.base_of(self.get(commit.id))
            tree = before = base.tree if base is not None else EMPTY_TREE
            try:
                tree = self._trees.apply(before, self._edit(commit)).hash
            except (IntegrityError, StorageError):
                raise
            except ForewarnError as failure:
                error = error or str(failure)
            if description:
                self._metadata.run("UPDATE commits SET description = ? WHERE id = ?", description, commit.id)
            self.close(commit, tree, error)
            self._metadata.run("DELETE FROM changes WHERE commit_id = ?", commit.id)
            self.propagate(commit.uuid, self._heads(commit))
            return self.get(commit.id)

    def close(self, commit: Commit, tree: bytes | None, error: str = "") -> None:
        """Finish a commit with a tree that is already made."""
        with self._metadata.transaction():
            root = tree or EMPTY_TREE
            self._metadata.run(
                "UPDATE commits SET finishing = coalesce(finishing, ?1), finished = ?1, tree = ?2, "
                "size = ?3, error = ?4 WHERE id = ?5 AND finished IS NULL",
                now(), root, self._trees.maps.weight(root), error, commit.id,
            )  # fmt: skip

    def write(self, branch: Branch, set_id: str, edit: Edit) -> Commit:
        """Make and finish a commit of the engine's own (a spec, a tick of cron) in one step."""
        with self._metadata.transaction():
            commit = self._insert(set_id, branch, branch.head, "USER", "")
            base = self.base_of(commit)
            self.close(commit, self._trees.apply(base.tree if base else None, edit).hash)
            return self.get(commit.id)

    def propagate(self, set_id: str, branches: Iterable[Branch]) -> list[Commit]:
        """Open commits of one set in everything downstream of `branches`, inputs before outputs.

        A branch among `branches` that derives from others gets a commit too.
        """
        with self._metadata.transaction():
            wanted: dict[int, Branch] = {}
            for branch in branches:
                if self._repos.direct_provenance(branch):
                    wanted[branch.id] = branch
                wanted.update((below.id, below) for below in self._repos.subvenance(branch))
            created = [self._derive(set_id, branch) for branch in self._in_order(wanted)]
            self.on_created(created)
            return created

    def provenance(self, commit: Commit) -> list[Commit]:
        """The commits this one was made from."""
        return [upstream for _, upstream in self.inputs(commit)]

    def inputs(self, commit: Commit) -> list[tuple[str, Commit]]:
        """The commits this one was made from, each with the branch that led to it."""
        query = COMMIT_QUERY.replace("SELECT ", "SELECT b.name via, ") + (
            "JOIN commit_provenance p ON p.upstream = c.id JOIN branches b ON b.id = p.branch "
            "WHERE p.downstream = ? ORDER BY c.id"
        )
        return [(row["via"], commit_of(row)) for row in self._metadata.rows(query, commit.id)]

    def subvenance(self, commit: Commit) -> list[Commit]:
        """The commits made from this one."""
        query = COMMIT_QUERY + "JOIN commit_provenance p ON p.downstream = c.id WHERE p.upstream = ?"
        return [commit_of(row) for row in self._metadata.rows(query + " ORDER BY c.id", commit.id)]

    def children(self, commit: Commit) -> list[Commit]:
        """The commits whose parent this is."""
        rows = self._metadata.rows(COMMIT_QUERY + "WHERE c.parent = ? ORDER BY c.id", commit.id)
        return [commit_of(row) for row in rows]

    def in_set(self, set_id: str) -> list[Commit]:
        """All commits of a set, inputs before outputs; NotFoundError when there is none."""
        rows = self._metadata.rows(COMMIT_QUERY + "WHERE c.uuid = ? ORDER BY c.id", set_id)
        if not rows:
            raise NotFoundError(f"commit set {set_id} not found")
        return [commit_of(row) for row in rows]

    def sets(self) -> list[str]:
        """Ids of all commit sets, newest first."""
        query = "SELECT uuid FROM commits GROUP BY uuid ORDER BY max(id) DESC"
        return [row["uuid"] for row in self._metadata.rows(query)]

    def log(self, repo: Repo, newest: Commit | None = None) -> Iterator[Commit]:
        """Commits of a repo, newest first; with `newest`, that one and its ancestors."""
        if newest is None:
            for row in self._metadata.rows(COMMIT_QUERY + "WHERE c.repo = ? ORDER BY c.id DESC", repo.id):
                yield commit_of(row)
            return
        commit: Commit | None = newest
        while commit is not None:
            yield commit
            commit = self.get(commit.parent) if commit.parent is not None else None

    def drop(self, set_id: str) -> None:
        """Remove a commit set that nothing was built on, wherever it is; branches go back to the parents.

        Raises PreconditionError when another set has a child of one of its commits or derives from one.
        """
        with self._metadata.transaction():
            commits = self.in_set(set_id)
            for commit in commits:
                later = [*self.children(commit), *self.subvenance(commit)]
                if foreign := [other for other in later if other.uuid != set_id]:
                    raise PreconditionError(
                        f"commit set {set_id} cannot be dropped: {foreign[0]} was built on {commit}",
                        hint="drop the newest set first",
                    )
            self._remove(commits)

    def squash(self, set_id: str) -> None:
        """Forget a commit set whose commits all have children; those keep their files."""
        with self._metadata.transaction():
            commits = self.in_set(set_id)
            for commit in commits:
                if not self.children(commit):
                    raise PreconditionError(
                        f"commit set {set_id} cannot be squashed: {commit} has no child to keep its files",
                        hint="drop it instead",
                    )
            self._remove(commits)

    def _remove(self, commits: list[Commit]) -> None:
        for commit in reversed(commits):
            self._metadata.run("UPDATE commits SET parent = ? WHERE parent = ?", commit.parent, commit.id)
            self._metadata.run("UPDATE branches SET head = ? WHERE head = ?", commit.parent, commit.id)
            self._metadata.run("DELETE FROM commits WHERE id = ?", commit.id)

    def _by_name(self, repo: Repo, name: str) -> Commit:
        if _UUID.fullmatch(name):
            query = COMMIT_QUERY + "WHERE c.repo = ? AND c.uuid = ?"
            return commit_of(self._metadata.the(f"commit {repo}@{name}", query, repo.id, name))
        branch = self._repos.branch(repo, name)
        if branch.head is None:
            raise NotFoundError(f"branch {branch} has no commits")
        return self.get(branch.head)

    def _from_root(self, repo: Repo, head: Commit, number: int, reference: str) -> Commit:
        line = list(self.log(repo, head))
        if not 1 <= number <= len(line):
            raise NotFoundError(f"commit {repo}@{reference} not found: the branch has {len(line)} commits")
        return line[-number]

    def _insert(
        self, set_id: str, branch: Branch, parent: int | None, origin: str, description: str
    ) -> Commit:
        row = self._metadata.run(
            "INSERT INTO commits (uuid, repo, branch, parent, origin, description, started) "
            "VALUES (?, ?, ?, ?, ?, ?, ?)",
            set_id, branch.repo.id, branch.name, parent, origin, description, now(),
        )  # fmt: skip
        self._metadata.run("UPDATE branches SET head = ?, updated = ? WHERE id = ?", row, now(), branch.id)
        return self.get(row)

    def _derive(self, set_id: str, branch: Branch) -> Commit:
        branch = self._repos.branch(branch.repo, branch.name)
        commit = self._insert(set_id, branch, branch.head, "AUTO", "")
        for upstream in self._repos.direct_provenance(branch):
            head = self.get(upstream.head) if upstream.head is not None else None
            if head is not None and head.finished is None and head.origin == "USER":
                head = self.base_of(head)
            if head is not None:
                self._metadata.run(
                    "INSERT INTO commit_provenance (downstream, branch, upstream) VALUES (?, ?, ?)",
                    commit.id, upstream.id, head.id,
                )  # fmt: skip
        return commit

    def _in_order(self, wanted: dict[int, Branch]) -> list[Branch]:
        ordered: dict[int, Branch] = {}

        def visit(branch: Branch) -> None:
            if branch.id in ordered:
                return
            for upstream in self._repos.direct_provenance(branch):
                if upstream.id in wanted:
                    visit(upstream)
            ordered[branch.id] = branch

        for branch in wanted.values():
            visit(branch)
        return list(ordered.values())

    def _heads(self, commit: Commit) -> list[Branch]:
        """The branches whose newest finished commit this is."""
        rows = self._metadata.rows(BRANCH_QUERY + "WHERE b.repo = ?", commit.repo.id)
        heads = []
        for branch in map(branch_of, rows):
            head = self.get(branch.head) if branch.head is not None else None
            if head is not None and head.finished is None:
                head = self.base_of(head)
            if head is not None and head.id == commit.id:
                heads.append(branch)
        return heads

    def _move_before_open_ancestors(self, commit: Commit) -> None:
        """Commits that were started earlier but are still open become this one's descendants."""
        if commit.parent is None or self.get(commit.parent).finished is not None:
            return
        last = first = self.get(commit.parent)
        while first.parent is not None and self.get(first.parent).finished is None:
            first = self.get(first.parent)
        run = self._metadata.run
        run("UPDATE commits SET parent = ? WHERE parent = ?", last.id, commit.id)
        run("UPDATE branches SET head = ? WHERE head = ?", last.id, commit.id)
        run("UPDATE commits SET parent = ? WHERE id = ?", first.parent, commit.id)
        run("UPDATE commits SET parent = ? WHERE id = ?", commit.id, first.id)

    def _edit(self, commit: Commit) -> Edit:
        edit = Edit()
        query = "SELECT path, content FROM changes WHERE commit_id = ? ORDER BY id"
        for path, content in self._metadata.rows(query, commit.id):
            if content is None:
                edit.delete(path)
            else:
                edit.append(path, content)
        return edit

    @staticmethod
    def _check_open(commit: Commit) -> None:
        if commit.finished is not None:
            raise PreconditionError(
                f"commit {commit} is finished and never changes", hint="start a new commit"
            )
