from datetime import UTC, datetime
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pachyderm_sdk.api import pfs

from pipelines.pachd.codec import FileInfos, decode_change
from pipelines.pachd.files import Append
from pipelines.pachd.trees import Entry
from pipelines.pachd.wire import file_info

PATHS = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), min_size=1, max_size=200)


@given(path=PATHS, data=st.binary(max_size=300))
def test_a_piece_of_a_file_is_decoded_as_the_sdk_encodes_it(path: str, data: bytes) -> None:
    message = bytes(pfs.ModifyFileRequest(add_file=pfs.AddFile(path=path, raw=data)))
    change = decode_change(message)
    assert isinstance(change, Append)
    assert (change.path, bytes(change.data)) == (path, data)


@given(
    message=st.sampled_from(
        [
            pfs.ModifyFileRequest(set_commit=pfs.Commit.from_uri("a@master")),
            pfs.ModifyFileRequest(delete_file=pfs.DeleteFile(path="/a")),
            pfs.ModifyFileRequest(add_file=pfs.AddFile(path="/a", url=pfs.AddFileUrlSource(url="http://x"))),
            pfs.ModifyFileRequest(add_file=pfs.AddFile(path="/a", datum="d", raw=b"1")),
            pfs.ModifyFileRequest(copy_file=pfs.CopyFile(dst="/a", src=pfs.File(path="/b"), append=True)),
            pfs.ModifyFileRequest(),
        ]
    )
)
def test_every_other_change_is_left_to_the_sdk(message: pfs.ModifyFileRequest) -> None:
    change = decode_change(bytes(message))
    assert isinstance(change, pfs.ModifyFileRequest)
    assert bytes(change) == bytes(message)


@given(data=st.binary(max_size=20), cut=st.integers(0, 40))
def test_a_broken_message_is_what_the_sdk_says_it_is(data: bytes, cut: int) -> None:
    message = (bytes(pfs.ModifyFileRequest(add_file=pfs.AddFile(path="/a", raw=b"12345"))) + data)[:cut]
    try:
        expected = pfs.ModifyFileRequest.FromString(message)
    except Exception as error:
        with pytest.raises(type(error)):
            decode_change(message)
        return
    change = decode_change(message)
    if isinstance(change, Append):
        change = pfs.ModifyFileRequest(add_file=pfs.AddFile(path=change.path, raw=bytes(change.data)))
    assert change == expected


@given(
    name=PATHS,
    kind=st.sampled_from(["file", "dir"]),
    size=st.integers(0, 2**50),
    committed=st.none() | st.datetimes(timezones=st.just(UTC)),
)
def test_files_are_encoded_as_the_sdk_decodes_them(
    name: str, kind: Literal["file", "dir"], size: int, committed: datetime | None
) -> None:
    commit = pfs.Commit.from_uri("logs@" + "0" * 12 + "4" + "0" * 19)
    entry = Entry("/" + name, kind, size, "ab" * 32)
    found = pfs.FileInfo.FromString(FileInfos(commit, committed).encode(entry))
    assert found == pfs.FileInfo.FromString(bytes(file_info(commit, committed, entry)))
