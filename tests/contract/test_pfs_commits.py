"""Commits: atomic, immutable, one id across repos."""

import re
import threading
from typing import Any

import pytest
from pachyderm_sdk import Client
from pachyderm_sdk.api import pfs

World = Any
Refused = Any


def branch(repo: str, name: str = "master") -> pfs.Branch:
    return pfs.Branch.from_uri(f"{repo}@{name}")


def commit_at(uri: str) -> pfs.Commit:
    return pfs.Commit.from_uri(uri)


def test_commit_ids_are_dashless_uuid4(world: World) -> None:
    commit = world.push(world.repo(), {"/a": b"1"}).commit
    assert re.fullmatch(r"[0-9a-f]{12}4[0-9a-f]{19}", commit.id)


def test_commit_id_is_shared_across_the_commit_set(world: World, client: Client, reads: Any) -> None:
    repo = world.repo()
    first = world.pipeline("first", reads(repo, "/*"))
    second = world.pipeline("second", reads(first, "/*"))
    id_ = world.push(repo, {"/a": b"1"}).commit.id
    infos = list(client.pfs.inspect_commit_set(commit_set=pfs.CommitSet(id=id_), wait=True))
    user = [info.commit.repo.name for info in infos if info.commit.repo.type == "user"]
    assert user == [repo, first, second]
    assert {info.commit.id for info in infos} == {id_}
    assert {info.commit.repo.type for info in infos} == {"user", "meta"}


def test_the_job_id_equals_the_commit_id(world: World, reads: Any) -> None:
    repo = world.repo()
    pipeline = world.pipeline("p", reads(repo, "/*"))
    id_ = world.push(repo, {"/a": b"1"}).commit.id
    assert world.jobs(pipeline)[0].job.id == id_
    assert world.jobs(pipeline)[0].output_commit.id == id_


def test_output_commits_have_provenance_on_inputs_and_spec(world: World, client: Client, reads: Any) -> None:
    repo = world.repo()
    pipeline = world.pipeline("p", reads(repo, "/*"))
    commit = world.push(repo, {"/a": b"1"}).commit
    output = client.pfs.inspect_commit(commit=commit_at(f"{pipeline}@{commit.id}"))
    provenance = {(c.repo.name, c.repo.type) for c in output.direct_provenance}
    assert provenance == {(repo, "user"), (pipeline, "spec")}
    assert commit.id in {c.id for c in output.direct_provenance}
    assert output.origin.kind == pfs.OriginKind.AUTO
    assert client.pfs.inspect_commit(commit=commit).origin.kind == pfs.OriginKind.USER


def test_repo_types_are_user_spec_and_meta(world: World, client: Client, reads: Any) -> None:
    pipeline = world.pipeline("p", reads(world.repo(), "/*"))
    for type_ in ("user", "spec", "meta"):
        assert pipeline in {info.repo.name for info in client.pfs.list_repo(type=type_)}


def test_a_commit_is_visible_only_when_finished(world: World, client: Client, refused: Refused) -> None:
    repo = world.repo()
    world.push(repo, {"/a": b"old"})
    commit = client.pfs.start_commit(branch=branch(repo))
    client.pfs.put_file_from_bytes(commit=commit, path="/a", data=b"new")
    assert world.files(repo) == {"/a": b"old"}
    with refused("FAILED_PRECONDITION", "is not finished"):
        client.pfs.inspect_file(file=pfs.File(commit=commit, path="/a"))
    client.pfs.finish_commit(commit=commit)
    assert world.files(repo) == {"/a": b"new"}


def test_a_finished_commit_never_changes(world: World, client: Client, refused: Refused) -> None:
    repo = world.repo()
    commit = world.push(repo, {"/a": b"1"}).commit
    with refused("FAILED_PRECONDITION", "never changes"):
        client.pfs.put_file_from_bytes(commit=commit, path="/a", data=b"2")
    with refused("FAILED_PRECONDITION", "never changes"):
        client.pfs.finish_commit(commit=commit)
    world.push(repo, {"/a": b"2"})
    assert world.files(repo, commit.id) == {"/a": b"1"}


