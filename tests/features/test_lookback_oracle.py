"""Look-back windows against a plain loop with exact fractions, over small generated tables."""

import math
from fractions import Fraction
from itertools import pairwise
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features import numbers
from features.lookback import look_back
from features.schema import TIMESTAMP

LOW, HIGH = -(2**63), 2**63 - 1
BASES = (0, -(10**18), 1_772_323_200 * 10**9, LOW + 100, HIGH - 100)
FLOATS = (0.0, -1.5, 2.25, 1e9, 1e9 + 0.125, 1e-6, -3.0, None, math.nan, math.inf, -math.inf)
STATES = ("on", "off", None)
Row = dict[str, Any]


@st.composite
def times(draw: st.DrawFn) -> tuple[str, int]:
    base = draw(st.sampled_from(BASES))
    return draw(st.sampled_from("aab")), max(LOW, min(HIGH, base + draw(st.integers(-9, 9))))


@st.composite
def observations(draw: st.DrawFn) -> list[Row]:
    late = draw(st.sampled_from([0, 1, 6]))
    finite = draw(st.booleans())
    rows = []
    for robot, ts in draw(st.lists(times(), max_size=14)):
        pick = draw(st.integers(0, 10**6))
        rows.append(
            {
                "robot_id": robot,
                "ts": ts,
                "available_at": min(HIGH, ts + pick % (late + 1)),
                "x": FLOATS[pick // 7 % (len(FLOATS) - (2 if finite else 0))],
                "n": (pick // 77 % 5) * 10**12 or None,
                "s": STATES[pick // 385 % 3],
                "b": (True, False, None)[pick // 1155 % 3],
            }
        )
    return rows


def observation_table(rows: list[Row]) -> pa.Table:
    types = [
        ("robot_id", pa.string()),
        ("ts", pa.int64()),
        ("available_at", pa.int64()),
        ("x", pa.float64()),
        ("n", pa.int64()),
        ("s", pa.string()),
        ("b", pa.bool_()),
    ]
    table = pa.table({name: pa.array([row[name] for row in rows], kind) for name, kind in types})
    return stamped(table, "ts", "available_at")


def stamped(table: pa.Table, *names: str) -> pa.Table:
    for name in names:
        table = table.set_column(table.column_names.index(name), name, table.column(name).cast(TIMESTAMP))
    return table


def cutoff_table(rows: list[tuple[str, int]], name: str = "cutoff") -> pa.Table:
    robots, ts = [row[0] for row in rows], [row[1] for row in rows]
    return stamped(
        pa.table({"robot_id": pa.array(robots, pa.string()), name: pa.array(ts, pa.int64())}), name
    )


def used(rows: list[Row], robot: str, cutoff: int, window: int) -> list[Row]:
    found = {
        tuple(map(repr, row.values())): row
        for row in rows
        if row["robot_id"] == robot
        and cutoff - window <= row["ts"] < cutoff
        and row["available_at"] <= cutoff
    }
    return sorted(
        found.values(), key=lambda row: (row["ts"], row["available_at"], *map(rank, list(row.values())[3:]))
    )


def rank(value: Any) -> tuple[int, Any]:
    """Nulls after NaN after values, as `features.columns.ranks` puts them."""
    if value is None:
        return 2, 0
    return (1, 0) if value != value else (0, value)


def quantile(ordered: list[float], share: float) -> float:
    place = (len(ordered) - 1) * share
    low, high = ordered[math.floor(place)], ordered[math.ceil(place)]
    rest = place - math.floor(place)
    return low if low == high or rest == 0 else low * (1 - rest) + high * rest


def numeric(rows: list[Row], name: str) -> dict[str, Any]:
    known = [(row["ts"], row[name]) for row in rows if row[name] is not None and row[name] == row[name]]
    values = [value for _, value in known]
    result: dict[str, Any] = dict.fromkeys(
        ("mean", "std", "min", "max", "first", "last", "slope", "p10", "p50", "p90")
    )
    result["count"] = len(values)
    if not values:
        return result
    result |= {"min": min(values), "max": max(values), "first": values[0], "last": values[-1]}
    ordered = sorted(map(float, values))
    result |= {f"p{int(share * 100)}": quantile(ordered, share) for share in (0.1, 0.5, 0.9)}
    moments = ("mean", "std", "slope")
    if any(math.isinf(value) for value in values):
        result |= dict.fromkeys(moments, math.nan)
        result["mean"] = sum(value for value in values if math.isinf(value))
    else:
        exact = [Fraction(value) for value in values]
        seconds = [Fraction(ts, 10**9) for ts, _ in known]
        mean, middle = sum(exact) / len(exact), sum(seconds) / len(seconds)
        squares = sum((value - mean) ** 2 for value in exact)
        spread = sum((time - middle) ** 2 for time in seconds)
        products = sum((t - middle) * (v - mean) for t, v in zip(seconds, exact, strict=True))
        result["mean"] = float(mean)
        result["std"] = math.sqrt(squares / (len(exact) - 1)) if len(exact) > 1 else None
        scale = math.sqrt(squares / spread) if spread else 0.0
        result["slope"] = (
            pytest.approx(float(products / spread), rel=1e-9, abs=1e-9 * scale) if spread else None
        )
    if len(values) < 2:
        result["std"] = None
    if len({ts for ts, _ in known}) < 2:
        result["slope"] = None
    return result


def categorical(rows: list[Row], name: str, states: list[Any]) -> dict[str, Any]:
    values = [row[name] for row in rows if row[name] is not None]
    if not values:
        return dict.fromkeys(("last", "changes", *(f"share_{str(state).lower()}" for state in states)))
    return {
        "last": values[-1],
        "changes": sum(a != b for a, b in pairwise(values)),
        **{f"share_{str(state).lower()}": values.count(state) / len(values) for state in states},
    }


def close(value: Any) -> Any:
    """Selections must be exact; only floats made by arithmetic may differ in the last digits."""
    if isinstance(value, float):
        return pytest.approx(value, rel=1e-9, abs=1e-12, nan_ok=True)
    return value


@settings(max_examples=600, deadline=None)
@given(
    observations(),
    st.lists(times(), max_size=8),
    st.lists(times(), max_size=3),
    st.lists(st.sampled_from([1, 2, 3, 7, 12, 2**62]), min_size=1, max_size=3, unique=True),
    st.sampled_from([0.0, 0.5, 1.0]),
    st.sampled_from([0, numbers.LARGE]),
)
def test_look_back_equals_a_plain_loop(
    rows: list[Row],
    cutoffs: list[tuple[str, int]],
    failures: list[tuple[str, int]],
    windows: list[int],
    coverage: float,
    large: int,
) -> None:
    cutoffs += [(row["robot_id"], row["ts"]) for row in rows[::2]]
    with patch.object(numbers, "LARGE", large):
        found = look_back(
            observation_table(rows),
            cutoff_table(cutoffs),
            windows=[np.timedelta64(window, "ns") for window in windows],
            failures=cutoff_table(failures, "ts"),
            states={"s": ["on", "idle"], "b": [True]},
            min_coverage=coverage,
            expected_every=np.timedelta64(3, "ns"),
        )
    expected, excluded = [], []
    for robot, cutoff in sorted(set(cutoffs)):
        longest = used(rows, robot, cutoff, max(windows))
        if any(robot == r and cutoff - max(windows) <= t < cutoff for r, t in failures):
            excluded.append((robot, cutoff, "failure_in_window"))
            continue
        if len(longest) < Fraction(coverage) * Fraction(max(windows), 3):
            excluded.append((robot, cutoff, "insufficient_data"))
            continue
        latest = max((row["available_at"] for row in longest), default=None)
        line = {"robot_id": robot, "cutoff": cutoff, "latest_used": latest}
        for window in windows:
            inside = used(rows, robot, cutoff, window)
            text = f"{window}ns"
            for name in ("x", "n"):
                line |= {f"{name}__{key}__{text}": close(v) for key, v in numeric(inside, name).items()}
            for name, states in (("s", ["on", "idle"]), ("b", [True])):
                line |= {
                    f"{name}__{key}__{text}": close(v) for key, v in categorical(inside, name, states).items()
                }
        expected.append(line)
    assert plain(found.features) == expected
    assert [tuple(row.values()) for row in plain(found.excluded)] == excluded


def plain(table: pa.Table) -> list[Row]:
    for place, field in enumerate(table.schema):
        if field.type == TIMESTAMP:
            table = table.set_column(place, field.name, table.column(field.name).cast(pa.int64()))
    rows: list[Row] = table.to_pylist()
    return rows
