"""Repos and files: writing, appending, paths, reading back."""

import io
from typing import Any

import pytest
from pachyderm_sdk import Client
from pachyderm_sdk.api import pfs

World = Any
Refused = Any


def file_at(repo: str, path: str, reference: str = "master") -> pfs.File:
    return pfs.File(commit=pfs.Commit.from_uri(f"{repo}@{reference}"), path=path)


def branch(repo: str) -> pfs.Branch:
    return pfs.Branch.from_uri(f"{repo}@master")


def test_repos_are_created_described_and_deleted(world: World, client: Client, refused: Refused) -> None:
    repo = pfs.Repo.from_uri(world.repo())
    with refused("ALREADY_EXISTS"):
        client.pfs.create_repo(repo=repo)
    client.pfs.create_repo(repo=repo, description="robot logs", update=True)
    assert client.pfs.inspect_repo(repo=repo).description == "robot logs"
    assert repo.name in {info.repo.name for info in client.pfs.list_repo(type="user")}
    client.pfs.delete_repo(repo=repo)
    assert not client.pfs.repo_exists(repo)
    with refused("NOT_FOUND"):
        client.pfs.inspect_repo(repo=repo)
    client.pfs.create_repo(repo=repo)


def test_a_repo_that_a_pipeline_reads_is_kept(
    world: World, client: Client, reads: Any, refused: Refused
) -> None:
    repo = world.repo()
    world.pipeline("p", reads(repo, "/*"))
    with refused("FAILED_PRECONDITION"):
        client.pfs.delete_repo(repo=pfs.Repo.from_uri(repo))


@pytest.mark.parametrize("name", ["with space", "a/b/c", "ä", "", "star*"])
def test_bad_repo_names_are_refused(client: Client, refused: Refused, name: str) -> None:
    with refused("INVALID_ARGUMENT"):
        client.pfs.create_repo(repo=pfs.Repo(name=name, type="user"))


def test_add_file_appends(world: World, client: Client) -> None:
    repo = world.repo()
    with client.pfs.commit(branch=branch(repo)) as commit:
        commit.put_file_from_bytes("/log", b"one ", append=True)
        commit.put_file_from_bytes("/log", b"two ", append=True)
    with client.pfs.commit(branch=branch(repo)) as commit:
        commit.put_file_from_bytes("/log", b"three", append=True)
    assert world.files(repo) == {"/log": b"one two three"}


def test_overwrite_is_delete_then_add(world: World) -> None:
    repo = world.repo()
    world.push(repo, {"/a": b"a long content"})
    world.push(repo, {"/a": b"short"})
    assert world.files(repo) == {"/a": b"short"}
    assert world.files(repo, "master^") == {"/a": b"a long content"}


def test_the_order_of_changes_within_a_commit_counts(world: World, client: Client) -> None:
    repo = world.repo()
    with client.pfs.commit(branch=branch(repo)) as commit:
        commit.put_file_from_bytes("/a/x", b"1")
        commit.put_file_from_bytes("/a/y", b"2")
        commit.delete_file(path="/a")
        commit.put_file_from_bytes("/a/z", b"3")
    assert world.files(repo) == {"/a/z": b"3"}


def test_deleting_a_directory_deletes_what_it_holds(world: World) -> None:
    repo = world.repo()
    world.push(repo, {"/d/a": b"1", "/d/e/b": b"2", "/c": b"3"})
    world.push(repo, {"/d": None})
    assert world.files(repo) == {"/c": b"3"}


def test_an_empty_file_is_a_file(world: World, client: Client) -> None:
    repo = world.repo()
    world.push(repo, {"/empty": b""})
    info = client.pfs.inspect_file(file=file_at(repo, "/empty"))
    assert (info.file_type, info.size_bytes) == (pfs.FileType.FILE, 0)


def test_a_large_file_streams_through(world: World, client: Client) -> None:
    repo = world.repo()
    data = bytes(range(256)) * (50 << 12)
    with client.pfs.commit(branch=branch(repo)) as commit:
        commit.put_file_from_file(path="/big", file=io.BytesIO(data))
        commit.put_file_from_bytes("/small", b"s")
    with client.pfs.pfs_file(file_at(repo, "/big")) as file:
        assert file.read() == data
    part = b"".join(m.value for m in client.pfs.get_file(file=file_at(repo, "/big"), offset=len(data) - 5))
    assert part == data[-5:]


def test_many_changes_in_one_stream(world: World, client: Client) -> None:
    repo = world.repo()
    commit = client.pfs.start_commit(branch=branch(repo))

    def changes() -> Any:
        yield pfs.ModifyFileRequest(set_commit=commit)
        for i in range(500):
            yield pfs.ModifyFileRequest(add_file=pfs.AddFile(path=f"/{i % 7}/{i}", raw=str(i).encode()))

    client.pfs.modify_file(changes())
    client.pfs.finish_commit(commit=commit)
    files = world.files(repo)
    assert len(files) == 500
    assert files["/3/437"] == b"437"


def test_modify_file_on_a_branch_makes_a_commit(world: World, client: Client) -> None:
    repo = world.repo()
    world.push(repo, {"/a": b"1"})
    client.pfs.put_file_from_bytes(commit=pfs.Commit.from_uri(f"{repo}@master"), path="/b", data=b"2")
    assert world.files(repo) == {"/a": b"1", "/b": b"2"}


def test_copy_file_and_directory(world: World, client: Client) -> None:
    repo = world.repo()
    world.push(repo, {"/d/a": b"1", "/d/b": b"2"})
    with client.pfs.commit(branch=branch(repo)) as commit:
        commit.copy_file(src=file_at(repo, "/d"), dst="/e")
        commit.copy_file(src=file_at(repo, "/d/a"), dst="/d/b", append=True)
    assert world.files(repo) == {"/d/a": b"1", "/d/b": b"21", "/e/a": b"1", "/e/b": b"2"}


