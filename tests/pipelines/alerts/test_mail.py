"""Mail goes out encrypted, to a server whose certificate is trusted, and never a password before."""

import base64
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import SocketIO

import pytest

from pipelines.alerts.reach import Reach
from pipelines.alerts.send import send
from pipelines.config.alerts import ReceiverSection
from tests.pipelines.alerts.conftest import RAISED

PASSWORD = "p4ssw0rd"


@dataclass
class MailServer:
    """plain, secure: the lines it was told before and after STARTTLS."""

    port: int = 0
    certificate: Path = Path()
    plain: list[str] = field(default_factory=list)
    secure: list[str] = field(default_factory=list)


def certificate(folder: Path) -> tuple[Path, Path]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    names = [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "cert.pem").write_bytes(made.public_bytes(pem))
    (folder / "key.pem").write_bytes(private)
    return folder / "cert.pem", folder / "key.pem"


def talk(link: socket.socket, told: MailServer, context: ssl.SSLContext) -> None:
    """Enough SMTP for one mail, at first in the clear."""
    with link.makefile("rwb", buffering=0) as file:
        file.write(b"220 ready\r\n")
        if not converse(file, told.plain, b"STARTTLS"):
            return
    with context.wrap_socket(link, server_side=True) as secure, secure.makefile("rwb", buffering=0) as file:
        converse(file, told.secure, b"AUTH PLAIN")


def converse(file: SocketIO, heard: list[str], offer: bytes) -> bool:
    """Answer until QUIT or, True, until STARTTLS."""
    data = False
    while raw := file.readline():
        line = raw.decode().rstrip("\r\n")
        heard.append(line)
        verb = line.upper().split(" ")[0]
        if data and line != ".":
            continue
        told = {"EHLO": b"250-localhost\r\n250 " + offer, "AUTH": b"235 welcome", "DATA": b"354 go on"}
        file.write({"STARTTLS": b"220 go on", **told}.get(verb, b"250 fine") + b"\r\n")
        data = verb == "DATA"
        if verb in ("STARTTLS", "QUIT"):
            return verb == "STARTTLS"
    return False


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MailServer]:
    told = MailServer()
    told.certificate, key = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(told.certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))
    told.port = listener.getsockname()[1]

    def serve() -> None:
        link, _ = listener.accept()
        with link:
            try:
                talk(link, told, context)
            except (OSError, ValueError):
                return  # the client hung up: it does not trust us

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield told
    listener.close()
    thread.join(10)


def mailbox(server: MailServer) -> ReceiverSection:
    return ReceiverSection(
        kind="email",
        host="127.0.0.1",
        port=server.port,
        sender="forewarn@example.com",
        recipients=("ops@example.com", "night@example.com"),
        user="forewarn",
        secret="env:MAIL_PASSWORD",
    )


def test_a_mail_is_sent_after_starttls_and_sign_in(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)

    def trusting() -> ssl.SSLContext:
        return ssl.create_default_context(cafile=server.certificate)

    made = send(RAISED, mailbox(server), Reach(["127.0.0.1/32"], context=trusting), "warehouse 7")
    assert (made.result, made.outcome) == ("arrived", "taken")
    assert [line.split()[0] for line in server.plain] == ["ehlo", "STARTTLS"]
    signed_in = base64.b64encode(f"\0forewarn\0{PASSWORD}".encode()).decode()
    assert f"AUTH PLAIN {signed_in}" in server.secure
    assert [line for line in server.secure if line.startswith("rcpt")] == [
        "rcpt TO:<ops@example.com>",
        "rcpt TO:<night@example.com>",
    ]


def test_no_password_to_a_server_nobody_vouches_for(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    made = send(RAISED, mailbox(server), Reach(["127.0.0.1/32"]), "warehouse 7")
    assert (made.result, made.outcome) == ("never", "its certificate is not trusted: self-signed certificate")
    assert server.secure == []
