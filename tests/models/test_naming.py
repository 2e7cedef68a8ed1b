import pytest

from models.naming import FeatureName, parse, quantity, unit, words

UNITS = {"battery__voltage": "V", "speed": "m/s", "machine__age": "years"}


@pytest.mark.parametrize(
    ("name", "parts", "unit_name"),
    [
        ("battery__voltage__mean__42s", FeatureName("battery", "voltage", "mean", "42s"), "V"),
        ("battery__voltage__slope__2m", FeatureName("battery", "voltage", "slope", "2m"), "V/s"),
        ("battery__voltage__count__2m", FeatureName("battery", "voltage", "count", "2m"), ""),
        ("battery__voltage__band1_energy__2m", FeatureName("battery", "voltage", "band1_energy", "2m"), "V²"),
        ("battery__voltage__dominant_hz__2m", FeatureName("battery", "voltage", "dominant_hz", "2m"), "Hz"),
        ("speed__zero_crossings__2m", FeatureName("", "speed", "zero_crossings", "2m"), ""),
        ("speed__max__10s", FeatureName("", "speed", "max", "10s"), "m/s"),
        ("errors__count__42s", FeatureName("", "errors", "count", "42s"), ""),
        ("errors__since_last_s", FeatureName("errors", "", "since_last_s", ""), "s"),
        ("machine__age", FeatureName("machine", "age", "", ""), "years"),
        ("odd", FeatureName("", "odd", "", ""), ""),
    ],
)
def test_parts_and_units(name: str, parts: FeatureName, unit_name: str) -> None:
    assert parse(name) == parts
    assert unit(parse(name), UNITS) == unit_name


def test_statistics_of_one_source_belong_together() -> None:
    assert parse("errors__count__42s").source == parse("errors__since_last_s").source == "errors"


@pytest.mark.parametrize(
    ("name", "value", "usual", "sentence"),
    [
        (
            "battery__voltage__mean__42s",
            22.14,
            25.3,
            "battery voltage mean over 42 s was 22.1 V; usual 25.3 V",
        ),
        ("speed__max__2m", 1.0, 0.5, "speed max over 2 min was 1 m/s; usual 0.5 m/s"),
        ("errors__since_last_s", 120.0, 86400.0, "time since the last of errors was 2 min; usual 24 h"),
        ("machine__age", None, 10.0, "machine age was missing; usual 10 years"),
        ("state__last__2m", "idle", "busy", "state last over 2 min was idle; usual busy"),
    ],
)
def test_words(name: str, value: float | str | None, usual: float | str, sentence: str) -> None:
    parts = parse(name)
    shown = [quantity(entry, unit(parts, UNITS)) for entry in (value, usual)]
    assert words(parts, *shown) == sentence
