"""Deliveries: retried with growing pauses, in order, logged per attempt, never lost, never with a secret."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import NotFoundError
from pipelines.alerts.book import Book
from pipelines.alerts.courier import ATTEMPTS, LONGEST_S, Courier, backoff
from pipelines.alerts.reach import Reach
from pipelines.alerts.state import Event, State
from pipelines.config.alerts import ReceiverSection
from tests.pipelines.alerts.conftest import ALERT, RAISED, RESOLVED, Receiver

SECRET = "s3cr3t-t0k3n"


class Clock:
    """Time that passes when told."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def counted() -> list[tuple[str, bool]]:
    return []


@pytest.fixture
def courier(
    tmp_path: Path,
    receiver: Receiver,
    clock: Clock,
    counted: list[tuple[str, bool]],
    monkeypatch: pytest.MonkeyPatch,
) -> Courier:
    monkeypatch.setenv("HOOK_TOKEN", SECRET)
    hook = ReceiverSection(kind="webhook", url=receiver.url, secret="env:HOOK_TOKEN")
    return Courier(
        Book(tmp_path / "alerts.db"),
        {"ops": hook},
        Reach(["127.0.0.0/8"]),
        "fleet",
        tmp_path / "alerts.lock",
        count=lambda channel, arrived: counted.append((channel, arrived)),
        clock=clock,
        chance=lambda: 0.0,
    )


def enqueue(courier: Courier, *events: Event) -> None:
    with courier.book.turn(courier.clock()) as turn:
        turn.take((State(), events))


def test_a_delivery_arrives_once_with_its_key_and_token(
    courier: Courier, receiver: Receiver, counted: list[tuple[str, bool]]
) -> None:
    enqueue(courier, RAISED)
    assert (courier.deliver(), courier.deliver()) == (1, 0)
    [(headers, body)] = receiver.got
    assert (headers["idempotency-key"], headers["authorization"]) == (RAISED.id, f"Bearer {SECRET}")
    assert body["id"] == RAISED.id
    assert counted == [("webhook", True)]


def test_it_is_tried_again_with_growing_pauses_and_every_attempt_is_logged(
    courier: Courier, receiver: Receiver, clock: Clock
) -> None:
    receiver.statuses = [503, 429]
    enqueue(courier, RAISED)
    assert courier.deliver() == 1
    clock.now += 4.9
    assert courier.deliver() == 0
    clock.now += 0.2
    assert courier.deliver() == 1
    clock.now += 10.1
    assert courier.deliver() == 1
    [delivery] = courier.book.deliveries()
    assert (delivery["state"], delivery["attempts"]) == ("arrived", 3)
    attempts = courier.book.attempts(delivery["number"])
    assert [attempt["outcome"] for attempt in attempts] == ["answered 503", "answered 429", "answered 200"]
    assert {headers["idempotency-key"] for headers, _ in receiver.got} == {RAISED.id}


def test_what_cannot_arrive_is_given_up_and_can_be_sent_again_by_hand(
    courier: Courier, receiver: Receiver, clock: Clock, counted: list[tuple[str, bool]]
) -> None:
    receiver.statuses = [404]
    enqueue(courier, RAISED)
    courier.deliver()
    clock.now += 1e6
    assert courier.deliver() == 0
    [delivery] = courier.book.deliveries()
    assert (delivery["state"], delivery["outcome"]) == ("gave up", "answered 404")
    courier.book.again(delivery["number"], clock())
    assert courier.deliver() == 1
    assert courier.book.deliveries()[0]["state"] == "arrived"
    assert counted == [("webhook", False), ("webhook", True)]
    with pytest.raises(NotFoundError):
        courier.book.again(delivery["number"], clock())


def test_after_the_last_attempt_it_is_given_up(courier: Courier, receiver: Receiver, clock: Clock) -> None:
    receiver.statuses = [500] * 99
    enqueue(courier, RAISED)
    while courier.deliver():
        clock.now += LONGEST_S
    assert len(receiver.got) == ATTEMPTS
    assert courier.book.deliveries()[0]["state"] == "gave up"


def test_a_resolve_waits_for_its_trigger_and_other_alerts_do_not(
    courier: Courier, receiver: Receiver, clock: Clock
) -> None:
    other = replace(ALERT, id="f" * 20)
    receiver.statuses = [500]
    enqueue(
        courier, RAISED, RESOLVED, Event(f"{other.id}-raised", "raised", other.raised, "x", ("ops",), other)
    )
    courier.deliver()
    assert [body["id"] for _, body in receiver.got] == [RAISED.id, f"{other.id}-raised"]
    clock.now += 10
    assert (courier.deliver(), courier.deliver()) == (1, 1)
    assert [body["id"] for _, body in receiver.got][2:] == [RAISED.id, RESOLVED.id]


def test_a_kill_between_arrival_and_its_record_sends_again_under_the_same_key(
    courier: Courier, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    enqueue(courier, RAISED)

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Book, "attempted", killed)
        with pytest.raises(KeyboardInterrupt):
            courier.deliver()
    assert courier.deliver() == 1
    assert [headers["idempotency-key"] for headers, _ in receiver.got] == [RAISED.id] * 2


def test_a_turn_that_dies_leaves_nothing_and_the_same_event_is_kept_once(courier: Courier) -> None:
    def dies() -> None:
        with courier.book.turn(0) as turn:
            turn.take((State(open=(ALERT,)), [RAISED]))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        dies()
    assert (courier.book.alerts(), courier.book.due(1e12)) == ([], [])
    enqueue(courier, RAISED)
    enqueue(courier, RAISED)
    assert len(courier.book.due(1e12)) == 1


def test_only_one_process_delivers(courier: Courier, receiver: Receiver) -> None:
    enqueue(courier, RAISED)
    with courier._alone() as alone:
        assert alone
        assert courier.deliver() == 0
    assert courier.deliver() == 1


def test_secrets_are_in_no_file_and_no_outcome(
    courier: Courier, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "url").write_text(f"http://127.0.0.1:1/{SECRET}\n")
    receivers = {
        "ops": ReceiverSection(kind="slack", url=f"file:{tmp_path / 'url'}"),
        "pd": ReceiverSection(kind="pagerduty", url="http://127.0.0.1:1/", secret="env:HOOK_TOKEN"),
        "gone": ReceiverSection(kind="slack", url="env:NOT_SET"),
        "bad": ReceiverSection(kind="slack", url="env:HOOK_TOKEN"),
    }
    enqueue(courier, replace(RAISED, to=tuple(receivers)))
    replace(courier, receivers=receivers).deliver()
    outcomes = {one["receiver"]: one["outcome"] for one in courier.book.deliveries()}
    assert outcomes["ops"] == outcomes["pd"] == "ConnectionRefusedError: Connection refused"
    assert outcomes["gone"].startswith("env:NOT_SET holds nothing")
    assert SECRET not in json.dumps(outcomes)
    assert SECRET.encode() not in (tmp_path / "alerts.db").read_bytes()


@given(st.integers(1, 60), st.floats(0, 1, exclude_max=True))
def test_pauses_grow_to_an_hour_and_are_shortened_by_at_most_half(attempts: int, chance: float) -> None:
    whole = min(5 * 2 ** (attempts - 1), 3_600)
    assert whole / 2 <= backoff(attempts, chance) <= whole
