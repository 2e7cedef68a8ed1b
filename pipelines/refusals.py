"""Errors of a pachd as forewarn's own, so that every command tells them alike."""

import grpc

from features.errors import ConflictError, DataError, ForewarnError, NotFoundError


class translated:  # noqa: N801 - reads as a clause: `with translated():`
    """Turns the server's gRPC errors into forewarn's, keeping its sentence."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, ValueError) and isinstance(error.__cause__, grpc.RpcError):
            error = error.__cause__  # what the SDK makes of an error at the beginning of a file
        if isinstance(error, ConnectionError):  # what the SDK makes of a server that is gone
            raise gone(error) from error
        if not isinstance(error, grpc.RpcError):
            return
        code = error.code()
        if code is grpc.StatusCode.UNAVAILABLE:
            raise gone(error) from error
        kind = {
            grpc.StatusCode.NOT_FOUND: NotFoundError,
            grpc.StatusCode.ALREADY_EXISTS: ConflictError,
            grpc.StatusCode.FAILED_PRECONDITION: ConflictError,
            grpc.StatusCode.INVALID_ARGUMENT: DataError,
        }.get(code, ForewarnError)
        raise kind(sentence(error)) from error


def gone(error: BaseException) -> ForewarnError:
    """The error of a server that does not answer any more."""
    return ForewarnError(
        "the pachd does not answer any more",
        got=sentence(error),
        hint="once it runs again (forewarn up), see with `forewarn jobs` what was done, or do it again",
    )


def sentence(error: BaseException) -> str:
    """What the server said, without gRPC around it."""
    if isinstance(error, ConnectionError) and isinstance(error.__cause__, grpc.RpcError):
        error = error.__cause__
    return str(error.details() or error.code()) if isinstance(error, grpc.RpcError) else str(error)
