"""Paths into messages, by example: what each form finds, and that it never raises."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.logs.paths import below, keys, reader
from pipelines.logs.timestamps import stamp_ns

MESSAGE = {
    "@log_time": {"sec": 1, "nanosec": 5},
    "pose": {"position": {"x": 1.5}},
    "ranges": np.array([0.5, np.nan, 2.5]),
    "list": [1, {"a": 2}],
    "a[0]": "spelt so",
    "bus.voltage": 24.5,
    "bus": {"voltage": 12.0, "cell.0": {"v.max": 3.7}, "cells.v": [3.6, {"t.c": 21}]},
    "it's": {"a | b": 1, "@type": 2, "$": {"x": 3}},
    "errors": [{"level": "WARNING", "type": "w"}, {"level": "FATAL", "type": "f", "n": 3, "on": True}],
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("pose.position.x", 1.5),
        ("$.pose.position.x", 1.5),
        ("pose.position.y", None),
        ("pose.x.y.z", None),
        ("ranges[0]", 0.5),
        ("ranges[1]", None),
        ("ranges[3]", None),
        ("list[0]", 1),
        ("list[1].a", 2),
        ("a[0]", "spelt so"),
        ("errors[0].type", "w"),
        ("errors[level=FATAL].type", "f"),
        ("errors[level=URGENT,FATAL].type", "f"),
        ("errors[n=3].type", "f"),
        ("errors[on=true].type", "f"),
        ("errors[level=URGENT].type", None),
        ("errors[a.b=c].type", None),
        ("@log_time.sec", 1),
        ("pose.missing | pose.position.x", 1.5),
        ("pose.missing | nothing", None),
        ("pose[0]", None),
        ("pose[", None),
        ("bus.voltage", 12.0),
        ("'bus.voltage'", 24.5),
        ('"bus.voltage"', 24.5),
        ("$.'bus.voltage'", 24.5),
        ("bus.'cell.0'.'v.max'", 3.7),
        ("bus.'cells.v'[0]", 3.6),
        ("bus.'cells.v'[1].'t.c'", 21),
        ("bus.'cells.v'['t.c'=21].'t.c'", 21),
        ("bus.missing | 'bus.missing' | 'bus.voltage'", 24.5),
        ("it's.'a | b'", 1),
        ("it's.'@type'", 2),
        ("it's.'$'.x", 3),
        ("'bus.voltage", None),
    ],
)
def test_what_a_path_finds(path: str, found: Any) -> None:
    assert reader(path)(MESSAGE, MESSAGE) == found


@given(st.text(alphabet="ab.[]0=|$@ '\"", max_size=12))
def test_any_path_reads_any_message(path: str) -> None:
    reader(path)({"a": [{"b": 0}], "b": {"a": [[1]]}}, {"a": {"b": [0]}})


@given(st.lists(st.text(alphabet="ab.[]0=|$@ '\"\n", max_size=5), min_size=1, max_size=4))
def test_the_path_of_nested_keys_finds_what_stands_there_and_nothing_else(nested: list[str]) -> None:
    path = ""
    for key in nested:
        named = below(path, key)
        if named is None:
            assert not key or {"'", '"'} <= set(key)
            return
        path = named
    message: Any = 1
    for key in reversed(nested):
        message = {key: message}
    assert keys(path) == nested
    assert reader(path)(message, message) == 1
    assert reader(f"$.{path}")(message, {}) == 1
    flat = {".".join(nested): 2}
    assert reader(path)(flat, flat) == (2 if len(nested) == 1 else None)


@pytest.mark.parametrize(
    ("stamp", "ns"),
    [
        ({"sec": 5, "nanosec": 7}, 5_000_000_007),
        ({"nsec": 7, "sec": 5}, 5_000_000_007),
        ({"secs": 5, "nsecs": 7}, 5_000_000_007),
        ({"sec": 5}, None),
        ({"sec": 5.0, "nanosec": 7}, None),
        ({"sec": True, "nanosec": 7}, None),
        (5, None),
    ],
)
def test_stamps_say_their_unit_themselves(stamp: Any, ns: int | None) -> None:
    assert stamp_ns(stamp) == ns
