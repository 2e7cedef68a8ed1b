"""Paths into messages, by example: what each form finds, and that it never raises."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.logs.paths import reader
from pipelines.logs.timestamps import stamp_ns

MESSAGE = {
    "@log_time": {"sec": 1, "nanosec": 5},
    "pose": {"position": {"x": 1.5}},
    "ranges": np.array([0.5, np.nan, 2.5]),
    "list": [1, {"a": 2}],
    "a[0]": "spelt so",
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
    ],
)
def test_what_a_path_finds(path: str, found: Any) -> None:
    assert reader(path)(MESSAGE, MESSAGE) == found


@given(st.text(alphabet="ab.[]0=|$@ ", max_size=12))
def test_any_path_reads_any_message(path: str) -> None:
    reader(path)({"a": [{"b": 0}], "b": {"a": [[1]]}}, {"a": {"b": [0]}})


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
