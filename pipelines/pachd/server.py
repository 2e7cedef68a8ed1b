"""Serves Pachyderm's gRPC protocol with the SDK's own message classes, on loopback or to who has a token.

Each service is a class whose methods bear the protocol's names in snake case; the paths and response types of
all calls are read from the SDK's client stubs. What no service has answers UNIMPLEMENTED with a sentence.
"""

import ctypes
import ipaddress
import json
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import grpc
import structlog
from betterproto.lib.google.protobuf import Empty
from pachyderm_sdk.api import admin, pfs, pps, version

from features.errors import ConflictError, ForewarnError, NotFoundError, UsageError
from pipelines.pachd.access import Access, TokenCheck
from pipelines.pachd.codec import decode_change
from pipelines.pachd.errors import IntegrityError, PreconditionError, StorageError, UnsupportedError
from pipelines.pachd.requests import reader
from pipelines.pachd.server_admin import AdminService, VersionService
from pipelines.pachd.server_own import SERVICE, OwnService, arguments_of
from pipelines.pachd.server_pfs import PfsService
from pipelines.pachd.server_pps import PpsService

if TYPE_CHECKING:
    from pipelines.pachd.engine import Engine

MESSAGE_BYTES: Final = 64 << 20
THREADS: Final = 64
_CODES: Final[dict[type[Exception], grpc.StatusCode]] = {
    NotFoundError: grpc.StatusCode.NOT_FOUND,
    PreconditionError: grpc.StatusCode.FAILED_PRECONDITION,
    ConflictError: grpc.StatusCode.ALREADY_EXISTS,
    IntegrityError: grpc.StatusCode.DATA_LOSS,
    StorageError: grpc.StatusCode.RESOURCE_EXHAUSTED,
    UnsupportedError: grpc.StatusCode.UNIMPLEMENTED,
    ForewarnError: grpc.StatusCode.INVALID_ARGUMENT,
}
_REQUESTS: Final = {"GetFileTAR": "GetFileRequest", "GetVersion": "", "CreateFileSet": "ModifyFileRequest"}
_ARENA_MAX: Final = -8  # of mallopt(3)
_AUTH: Final = "the auth service is not activated"
_log = structlog.get_logger("forewarn.pachd")


def serve(engine: "Engine", address: str, access: Access | None = None) -> tuple[grpc.Server, int]:
    """Start serving, with `access` over TLS to those who bear its token; the server and its port.

    Raises UsageError for an address in use, or one beyond loopback without `access`.
    """
    if access is None and not is_loopback(address):
        raise UsageError(
            "only loopback addresses are served without a token and TLS",
            got=address,
            expected="127.0.0.1:PORT or [::1]:PORT, or --token-file, --certificate and --key",
        )
    _bound_memory()
    server = grpc.server(
        ThreadPoolExecutor(THREADS, thread_name_prefix="grpc"),
        interceptors=() if access is None else (TokenCheck(access.token),),
        options=[
            ("grpc.max_receive_message_length", MESSAGE_BYTES),
            ("grpc.max_send_message_length", MESSAGE_BYTES),
            ("grpc.so_reuseport", 0),
        ],
    )
    for service, module in (
        (PfsService(engine), pfs),
        (PpsService(engine), pps),
        (AdminService(engine), admin),
        (VersionService(), version),
    ):
        server.add_generic_rpc_handlers(tuple(_handlers(service, module)))
    server.add_generic_rpc_handlers((_own_handlers(engine), _Unimplemented()))
    try:
        bound = (
            server.add_insecure_port(address)
            if access is None
            else server.add_secure_port(address, access.credentials)
        )
    except RuntimeError:
        bound = 0
    if not bound:
        raise UsageError(
            f"cannot listen on {address}",
            hint="another daemon may be running; choose another port with --listen",
        )
    server.start()
    return server, bound


def _bound_memory() -> None:
    """Let threads share their buffers: glibc would keep some of 19 MiB for every thread that had one."""
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)


