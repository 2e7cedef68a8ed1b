"""Repos and branches: what is versioned, and the names of its newest states."""

import re
from collections.abc import Callable, Iterable
from typing import Final

from features.errors import ConflictError, DataError
from pipelines.pachd.errors import PreconditionError
from pipelines.pachd.metadata import Metadata
from pipelines.pachd.records import (
    BRANCH_QUERY,
    REPO_COLUMNS,
    Branch,
    Commit,
    Repo,
    RepoType,
    branch_of,
    now,
    repo_of,
)

_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,63}")
_UUID: Final = re.compile(r"[0-9a-f]{12}4[0-9a-f]{19}")


class Repos:
    """Creates, lists and deletes repos and branches of one metadata database."""

    def __init__(self, metadata: Metadata) -> None:
        self._metadata = metadata

    def create(
        self, name: str, type_: RepoType = "user", description: str = "", *, update: bool = False
    ) -> Repo:
        """Make a repo, or, with `update`, change its description. ConflictError when it exists."""
        _check_name("repo", name)
        with self._metadata.transaction():
            found = self._metadata.value("SELECT id FROM repos WHERE name = ? AND type = ?", name, type_)
            if found is None:
                self._metadata.run(
                    "INSERT INTO repos (name, type, description, created) VALUES (?, ?, ?, ?)",
                    name, type_, description, now(),
                )  # fmt: skip
            elif update:
                self._metadata.run("UPDATE repos SET description = ? WHERE id = ?", description, found)
            else:
                raise ConflictError(f"repo {name} already exists")
            return self.get(name, type_)

    def get(self, name: str, type_: str = "user") -> Repo:
        """The repo with this name; NotFoundError when there is none."""
        return repo_of(
            self._metadata.the(
                f"repo {name if type_ == 'user' else f'{name}.{type_}'}",
                f"SELECT {REPO_COLUMNS} FROM repos r WHERE name = ? AND type = ?",  # noqa: S608
                name,
                type_,
            )
        )

    def all(self, type_: str = "") -> list[Repo]:
        """All repos, or those of one type, newest first."""
        query = f"SELECT {REPO_COLUMNS} FROM repos r WHERE ? IN ('', type) ORDER BY id DESC"  # noqa: S608
        return [repo_of(row) for row in self._metadata.rows(query, type_)]

    def size(self, repo: Repo) -> int:
        """Bytes in the newest finished commit of master, or of any branch when there is no master."""
        return (
            self._metadata.value(
                "SELECT size FROM commits WHERE repo = ? AND finished IS NOT NULL "
                "ORDER BY branch = 'master' DESC, id DESC LIMIT 1",
                repo.id,
            )
            or 0
        )

    def delete(self, name: str, type_: str = "user", *, force: bool = False) -> None:
        """Remove a repo and its history; PreconditionError when pipelines read it, unless `force`."""
        with self._metadata.transaction():
            repo = self.get(name, type_)
            if not force:
                self._check_unused(self.branches(repo))
            self._metadata.run("DELETE FROM repos WHERE id = ?", repo.id)

    def create_branch(
        self, repo: Repo, name: str, head: Commit | None = None, provenance: Iterable[Branch] | None = None
    ) -> Branch:
        """Make a branch or move it to `head`, and set what it derives from unless `provenance` is None.

        Raises DataError for the name of a commit, or a head of another repo.
        """
        _check_name("branch", name)
        if _UUID.fullmatch(name):
            raise DataError("a branch cannot be named like a commit", got=name)
        if head is not None and head.repo.id != repo.id:
            raise DataError(
                "a branch's head must be a commit of its own repo", got=str(head), expected=f"{repo}@…"
            )
        with self._metadata.transaction():
            self._metadata.run(
                "INSERT INTO branches (repo, name, created, updated) VALUES (?1, ?2, ?3, ?3) "
                "ON CONFLICT (repo, name) DO UPDATE SET updated = ?3",
                repo.id, name, now(),
            )  # fmt: skip
            branch = self.branch(repo, name)
            if head is not None:
                self._metadata.run("UPDATE branches SET head = ? WHERE id = ?", head.id, branch.id)
            if provenance is not None:
                self._set_provenance(branch, list(provenance))
            return self.branch(repo, name)

    def branch(self, repo: Repo, name: str) -> Branch:
        """The branch with this name; NotFoundError when there is none."""
        query = BRANCH_QUERY + "WHERE b.repo = ? AND b.name = ?"
        return branch_of(self._metadata.the(f"branch {repo}@{name}", query, repo.id, name))

    def branches(self, repo: Repo) -> list[Branch]:
        """All branches of a repo, oldest first."""
        return [
            branch_of(row)
            for row in self._metadata.rows(BRANCH_QUERY + "WHERE b.repo = ? ORDER BY b.id", repo.id)
        ]

    def delete_branch(self, branch: Branch, *, force: bool = False) -> None:
        """Forget a branch, not its commits; PreconditionError when others derive from it, unless `force`."""
        with self._metadata.transaction():
            if not force:
                self._check_unused([branch])
            self._metadata.run("DELETE FROM branches WHERE id = ?", branch.id)

    def direct_provenance(self, branch: Branch) -> list[Branch]:
        """The branches this one is made from."""
        query = BRANCH_QUERY + "JOIN branch_provenance p ON p.upstream = b.id WHERE p.downstream = ?"
        return [branch_of(row) for row in self._metadata.rows(query, branch.id)]

    def direct_subvenance(self, branch: Branch) -> list[Branch]:
        """The branches made from this one."""
        query = BRANCH_QUERY + "JOIN branch_provenance p ON p.downstream = b.id WHERE p.upstream = ?"
        return [branch_of(row) for row in self._metadata.rows(query, branch.id)]

    def provenance(self, branch: Branch) -> list[Branch]:
        """Everything upstream, nearest first."""
        return _closure(branch, self.direct_provenance)

    def subvenance(self, branch: Branch) -> list[Branch]:
        """Everything downstream, each branch after all it is made from."""
        found = {b.id: b for b in _closure(branch, self.direct_subvenance)}
        ordered: dict[int, Branch] = {}

        def visit(one: Branch) -> None:
            if one.id in ordered:
                return
            for upstream in self.direct_provenance(one):
                if upstream.id in found:
                    visit(upstream)
            ordered[one.id] = one

        for one in found.values():
            visit(one)
        return list(ordered.values())

    def _set_provenance(self, branch: Branch, upstream: list[Branch]) -> None:
        for one in upstream:
            if one.id == branch.id or branch.id in {b.id for b in self.provenance(one)}:
                raise DataError(f"{branch} cannot derive from {one}, which derives from it")
        self._metadata.run("DELETE FROM branch_provenance WHERE downstream = ?", branch.id)
        self._metadata.run_many(
            "INSERT INTO branch_provenance (downstream, upstream) VALUES (?, ?)",
            [(branch.id, id_) for id_ in dict.fromkeys(one.id for one in upstream)],
        )

    def _check_unused(self, branches: Iterable[Branch]) -> None:
        for branch in branches:
            others = [b for b in self.direct_subvenance(branch) if b.repo.id != branch.repo.id]
            if others:
                raise PreconditionError(
                    f"{branch} cannot be deleted: {', '.join(map(str, others))} derive from it",
                    hint="delete those pipelines first, or use force",
                )


def _closure(start: Branch, neighbours: Callable[[Branch], list[Branch]]) -> list[Branch]:
    found: dict[int, Branch] = {}
    queue = neighbours(start)
    while queue:
        branch = queue.pop(0)
        if branch.id not in found:
            found[branch.id] = branch
            queue += neighbours(branch)
    return list(found.values())


def _check_name(what: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise DataError(
            f"{what} name {name!r} is not allowed", expected="1 to 63 letters, digits, '_' or '-'"
        )
