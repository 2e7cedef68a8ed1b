"""Who may call the engine from other machines: those who know the token, over TLS."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import grpc

from features.errors import NotFoundError, UsageError

TOKEN_KEY: Final = "authn-token"  # noqa: S105 - the name of Pachyderm's own metadata key
SHORTEST: Final = 16


@dataclass(frozen=True)
class Access:
    """A token that every call must bear, and the PEM files of the server's certificate."""

    token: str = field(repr=False)
    certificate: bytes
    key: bytes = field(repr=False)

    @classmethod
    def of_files(cls, token: Path | None, certificate: Path | None, key: Path | None) -> "Access | None":
        """From three files; None when none is given.

        Raises UsageError when only some are given or the token is short, NotFoundError for a missing file.
        """
        given = {"--token-file": token, "--certificate": certificate, "--key": key}
        if not any(given.values()):
            return None
        if lacking := [name for name, path in given.items() if path is None]:
            raise UsageError(f"{', '.join(lacking)} is missing", expected="all of " + ", ".join(given))
        secret, *pems = (_read(path) for path in given.values() if path is not None)
        text = secret.decode("utf-8", "replace").strip()
        if len(text) < SHORTEST or not text.isascii():
            raise UsageError(
                "the token could be guessed",
                got=f"{len(text)} characters",
                expected=f"at least {SHORTEST} ASCII characters",
                hint=f"openssl rand -hex 32 > {token}",
            )
        return cls(text, *pems)

    @property
    def credentials(self) -> grpc.ServerCredentials:
        """For `grpc.Server.add_secure_port`."""
        return grpc.ssl_server_credentials([(self.key, self.certificate)])


class TokenCheck(grpc.ServerInterceptor):  # type: ignore[misc]
    """Refuses calls without the token before any of their content is read."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()

    def intercept_service(
        self, continuation: Callable[[Any], Any], details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler:
        """The call's handler, or one that answers UNAUTHENTICATED."""
        told = dict(details.invocation_metadata or ()).get(TOKEN_KEY, "")
        if hmac.compare_digest(str(told).encode(), self._token):
            return continuation(details)

        def refuse(_: Any, context: grpc.ServicerContext) -> Any:
            text = "this pachd asks for its token" if not told else "this is not the token of this pachd"
            context.abort(grpc.StatusCode.UNAUTHENTICATED, text)

        return grpc.stream_stream_rpc_method_handler(refuse)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotFoundError(f"cannot read {path}: {error.strerror}") from error