def test_ancestry_by_caret_and_by_number(world: World, client: Client, refused: Refused) -> None:
    repo = world.repo()
    ids = [world.push(repo, {"/n": str(n).encode()}).commit.id for n in range(4)]

    def found(reference: str) -> str:
        return client.pfs.inspect_commit(commit=commit_at(f"{repo}@{reference}")).commit.id

    assert [found(r) for r in ("master", "master^", "master^^", "master^3")] == ids[::-1]
    assert found(f"{ids[2]}^2") == ids[0]
    assert [found(f"master.{n}") for n in (1, 2, 3, 4)] == ids
    assert world.files(repo, "master^2") == {"/n": b"1"}
    with refused("NOT_FOUND"):
        found("master^4")
    with refused("NOT_FOUND"):
        found("master.5")


def test_list_commit_walks_back_from_a_branch(world: World, client: Client) -> None:
    repo = world.repo()
    ids = [world.push(repo, {"/n": str(n).encode()}).commit.id for n in range(4)]
    message = pfs.Repo.from_uri(repo)

    def listed(**request: Any) -> list[str]:
        return [info.commit.id for info in client.pfs.list_commit(repo=message, **request)]

    assert listed() == ids[::-1]
    assert listed(number=2) == ids[:1:-1]
    assert listed(to=commit_at(f"{repo}@{ids[2]}")) == ids[2::-1]
    assert listed(to=commit_at(f"{repo}@master"), from_=commit_at(f"{repo}@{ids[1]}")) == [ids[3], ids[2]]
    assert listed(reverse=True) == ids


def test_parents_children_description_and_size(world: World, client: Client) -> None:
    repo = world.repo()
    first = world.push(repo, {"/a": b"12345"}).commit
    second = client.pfs.start_commit(branch=branch(repo), description="started")
    client.pfs.finish_commit(commit=second, description="said at the end")
    info = client.pfs.inspect_commit(commit=second)
    assert info.parent_commit.id == first.id
    assert info.description == "said at the end"
    assert info.details.size_bytes == 5
    assert [c.id for c in client.pfs.inspect_commit(commit=first).child_commits] == [second.id]


def test_concurrent_pushers_are_isolated_and_none_is_lost(world: World, client: Client) -> None:
    repo = world.repo()
    first = client.pfs.start_commit(branch=branch(repo))
    second = client.pfs.start_commit(branch=branch(repo))
    client.pfs.put_file_from_bytes(commit=second, path="/second", data=b"2")
    client.pfs.put_file_from_bytes(commit=first, path="/first", data=b"1")
    client.pfs.finish_commit(commit=second)
    client.pfs.wait_commit(second)
    client.pfs.finish_commit(commit=first)
    client.pfs.wait_commit(first)
    assert world.files(repo) == {"/first": b"1", "/second": b"2"}
    assert "/first" not in world.files(repo, second.id) or "/second" not in world.files(repo, first.id)


