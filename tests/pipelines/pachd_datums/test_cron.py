"""Cron schedules against trying every minute."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import DataError
from pipelines.pachd.cron import parse_cron

START = datetime(2026, 2, 27, 22, 58, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("* * * * *", "2026-02-27T22:59"),
        ("@hourly", "2026-02-27T23:00"),
        ("@daily", "2026-02-28T00:00"),
        ("@weekly", "2026-03-01T00:00"),
        ("@monthly", "2026-03-01T00:00"),
        ("@yearly", "2027-01-01T00:00"),
        ("*/15 * * * *", "2026-02-27T23:00"),
        ("5-10/5,58 22 * * *", "2026-02-28T22:05"),
        ("0 12 * * mon-fri", "2026-03-02T12:00"),
        ("0 0 * * 7", "2026-03-01T00:00"),
        ("0 0 29 feb *", "2028-02-29T00:00"),
        ("0 0 13 * fri", "2026-03-06T00:00"),
    ],
)
def test_next_tick(spec: str, expected: str) -> None:
    assert parse_cron(spec).after(START) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_every_counts_from_the_last_tick() -> None:
    assert parse_cron("@every 1m30s").after(START) == START + timedelta(seconds=90)


def test_a_day_that_never_comes_has_no_tick() -> None:
    assert parse_cron("0 0 31 2 *").after(START) is None


BAD = ["", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "a * * * *", "*/0 * * * *", "5-1 * * * *"]


@pytest.mark.parametrize("spec", [*BAD, "@every", "@every x", "@often"])
def test_a_bad_expression_is_refused(spec: str) -> None:
    with pytest.raises(DataError, match="bad cron expression"):
        parse_cron(spec)


@given(
    minute=st.sampled_from(["*", "0", "*/20", "7,50"]),
    hour=st.sampled_from(["*", "3", "20-23"]),
    weekday=st.sampled_from(["*", "sun", "2-4"]),
    offset=st.integers(0, 7 * 24 * 60),
)
def test_against_trying_every_minute(minute: str, hour: str, weekday: str, offset: int) -> None:
    cron = parse_cron(f"{minute} {hour} * * {weekday}")
    start = START + timedelta(minutes=offset)
    tick = start.replace(second=0) + timedelta(minutes=1)
    while not (
        tick.minute in cron.minutes and tick.hour in cron.hours and tick.isoweekday() % 7 in cron.weekdays
    ):
        tick += timedelta(minutes=1)
    assert cron.after(start) == tick
