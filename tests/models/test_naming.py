import pytest

from models.naming import FeatureName, parse, unit

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