def is_loopback(address: str) -> bool:
    """Whether only this machine reaches `host:port`."""
    host = address.rpartition(":")[0].strip("[]")
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _Recorder:
    """Stands in for a channel, to hear which calls a client stub would make."""

    def __init__(self) -> None:
        self.calls: dict[str, tuple[str, type]] = {}

    def __getattr__(self, kind: str) -> Callable[..., None]:
        def record(path: str, *, response_deserializer: Any, **_: Any) -> None:
            self.calls[path] = (kind, response_deserializer.__self__)

        return record


def _handlers(service: object, module: ModuleType) -> Iterator[grpc.GenericRpcHandler]:
    recorder = _Recorder()
    module.ApiStub(channel=recorder)
    by_service: dict[str, dict[str, grpc.RpcMethodHandler]] = {}
    for path, (kind, response) in recorder.calls.items():
        _, name, call = path.split("/")
        method = getattr(service, re.sub(r"(?<=[a-z])(?=[A-Z])", "_", call).lower(), None)
        if method is not None:
            request = getattr(module, _REQUESTS.get(call, f"{call}Request"), Empty)
            by_service.setdefault(name, {})[call] = _handler(kind, method, request, response)
    for name, methods in by_service.items():
        yield grpc.method_handlers_generic_handler(name, methods)


def _own_handlers(engine: "Engine") -> grpc.GenericRpcHandler:
    def handler(call: Callable[..., Any]) -> grpc.RpcMethodHandler:
        read = reader(arguments_of(call), "JSON of the call's arguments")
        return grpc.unary_unary_rpc_method_handler(
            _unary(lambda request, _: json.dumps(call(**read(request))).encode(), bytes)
        )

    calls = OwnService(engine).calls()
    return grpc.method_handlers_generic_handler(
        SERVICE, {name: handler(call) for name, call in calls.items()}
    )


def _handler(kind: str, method: Any, request: Any, response: Any) -> grpc.RpcMethodHandler:
    """Requests are decoded inside, so that bytes that are none are refused in words."""
    make = getattr(grpc, f"{kind}_rpc_method_handler")
    decode = decode_change if request is pfs.ModifyFileRequest else request.FromString
    read = reader(decode, request.__name__)

    def call(given: Any, context: grpc.ServicerContext) -> Any:
        return method(map(read, given) if kind.startswith("stream") else read(given), context)

    behaviour = _streaming(call) if kind.endswith("stream") else _unary(call, response)
    return make(behaviour, response_serializer=bytes)


def _unary(method: Any, response: Any) -> Callable[[Any, grpc.ServicerContext], Any]:
    def call(request: Any, context: grpc.ServicerContext) -> Any:
        try:
            answer = method(request, context)
        except Exception as error:
            _abort(context, error)
        return response() if answer is None else answer

    return call


def _streaming(method: Any) -> Callable[[Any, grpc.ServicerContext], Iterator[Any]]:
    def call(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        try:
            yield from method(request, context)
        except Exception as error:
            _abort(context, error)

    return call


def _abort(context: grpc.ServicerContext, error: Exception) -> None:
    if not isinstance(error, ForewarnError):
        if context.is_active():
            _log.exception("call failed")
        context.abort(grpc.StatusCode.INTERNAL, f"{type(error).__name__}: {error}")
    code = next(code for kind, code in _CODES.items() if isinstance(error, kind))
    context.abort(code, str(error))


class _Unimplemented(grpc.GenericRpcHandler):  # type: ignore[misc]
    """Answers every call that nobody else took."""

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        """A handler that refuses `details.method`."""
        text = f"{details.method}: the embedded pachd does not offer this call; a Pachyderm cluster does"
        if details.method.startswith("/auth_v2"):
            text = _AUTH

        def refuse(_: Any, context: grpc.ServicerContext) -> Any:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, text)

        return grpc.stream_stream_rpc_method_handler(refuse)
