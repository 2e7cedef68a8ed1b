"""Receivers cannot be used to reach inside: schemes, addresses, names that change their mind, redirects."""

import socket
import threading
from contextlib import suppress
from ipaddress import ip_address

import pytest

from pipelines.alerts import reach
from pipelines.alerts.reach import Reach, RefusedError
from pipelines.alerts.send import send
from pipelines.config.alerts import ReceiverSection
from tests.pipelines.alerts.conftest import RAISED, Receiver

INSIDE = (
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
)


@pytest.mark.parametrize("address", INSIDE)
def test_addresses_inside_are_refused(address: str) -> None:
    assert not Reach().allows(ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are_reached(address: str) -> None:
    assert Reach().allows(ip_address(address))


def test_an_internal_network_can_be_allowed_and_nothing_else_with_it() -> None:
    reach = Reach(["10.1.2.0/24"])
    assert reach.allows(ip_address("10.1.2.3"))
    assert reach.allows(ip_address("::ffff:10.1.2.3"))
    assert not reach.allows(ip_address("10.1.3.3"))
    assert not reach.allows(ip_address("127.0.0.1"))


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1/", "http://2130706433/", "http://0x7f.1/", "http://localhost:9/", "http://[::1]/"],
)
def test_every_spelling_of_this_machine_is_refused(url: str) -> None:
    with pytest.raises((RefusedError, socket.gaierror)):
        Reach().post(url, b"{}", {})


@pytest.mark.parametrize("url", ["file:///etc/passwd", "gopher://x/", "ftp://example.com/", "//x", "x"])
def test_other_schemes_are_refused(url: str) -> None:
    with pytest.raises(RefusedError):
        Reach().post(url, b"{}", {})


def test_a_name_is_resolved_once_and_the_checked_address_is_used(receiver: Receiver) -> None:
    asked = []
    port = int(receiver.url.rpartition(":")[2].partition("/")[0])

    def resolve(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        asked.append(host)
        answer = "127.0.0.1" if len(asked) == 1 else "169.254.169.254"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (answer, port))]

    assert Reach(["127.0.0.1/32"], resolve).post(f"http://hooks.example:{port}/", b"{}", {}) == 200
    assert asked == ["hooks.example"]
    assert receiver.got[0][0]["host"] == f"hooks.example:{port}"
    with pytest.raises(RefusedError, match=r"hooks.example \(169.254.169.254\)"):
        Reach(["127.0.0.1/32"], resolve).post(f"http://hooks.example:{port}/", b"{}", {})


def test_a_redirect_is_not_followed_and_not_tried_again(receiver: Receiver) -> None:
    receiver.statuses = [302]
    hook = ReceiverSection(kind="webhook", url=receiver.url)
    made = send(RAISED, hook, Reach(["127.0.0.0/8"]), "p")
    assert (made.result, made.outcome) == ("never", "answered 302: redirects are not followed")
    assert len(receiver.got) == 1


def test_a_receiver_inside_is_refused_for_good_and_told_how_to_allow_it(receiver: Receiver) -> None:
    made = send(RAISED, ReceiverSection(kind="webhook", url=receiver.url), Reach(), "p")
    assert made.result == "never"
    assert "alerts.internal" in made.outcome
    mail = ReceiverSection(kind="email", host="127.0.0.1", sender="a@b.example", recipients=("c@d.example",))
    assert send(RAISED, mail, Reach(), "p").result == "never"
    assert receiver.got == []


def test_a_receiver_that_goes_on_answering_for_ever_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reach, "WHOLE_S", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def drip() -> None:
            listener.settimeout(10)  # the call may be left before it is taken
            with suppress(OSError):
                link, _ = listener.accept()
                with link:
                    link.settimeout(10)
                    while not left.is_set():  # an answer that never comes to its point
                        link.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")

        left = threading.Event()
        thread = threading.Thread(target=drip)
        thread.start()
        hook = ReceiverSection(kind="webhook", url=f"http://127.0.0.1:{listener.getsockname()[1]}/")
        made = send(RAISED, hook, Reach(["127.0.0.0/8"]), "p")
        left.set()
        thread.join()
    assert made.result == "again"
