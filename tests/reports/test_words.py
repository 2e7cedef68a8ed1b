import pytest

from reports import words


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (None, "–"),
        (0.0, "0 %"),
        (0.0004, "< 0.1 %"),
        (0.001, "0.1 %"),
        (0.0812, "8.1 %"),
        (0.0994, "9.9 %"),
        (0.0996, "10 %"),
        (0.61, "61 %"),
        (0.9994, "> 99.9 %"),
        (1.0, "100 %"),
    ],
)
def test_a_share_is_a_percentage_that_never_rounds_to_certainty(share: float | None, text: str) -> None:
    assert words.percent(share) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(None, "–"), (0.05, "5.0 %"), (0.9834, "98.3 %"), (0.9994, "> 99.9 %"), (1.0, "100 %")],
)
def test_a_share_near_one_has_tenths(share: float | None, text: str) -> None:
    assert words.tenths(share) == text


@pytest.mark.parametrize(
    ("difference", "text"), [(None, "–"), (0.021, "+2.1"), (-0.003, "−0.3"), (0.0004, "±0"), (-0.0004, "±0")]
)
def test_points_are_signed(difference: float | None, text: str) -> None:
    assert words.points(difference) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (0, "0"), (0.42, "0.420"), (-0.05, "−0.050"), (9.606, "9.61"), (12_345.6, "12\u2009346")],
)
def test_figures_keep_three_digits(value: float | None, text: str) -> None:
    assert words.decimal(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, "–"),
        (0, "0 s"),
        (0.25, "250 ms"),
        (2.04, "2 s"),
        (1.25, "1.2 s"),
        (42, "42 s"),
        (390, "6 min 30 s"),
        (600, "10 min"),
        (3_600, "1 h"),
        (273_600, "3 d 4 h"),
        (86_460, "24 h 1 min"),
        (172_860, "2 d"),
        (-90, "−1 min 30 s"),
    ],
)
def test_durations_name_their_two_largest_units(seconds: float | None, text: str) -> None:
    assert words.span(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0 h"),
        (0.127, "7.6 min"),
        (0.42, "25 min"),
        (6.54, "6.54 h"),
        (576.0, "576 h"),
        (9_600.4, "9\u2009600 h"),
    ],
)
def test_hours_carry_their_unit(value: float, text: str) -> None:
    assert words.hours(value) == text


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (None, None),
        (0, "1970-01-01T00:00:00Z"),
        (1_772_323_205_000_000_000, "2026-03-01T00:00:05Z"),
        (1_772_323_205_250_000_000, "2026-03-01T00:00:05.25Z"),
        (-1, "1969-12-31T23:59:59.999999999Z"),
    ],
)
def test_moments_are_exact_iso_8601(nanoseconds: int | None, text: str | None) -> None:
    assert words.iso(nanoseconds) == text


def test_plural() -> None:
    assert (words.plural(1, "robot"), words.plural(1_000, "robot")) == ("1 robot", "1\u2009000 robots")


def test_significant_digits_leave_whole_numbers_and_null_what_is_no_number() -> None:
    value = {
        "a": [0.123456789, float("nan"), float("inf")],
        "b": 123_456_789,
        "c": None,
        "d": "0.5",
        "e": True,
    }
    assert words.significant(value) == {
        "a": [0.123457, None, None],
        "b": 123_456_789,
        "c": None,
        "d": "0.5",
        "e": True,
    }
