import pytest

from models.naming import parse, unit
from models.wording import as_usual, words

UNITS = {"battery__voltage": "V", "speed": "m/s", "machine__age": "years", "pose__gap_s": "s"}


@pytest.mark.parametrize(
    ("name", "value", "usual", "sentence"),
    [
        (
            "battery__voltage__slope__42s",
            -1.9 / 42,
            -0.1 / 42,
            "battery voltage fell 1.9 V in the last 42 s; usual: 0.1 V",
        ),
        (
            "battery__voltage__slope__42s",
            1.9 / 42,
            -0.1 / 42,
            "battery voltage rose 1.9 V in the last 42 s; usual: a fall of 0.1 V",
        ),
        (
            "speed__slope__10s",
            0.0,
            -0.02,
            "speed did not change in the last 10 s; usual: a fall of 0.2 m/s",
        ),
        ("speed__slope__10s", 0.02, 0.0, "speed rose 0.2 m/s in the last 10 s; usual: no change"),
        ("speed__slope__10s", None, 0.01, "speed was missing in the last 10 s; usual: a rise of 0.1 m/s"),
        (
            "battery__voltage__mean__42s",
            22.14,
            25.3,
            "battery voltage averaged 22.1 V in the last 42 s; usual: 25.3 V",
        ),
        (
            "battery__voltage__min__10m",
            23.8,
            24.6,
            "battery voltage was 23.8 V at its lowest in the last 10 min; usual: 24.6 V",
        ),
        ("speed__max__2m", 1.0, 0.5, "speed was 1 m/s at its highest in the last 2 min; usual: 0.5 m/s"),
        ("speed__std__2m", 0.41, 0.06, "speed varied by ±0.41 m/s in the last 2 min; usual: ±0.06 m/s"),
        (
            "speed__last__42s",
            0.222,
            0.021,
            "speed was 0.222 m/s at the end of the last 42 s; usual: 0.021 m/s",
        ),
        ("speed__first__42s", 0.2, 0.1, "speed was 0.2 m/s at the start of the last 42 s; usual: 0.1 m/s"),
        ("speed__p50__2m", 0.2, 0.1, "speed was typically 0.2 m/s in the last 2 min; usual: 0.1 m/s"),
        (
            "speed__p10__2m",
            0.2,
            0.1,
            "speed was below 0.2 m/s in a tenth of its readings in the last 2 min; usual: 0.1 m/s",
        ),
        (
            "speed__p90__2m",
            0.2,
            0.1,
            "speed was above 0.2 m/s in a tenth of its readings in the last 2 min; usual: 0.1 m/s",
        ),
        ("errors__count__42s", 1.0, 0.0, "errors came 1 time in the last 42 s; usual: 0 times"),
        (
            "mission__state__changes__2m",
            3.0,
            1.0,
            "mission state changed 3 times in the last 2 min; usual: 1 time",
        ),
        (
            "mission__state__share_Aborted__2m",
            0.4,
            0.0,
            "mission state was Aborted in 40 % of its readings in the last 2 min; usual: 0 %",
        ),
        ("state__last__2m", "idle", "busy", "state was idle at the end of the last 2 min; usual: busy"),
        ("state__last__2m", None, "busy", "state was missing in the last 2 min; usual: busy"),
        ("errors__since_last_s", 120.0, 86400.0, "the last errors came 2 min ago; usual: 24 h ago"),
        ("errors__since_last_s", None, None, "no errors so far; usual: none so far"),
        ("machine__age", None, 10.0, "machine age was missing; usual: 10 years"),
        ("machine__age", 18.0, 10.0, "machine age is 18 years; usual: 10 years"),
        ("machine__model", "m3", "m1", "machine model is m3; usual: m1"),
        ("speed__dominant_hz__2m", 3.0, 0.5, "speed swung mostly at 3 Hz in the last 2 min; usual: 0.5 Hz"),
        (
            "speed__band4_energy__2m",
            3.0,
            0.5,
            "speed had a band4 energy of 3 m/s² in the last 2 min; usual: 0.5 m/s²",
        ),
        (
            "pose__gap_s__max__42s",
            2.5,
            0.2,
            "time to the nearest pose record was 2.5 s at its highest in the last 42 s; usual: 0.2 s",
        ),
    ],
)
def test_reasons_are_plain_sentences(
    name: str, value: float | str | None, usual: float | str | None, sentence: str
) -> None:
    assert words(parse(name), value, usual, unit(parse(name), UNITS)) == sentence


@pytest.mark.parametrize(
    ("name", "value", "usual", "same"),
    [
        ("battery__voltage__slope__42s", -0.0035712, -0.0035701, True),
        ("battery__voltage__slope__42s", -0.0035712, 0.0035701, False),
        ("battery__voltage__mean__42s", 25.0, 24.9, False),
        ("battery__voltage__mean__42s", 25.001, 25.0, True),
        ("battery__voltage__mean__42s", None, 25.0, False),
        ("battery__voltage__mean__42s", float("nan"), None, True),
        ("mission__state__last__42s", "Executing", "Executing", True),
        ("mission__state__last__42s", "Aborted", "Executing", False),
    ],
)
def test_a_reason_that_tells_the_usual_is_known(
    name: str, value: float | str | None, usual: float | str | None, *, same: bool
) -> None:
    assert as_usual(parse(name), value, usual, unit(parse(name), UNITS)) is same


@pytest.mark.parametrize("statistic", ["p10", "p50", "p90", "std", "min", "max", "slope", "changes"])
def test_no_sentence_holds_the_name_of_a_statistic(statistic: str) -> None:
    told = words(parse(f"speed__{statistic}__42s"), 3.0, 2.0, "m/s")
    assert statistic not in told.split()
