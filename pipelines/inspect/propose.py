"""A forewarn.toml to start with: what was found is written down, what only a person knows is marked."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from math import ceil
from typing import Any, Final

from pipelines.inspect.failures import failure_rule
from pipelines.inspect.profile import FieldProfile, Profile
from pipelines.inspect.source import last_key

NICE: Final = (
    *(0.05, 0.1, 0.2, 0.5, 1, 2, 2.5, 5, 10, 15, 30),
    *(60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400),
)
QUICK: Final = 10
DAY: Final = 86_400
LEAST_TOLERANCE: Final = 2.5
BRACKETS: Final = re.compile(r"\s[\[(]([^\[\]()=]{1,8})[\])]$")
UNITS: Final = {
    "voltage": "V",
    "volt": "V",
    "current": "A",
    "temperature": "degC",
    "percent": "%",
    "percentage": "%",
}
SMALL: Final = re.compile(r"\.json(\.gz|\.zst)?$", re.IGNORECASE)
DATE: Final = re.compile(r"\d{4}-?\d\d-?\d\d")


def propose(profiles: Sequence[Profile], paths: Sequence[str], *, mixed: bool = False) -> str:
    """The text of a configuration for these sources, pushed under `paths`; it passes every check.

    `mixed`: messages stand within lines of other text.
    """
    usable = [one for one in profiles if _tells(one)]
    robot, named = _robot(usable, paths)
    every = _rhythm(usable)
    slow = every > QUICK
    windows = [_nice(every * times) for times in (4, 12, 48)] if slow else [10, 42, 120]
    tolerances = {one.source.name: _tolerance(one) for one in usable if one.kind == "samples"}
    far = max([*windows, *tolerances.values()]) > DAY
    lines = [
        "# Written by forewarn inspect. Check what is marked CHECK: only you know it.",
        "",
        "[logs]",
        f"glob = {_text(_glob(paths))}",
        *(['partition = "all"  # windows or tolerances reach further than a day'] if far else []),
        *(['lines = "mixed"  # messages within lines of other text'] if mixed else []),
        *(['unit = "folder"  # a message per file: a folder is read as one'] if _many_small(paths) else []),
        f"robot = {robot}",
        "",
    ]
    for one in usable:
        lines += [*_stream(one, tolerances.get(one.source.name), named), ""]
    lines += ["[join]", _clock(usable, every), ""]
    lines += ["[failure]", f'episode_gap = "{_duration(max(300, _nice(2 * every)))}"', ""]
    lines += [*failure_rule([one for one in usable if one.kind != "facts"]), ""]
    if slow:
        lines += [
            "[lookback]",
            f"windows = [{', '.join(_text(_duration(window)) for window in windows)}]",
            f'every = "{_duration(max(30, _nice(every)))}"',
            f'horizon = "{_duration(_nice(24 * every))}"  # CHECK: how far ahead a warning is worth having',
            "",
        ]
    return "\n".join(lines)


def _rhythm(profiles: Iterable[Profile]) -> float:
    """A clock no stream of samples is much slower than, as far as that is reasonable: their middle rhythm."""
    steps = sorted(one.every_s for one in profiles if one.kind == "samples" and one.every_s)
    return _nice(steps[len(steps) // 2]) if steps else 5


def _clock(profiles: Sequence[Profile], every: float) -> str:
    samples = [one for one in profiles if one.kind == "samples"]
    if len(samples) == 1:
        return f'anchor = "{samples[0].source.name}"'
    return f'every = "{_duration(every)}"'


def _tolerance(one: Profile) -> float:
    return max(LEAST_TOLERANCE, _nice(1.5 * (one.every_s or 0)))


def _stream(one: Profile, tolerance: float | None, robot: str | None) -> Iterator[str]:
    source = one.source
    yield f"[streams.{source.name}]"
    if one.kind != "samples":
        yield f'kind = "{one.kind}"'
    for key in ("files", "path", "topic", "sheet"):
        value = getattr(source, key)
        if value and value != "*":
            yield f"{key} = {_text(value)}"
    if source.pairs:
        yield "pairs = true"
    if robot is not None and one.robot not in (None, robot):
        yield f"robot = {{ field = {_text(one.robot)} }}"
    if one.time is not None:
        yield f"time = {_text(one.time.path)}"
        yield f'unit = "{one.time.unit}"'
        if one.time.zone:
            yield f'time_zone = "{one.time.zone}"  # CHECK: the times carry no offset'
    if one.recv is not None:
        yield f"recv = {_text(one.recv.path)}"
        if one.time is not None and one.recv.unit != one.time.unit:
            yield f'recv_unit = "{one.recv.unit}"'
    if one.decimal == ",":
        yield 'decimal = ","'
    if tolerance is not None:
        yield f'tolerance = "{_duration(tolerance)}"'
    for field in one.fields:
        yield f"fields.{field.name} = {_field(field)}"


def _field(field: FieldProfile) -> str:
    told = BRACKETS.search(last_key(field.path))
    words = reversed(field.name.split("_"))
    unit = told[1] if told else next((UNITS[word] for word in words if word in UNITS), "")
    parts = [f'type = "{field.type}"']
    whole = unit != "%" or (field.most or 0) > 1
    if unit and whole and field.type in ("float", "int"):
        parts.append(f"unit = {_text(unit)}")
    if field.path != field.name:
        parts.append(f"source = {_text(field.path)}")
    if len(field.states) > 1:
        parts.append(f"states = [{', '.join(map(_text, field.states))}]")
    return f"{{ {', '.join(parts)} }}"


def _tells(one: Profile) -> bool:
    """Whether a stream can be made of it: samples need fields, facts a robot."""
    return one.robot is not None if one.kind == "facts" else bool(one.fields) or one.kind == "events"


def _robot(profiles: Sequence[Profile], paths: Sequence[str]) -> tuple[str, str | None]:
    """Where the robot's name is, and the field of it that most streams have (None: in the path)."""
    named = Counter(one.robot for one in profiles if one.robot is not None)
    if named and sum(named.values()) == len(profiles):
        field = named.most_common(1)[0][0]
        return f"{{ field = {_text(field)} }}", field
    if len(paths) == 1:
        return '{ constant = "robot-1" }  # CHECK: its name, or { field = "…" }', None
    stems = [path.rpartition("/")[2].partition(".")[0] for path in paths]
    if all(map(DATE.search, stems)) and all(path.count("/") > 1 for path in paths):
        return "{ path = '(?P<robot>[^/]+)/[^/]+$' }", None
    return r"{ path = '(?P<robot>[^/]+?)(\.[a-z0-9.]+)?$' }", None


def _many_small(paths: Sequence[str]) -> bool:
    """Whether the files look like messages of a robot's folder within a day's."""
    return len(paths) > 1 and all(path.count("/") > 2 and SMALL.search(path) for path in paths)


def _glob(paths: Iterable[str]) -> str:
    depths = {path.strip("/").count("/") + 1 for path in paths}
    return "/*/*" if min(depths) > 1 else "/*"


def _nice(seconds: float) -> float:
    """The least round duration that is not shorter."""
    return next((one for one in NICE if one >= seconds), ceil(seconds / DAY) * DAY)


def _duration(seconds: float) -> str:
    for unit, size in (("d", DAY), ("h", 3_600), ("m", 60), ("s", 1)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds * 1_000:g}ms"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
