"""Connections to receivers reach only where they may: no address of this machine or an internal network.

A name is resolved once, the addresses it gave are checked, and the connection goes to a checked address, so
that a name cannot answer differently the second time. Redirects and proxies are not followed.
"""

import http.client
import ipaddress
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from features.errors import UsageError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
TIMEOUT_S: Final = 10.0
WHOLE_S: Final = 30.0
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


class RefusedError(UsageError):
    """A receiver that may not be reached; trying again would not help."""


@dataclass(frozen=True)
class Reach:
    """Where receivers may be: the internet, and the internal networks that were allowed.

    resolve: as `socket.getaddrinfo`. context: what TLS trusts.
    """

    internal: Sequence[str] = ()
    resolve: Callable[..., Sequence[tuple[object, ...]]] = socket.getaddrinfo
    context: Callable[[], ssl.SSLContext] = ssl.create_default_context

    def allows(self, address: Address) -> bool:
        """Whether an address, or the IPv4 address it stands for, is public or was allowed."""
        meant = _meant(address)
        if any(meant in network for network in map(ipaddress.ip_network, self.internal)):
            return True
        return all(one.is_global and not one.is_multicast for one in {address, meant})

    def connect(self, host: str, port: int, timeout: float = TIMEOUT_S) -> socket.socket:
        """A connection to an allowed address of a host. Raises RefusedError when it has none, OSError."""
        found = [
            ipaddress.ip_address(str(place[0]).partition("%")[0])
            for *_, place in self.resolve(host, port, type=socket.SOCK_STREAM)
            if isinstance(place, tuple)
        ]
        allowed = [address for address in found if self.allows(address)]
        if not allowed:
            raise RefusedError(
                "a receiver is on this machine or an internal network",
                got=f"{host} ({', '.join(map(str, found))})",
                hint="allow its network with alerts.internal",
            )
        return socket.create_connection((str(allowed[0]), port), timeout)

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Post to an http(s) URL; the status, whatever it is. Raises RefusedError, OSError, HTTPException."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise RefusedError("a receiver's address is not http(s)", expected="https://…")
        secure = parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        connection = http.client.HTTPConnection(parts.hostname, port, timeout=TIMEOUT_S)
        connection.sock = self.connect(parts.hostname, port)
        try:
            with _within(WHOLE_S, connection):
                if secure:
                    wrapped = self.context().wrap_socket(
                        connection.sock, server_hostname=parts.hostname, do_handshake_on_connect=False
                    )
                    connection.sock = wrapped
                    wrapped.do_handshake()
                target = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
                connection.request("POST", target, body, dict(headers))
                return connection.getresponse().status
        finally:
            connection.close()

    @contextmanager
    def mail(self, host: str, port: int) -> Iterator[smtplib.SMTP]:
        """A connected mail server. Raises RefusedError, OSError."""
        reach = self

        class Guarded(smtplib.SMTP):
            def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
                return reach.connect(host, port, timeout)

        server = Guarded(host, port, timeout=TIMEOUT_S)
        with closing(server), _within(WHOLE_S, server):
            yield server
            with suppress(smtplib.SMTPException, OSError):  # what was taken stays taken
                server.quit()


def _meant(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one that stands for it, else the address."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1] or address


@contextmanager
def _within(seconds: float, connection: http.client.HTTPConnection | smtplib.SMTP) -> Iterator[None]:
    """End a connection that takes longer in all, however slowly it goes on answering."""

    def end() -> None:
        with suppress(OSError, AttributeError):
            connection.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