@pytest.mark.parametrize("bad", [*"*?[]{}!()@+^", "ü", "\n", "\x7f"])
def test_paths_are_printable_ascii_without_glob_characters(
    world: World, client: Client, refused: Refused, bad: str
) -> None:
    commit = client.pfs.start_commit(branch=branch(world.repo()))
    with refused("INVALID_ARGUMENT"):
        client.pfs.put_file_from_bytes(commit=commit, path=f"/a{bad}b", data=b"1")


@pytest.mark.parametrize("path", ["/a/../b", "/./a", ".."])
def test_paths_have_no_dot_segments(world: World, client: Client, refused: Refused, path: str) -> None:
    commit = client.pfs.start_commit(branch=branch(world.repo()))
    with refused("INVALID_ARGUMENT"):
        client.pfs.put_file_from_bytes(commit=commit, path=path, data=b"1")


def test_paths_are_canonical(world: World) -> None:
    repo = world.repo()
    world.push(repo, {"a//b/": b"1"})
    assert world.files(repo) == {"/a/b": b"1"}


def test_a_path_is_not_both_file_and_directory(world: World, client: Client) -> None:
    repo = world.repo()
    world.push(repo, {"/a": b"1"})
    info = world.push(repo, {"/a/b": b"2"})
    assert "/a" in info.error
    world.push(repo, {"/a": None, "/a/b": b"3"})
    assert world.files(repo) == {"/a/b": b"3"}


def test_list_walk_glob_inspect(world: World, client: Client, refused: Refused) -> None:
    repo = world.repo()
    world.push(repo, {"/amr-1/01.zip": b"1", "/amr-1/02.zip": b"22", "/amr-2/01.zip": b"333", "/top": b"4"})
    commit = pfs.Commit.from_uri(f"{repo}@master")

    def paths(infos: Any) -> list[str]:
        return [info.file.path for info in infos]

    listed = list(client.pfs.list_file(file=file_at(repo, "/")))
    assert paths(listed) == ["/amr-1/", "/amr-2/", "/top"]
    assert [info.size_bytes for info in listed] == [3, 3, 1]
    assert [info.file_type for info in listed] == [pfs.FileType.DIR, pfs.FileType.DIR, pfs.FileType.FILE]
    walked = paths(client.pfs.walk_file(file=file_at(repo, "/")))
    assert walked == ["/", "/amr-1/", "/amr-1/01.zip", "/amr-1/02.zip", "/amr-2/", "/amr-2/01.zip", "/top"]
    assert paths(client.pfs.glob_file(commit=commit, pattern="/*/01.zip")) == [
        "/amr-1/01.zip",
        "/amr-2/01.zip",
    ]
    assert paths(client.pfs.glob_file(commit=commit, pattern="/amr-[12]")) == ["/amr-1/", "/amr-2/"]
    assert client.pfs.inspect_file(file=file_at(repo, "/amr-1")).file_type == pfs.FileType.DIR
    assert client.pfs.path_exists(file_at(repo, "/top"))
    assert not client.pfs.path_exists(file_at(repo, "/nope"))
    with refused("NOT_FOUND"):
        client.pfs.inspect_file(file=file_at(repo, "/nope"))


def test_listings_come_in_pages(world: World, client: Client) -> None:
    repo = world.repo()
    world.push(repo, {f"/{i}": b"" for i in range(5)})

    def paths(**request: Any) -> list[str]:
        return [info.file.path for info in client.pfs.list_file(file=file_at(repo, "/"), **request)]

    assert paths(number=2) == ["/0", "/1"]
    assert paths(number=2, pagination_marker=file_at(repo, "/1")) == ["/2", "/3"]
    assert paths(number=2, reverse=True) == ["/4", "/3"]


def test_equal_contents_have_equal_hashes(world: World, client: Client) -> None:
    repo = world.repo()
    world.push(repo, {"/a/x": b"same", "/b/x": b"same", "/c/x": b"other"})
    hashes = [client.pfs.inspect_file(file=file_at(repo, path)).hash for path in ("/a", "/b", "/c")]
    assert hashes[0] == hashes[1] != hashes[2]


def test_get_file_tar_holds_files_and_directories(world: World, client: Client) -> None:
    repo = world.repo()
    files = {f"/d/{i}": bytes([i]) * i * 1000 for i in range(20)} | {"/e/f/" + "n" * 150: b"long name"}
    world.push(repo, files)
    found = {}
    with client.pfs.pfs_tar_file(file_at(repo, "/")) as tar:
        for member in tar:
            if member.isfile():
                content = tar.extractfile(member)
                assert content is not None
                found["/" + member.name.lstrip("/")] = content.read()
    assert found == files


def test_diff_file_shows_what_a_commit_changed(world: World, client: Client) -> None:
    repo = world.repo()
    world.push(repo, {"/same": b"1", "/changed": b"2", "/gone": b"3"})
    world.push(repo, {"/changed": b"22", "/gone": None, "/new": b"4"})
    changes = {
        (change.new_file.file.path, change.old_file.file.path)
        for change in client.pfs.diff_file(new_file=file_at(repo, "/"))
    }
    assert changes == {("/", "/"), ("/changed", "/changed"), ("", "/gone"), ("/new", "")}


def test_unknown_calls_say_so(client: Client, refused: Refused) -> None:
    with refused("UNIMPLEMENTED", "the embedded pachd does not offer this call"):
        client.pfs.check_storage()