def test_many_pushers_at_once(world: World, client: Client) -> None:
    repo = world.repo()

    def push(name: str) -> None:
        with client.pfs.commit(branch=branch(repo)) as commit:
            for part in range(3):
                commit.put_file_from_bytes(f"/{name}/{part}", name.encode())

    threads = [threading.Thread(target=push, args=(f"pusher-{i}",)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(world.files(repo)) == 24
    for info in client.pfs.list_commit(repo=pfs.Repo.from_uri(repo)):
        names = [path.split("/")[1] for path in world.files(repo, info.commit.id)]
        assert all(names.count(name) == 3 for name in names)


def test_wait_returns_when_the_commit_is_finished(world: World, client: Client) -> None:
    repo = world.repo()
    commit = client.pfs.start_commit(branch=branch(repo))
    seen: list[pfs.CommitInfo] = []
    thread = threading.Thread(target=lambda: seen.append(client.pfs.wait_commit(commit)))
    thread.start()
    assert client.pfs.inspect_commit(commit=commit, wait=pfs.CommitState.STARTED).finished.year == 1970
    client.pfs.finish_commit(commit=commit)
    thread.join()
    assert seen[0].finished.year > 1970


def test_subscribe_gives_commits_as_they_finish(world: World, client: Client) -> None:
    repo = world.repo()
    first = world.push(repo, {"/n": b"0"}).commit.id
    stream = client.pfs.subscribe_commit(
        repo=pfs.Repo.from_uri(repo), branch="master", state=pfs.CommitState.FINISHED
    )
    assert next(stream).commit.id == first
    second = world.push(repo, {"/n": b"1"}).commit.id
    assert next(stream).commit.id == second
    stream.close()


def test_drop_commit_set_takes_a_push_back(
    world: World, client: Client, reads: Any, refused: Refused
) -> None:
    repo = world.repo()
    pipeline = world.pipeline("p", reads(repo, "/*"))
    first = world.push(repo, {"/a": b"1"}).commit
    second = world.push(repo, {"/b": b"2"}).commit
    with refused("FAILED_PRECONDITION"):
        client.pfs.drop_commit_set(commit_set=pfs.CommitSet(id=first.id))
    client.pfs.drop_commit_set(commit_set=pfs.CommitSet(id=second.id))
    assert world.files(repo) == {"/a": b"1"}
    assert world.files(pipeline) == {"/a": b"1"}
    assert world.jobs(pipeline)[0].job.id == first.id
    with refused("NOT_FOUND"):
        client.pfs.inspect_commit(commit=second)
    assert first.id in {
        i.commit_set.id for i in client.pfs.list_commit_set(project=pfs.Project(name="default"))
    }


def test_an_open_commit_can_be_dropped(world: World, client: Client) -> None:
    repo = world.repo()
    world.push(repo, {"/a": b"1"})
    commit = client.pfs.start_commit(branch=branch(repo))
    client.pfs.drop_commit_set(commit_set=pfs.CommitSet(id=commit.id))
    assert client.pfs.inspect_branch(branch=branch(repo)).head.id != commit.id


def test_a_branch_can_begin_at_any_commit(world: World, client: Client, reads: Any) -> None:
    repo = world.repo()
    pipeline = world.pipeline("p", reads(repo, "/*", branch="release"))
    first = world.push(repo, {"/a": b"1"}).commit
    world.push(repo, {"/a": b"2"})
    assert world.files(pipeline) == {}
    client.pfs.create_branch(branch=branch(repo, "release"), head=first)
    assert world.last(pipeline).state == 5
    assert world.files(pipeline) == {"/a": b"1"}
    names = {info.branch.name: info.head.id for info in client.pfs.list_branch(repo=pfs.Repo.from_uri(repo))}
    assert names["release"] == first.id
    assert set(names) == {"master", "release"}


def test_branches_diverge_from_a_parent(world: World, client: Client) -> None:
    repo = world.repo()
    first = world.push(repo, {"/a": b"1"}).commit
    world.push(repo, {"/b": b"2"})
    other = client.pfs.start_commit(branch=branch(repo, "other"), parent=first)
    client.pfs.put_file_from_bytes(commit=other, path="/c", data=b"3")
    client.pfs.finish_commit(commit=other)
    assert world.files(repo, "other") == {"/a": b"1", "/c": b"3"}
    assert world.files(repo) == {"/a": b"1", "/b": b"2"}
    client.pfs.delete_branch(branch=branch(repo, "other"))
    assert not client.pfs.branch_exists(branch(repo, "other"))
    assert world.files(repo, other.id) == {"/a": b"1", "/c": b"3"}


@pytest.mark.parametrize("uri", ["nowhere@master", "{repo}@nobranch", "{repo}@" + "0" * 12 + "4" + "0" * 19])
def test_what_does_not_exist_is_not_found(world: World, client: Client, refused: Refused, uri: str) -> None:
    repo = world.repo()
    world.push(repo, {"/a": b"1"})
    with refused("NOT_FOUND"):
        client.pfs.inspect_commit(commit=commit_at(uri.format(repo=repo)))


def test_output_branches_take_no_commits_of_users(
    world: World, client: Client, reads: Any, refused: Refused
) -> None:
    pipeline = world.pipeline("p", reads(world.repo(), "/*"))
    with refused("FAILED_PRECONDITION"):
        client.pfs.start_commit(branch=branch(pipeline))
