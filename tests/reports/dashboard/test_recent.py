"""Pages that are watched by many ask the engine once."""

import pytest

from features.errors import ConflictError
from reports.dashboard import recent
from reports.dashboard.recent import Recent


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(recent.time, "monotonic", lambda: now[0])
    return now


def test_who_asks_within_a_second_shares_the_answer(clock: list[float]) -> None:
    answers = iter(["first", "second"])
    ask = Recent(lambda: next(answers))
    assert [ask(), ask()] == ["first", "first"]
    clock[0] += recent.SHARED_S
    assert ask() == "first"
    clock[0] += 0.1
    assert ask() == "second"


def test_a_failure_is_not_kept() -> None:
    failures = [ConflictError("not now")]

    def answer() -> str:
        if failures:
            raise failures.pop()
        return "well"

    ask = Recent(answer)
    with pytest.raises(ConflictError):
        ask()
    assert ask() == "well"
