"""Beyond loopback only TLS and the token lead in; checked with the unmodified client."""

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from pachyderm_sdk import Client
from pachyderm_sdk.api import pfs

from features.errors import ForewarnError, NotFoundError, UsageError
from pipelines.client import Pachd
from pipelines.pachd.access import Access
from pipelines.pachd.engine import Engine
from pipelines.pachd.executor import InlineExecutor
from tests.tls import write_certificate

TOKEN = "0123456789abcdef"


@pytest.fixture(scope="session")
def pems(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return write_certificate(tmp_path_factory.mktemp("pems"))


@pytest.fixture
def port(tmp_path: Path, pems: tuple[Path, Path]) -> Iterator[int]:
    (tmp_path / "token").write_text(TOKEN + "\n")
    with Engine(tmp_path / "engine", executor=InlineExecutor()) as engine:
        yield engine.serve("0.0.0.0:0", Access.of_files(tmp_path / "token", *pems))


def test_with_token_and_certificate_everything_works(
    port: int, pems: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Client(host="localhost", port=port, root_certs=pems[0].read_bytes(), auth_token=TOKEN)
    client.pfs.create_repo(repo=pfs.Repo.from_uri("in"))
    with client.pfs.commit(branch=pfs.Branch.from_uri("in@master")) as commit:
        commit.put_file_from_bytes("/a", b"1")
    monkeypatch.setenv("PACH_PYTHON_AUTH_TOKEN", TOKEN)
    monkeypatch.setenv("SSL_CERT_FILE", str(pems[0]))
    assert Pachd.at(f"grpcs://localhost:{port}").read("in", "/a") == b"1"


@pytest.mark.parametrize(("token", "text"), [("", "asks for its token"), (TOKEN[:-1] + "0", "not the token")])
def test_without_the_token_every_call_is_refused(
    port: int, pems: tuple[Path, Path], token: str, text: str
) -> None:
    client = Client(host="localhost", port=port, root_certs=pems[0].read_bytes(), auth_token=token)
    for call in (client.get_version, lambda: list(client.pfs.list_repo())):
        with pytest.raises(grpc.RpcError) as refused:
            call()
        assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
        assert text in refused.value.details()


def test_without_tls_there_is_no_answer(port: int) -> None:
    with pytest.raises(ForewarnError, match=f"no pachd answers at localhost:{port}"):
        Pachd.at(f"localhost:{port}")
    with pytest.raises(UsageError, match="no address of a pachd"):
        Pachd.at(f"ftp://localhost:{port}")


def test_what_is_missing_or_weak_is_named(tmp_path: Path, pems: tuple[Path, Path]) -> None:
    short = tmp_path / "short"
    short.write_text("abc")
    assert Access.of_files(None, None, None) is None
    with pytest.raises(UsageError, match="--certificate, --key is missing"):
        Access.of_files(short, None, None)
    with pytest.raises(UsageError, match="got: 3 characters"):
        Access.of_files(short, *pems)
    with pytest.raises(NotFoundError, match="cannot read"):
        Access.of_files(tmp_path / "absent", *pems)
