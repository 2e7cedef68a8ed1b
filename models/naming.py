"""A feature's name says where it comes from: stream, field, statistic and window; and its unit."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

_WINDOW = re.compile(r"^(\d+)(h|m|s|ms|us|ns)$")
_SECONDS = {"h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_UNITLESS = ("count", "changes", "share", "zero_crossings", "autocorrelation")
_SPANS = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
_DAYS_FROM = 172_800
_LONG = 120


@dataclass(frozen=True, slots=True)
class FeatureName:
    """The parts of `<stream>__<field>__<statistic>__<window>`; empty where a part is absent.

    `<field>__<statistic>__<window>` is the anchor's own field, `<stream>__since_last_s` an event stream and
    `<stream>__<field>` a fact.
    """

    stream: str
    field: str
    statistic: str
    window: str

    @property
    def source(self) -> str:
        """What was measured, without how: statistics of one source tell one story."""
        return "__".join(part for part in (self.stream, self.field) if part)

    @property
    def seconds(self) -> float:
        """Length of the window; 0 without one."""
        matched = _WINDOW.match(self.window)
        return int(matched[1]) * _SECONDS[matched[2]] if matched else 0.0


def parse(name: str) -> FeatureName:
    """Split a feature column's name; a name of no known form is a field of its own."""
    parts = name.split("__")
    if len(parts) >= 3 and _WINDOW.match(parts[-1]):
        *path, statistic, window = parts
        stream, field = (path[0], "__".join(path[1:])) if len(path) > 1 else ("", path[0])
        return FeatureName(stream, field, statistic, window)
    if len(parts) == 2 and parts[1] == "since_last_s":
        return FeatureName(parts[0], "", "since_last_s", "")
    if len(parts) >= 2:
        return FeatureName(parts[0], "__".join(parts[1:]), "", "")
    return FeatureName("", name, "", "")


def unit(name: FeatureName, units: Mapping[str, str]) -> str:
    """Unit of a feature's value from the units of the fields (`<stream>__<field>` or `<field>`)."""
    if name.statistic == "since_last_s":
        return "s"
    if name.statistic.startswith(_UNITLESS):
        return ""
    if name.statistic == "dominant_hz":
        return "Hz"
    base = units.get(name.source, units.get(name.field, ""))
    if name.statistic.endswith("_energy") and base:
        return f"{base}²"
    return f"{base}/s" if name.statistic == "slope" and base else base


def quantity(value: float | str | None, unit_name: str) -> str:
    """A value with its unit, three significant digits; `missing` where there is none."""
    if value is None or value != value:
        return "missing"
    if isinstance(value, str):
        return value
    if unit_name == "s" and abs(value) >= _LONG:
        return span(value)
    number = f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return f"{number} {unit_name}".rstrip()


def span(seconds: float) -> str:
    """A duration in its two largest units: `6 min 30 s`, `24 h`, `3 d 4 h`; finer below ten seconds."""
    if 0 < abs(seconds) < 1:
        return f"{seconds * 1_000:.0f} ms"
    if abs(seconds) < 9.95 and round(seconds, 1) != round(seconds):
        return f"{seconds:.1f} s"
    left, parts = round(abs(seconds)), []
    units = _SPANS if left >= _DAYS_FROM else _SPANS[1:]
    for place, (unit, size) in enumerate(units):
        if left >= size:
            parts.append(f"{left // size} {unit}")
            left %= size
            if place + 1 < len(units) and (rest := left // units[place + 1][1]):
                parts.append(f"{rest} {units[place + 1][0]}")
            break
    return ("−" if seconds < 0 else "") + " ".join(parts) if parts else "0 s"
