"""Input that breaks the contract is an error that says what, got, expected and a cure; nothing is guessed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from features.errors import DataError, ForewarnError, UsageError
from features.events import look_back_events
from features.join import deduplicate, grid, nearest_join
from features.lookback import look_back
from features.schema import TIMESTAMP
from features.times import instant, nanoseconds, window_text

GOOD = pa.table({"robot_id": ["a", "b"], "ts": pa.array([1, 2], TIMESTAMP), "x": [1, 2]})
CUTOFFS = pa.table({"robot_id": ["a"], "cutoff": pa.array([1], TIMESTAMP)})
SECOND = timedelta(seconds=1)


def with_column(name: str, values: Any, table: pa.Table = GOOD) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


BROKEN = {
    "not a table": GOOD.to_pandas(),
    "no robot": GOOD.drop_columns(["robot_id"]),
    "no time": GOOD.drop_columns(["ts"]),
    "robots are numbers": with_column("robot_id", pa.array([1, 2])),
    "robots are null": with_column("robot_id", pa.array(["a", None])),
    "times are numbers": with_column("ts", pa.array([1, 2])),
    "times are naive": with_column("ts", pa.array([1, 2], pa.timestamp("ns"))),
    "times are in ms": with_column("ts", pa.array([1, 2], pa.timestamp("ms", "UTC"))),
    "times are elsewhere": with_column("ts", pa.array([1, 2], pa.timestamp("ns", "Europe/Berlin"))),
    "times are null": with_column("ts", pa.array([1, None], TIMESTAMP)),
    "arrivals are naive": GOOD.append_column("recv_ts", pa.array([1, 2], pa.timestamp("ns"))),
    "two columns of one name": GOOD.append_column("x", pa.array([1, 2])),
}
CALLS: dict[str, Callable[[Any], Any]] = {
    "anchor": lambda table: nearest_join(table, {"s": GOOD}, tolerance=SECOND),
    "stream": lambda table: nearest_join(GOOD, {"s": table}, tolerance=SECOND),
    "deduplicate": deduplicate,
    "observations": lambda table: look_back(table, CUTOFFS, windows=[SECOND]),
    "events": lambda table: look_back_events({"e": table}, CUTOFFS, windows=[SECOND], cap=SECOND),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_table_is_a_data_error_with_what_was_got(fault: str, call: str) -> None:
    with pytest.raises(DataError) as caught:
        CALLS[call](BROKEN[fault])
    assert caught.value.what
    assert caught.value.got is not None


def test_the_message_names_column_types_and_cure() -> None:
    with pytest.raises(DataError) as caught:
        deduplicate(BROKEN["times are naive"])
    assert str(caught.value) == (
        "stream.ts has the wrong type; got: timestamp[ns]; expected: timestamp[ns, tz=UTC]; "
        "hint: state the zone first: pc.assume_timezone(column, 'UTC')"
    )


def observed(**columns: Any) -> pa.Table:
    return pa.table({"robot_id": ["a"], "ts": pa.array([0], TIMESTAMP), **columns})


MISUSES: dict[str, tuple[Callable[[], Any], type[ForewarnError]]] = {
    "cutoffs without cutoff": (lambda: look_back(GOOD, GOOD, windows=[SECOND]), DataError),
    "failures without ts": (lambda: look_back(GOOD, CUTOFFS, windows=[SECOND], failures=CUTOFFS), DataError),
    "null availability": (
        lambda: look_back(observed(available_at=pa.array([None], TIMESTAMP)), CUTOFFS, windows=[SECOND]),
        DataError,
    ),
    "no windows": (lambda: look_back(GOOD, CUTOFFS, windows=[]), UsageError),
    "window of zero": (lambda: look_back(GOOD, CUTOFFS, windows=[timedelta(0)]), UsageError),
    "window twice": (lambda: look_back(GOOD, CUTOFFS, windows=[SECOND, SECOND]), UsageError),
    "window a number": (lambda: look_back(GOOD, CUTOFFS, windows=[42]), UsageError),  # type: ignore[list-item]
    "statistic unknown": (
        lambda: look_back(GOOD, CUTOFFS, windows=[SECOND], statistics=["median"]),
        UsageError,
    ),
    "column unknown": (lambda: look_back(GOOD, CUTOFFS, windows=[SECOND], columns=["y"]), DataError),
    "column nested": (
        lambda: look_back(observed(y=[[1]]), CUTOFFS, windows=[SECOND], columns=["y"]),
        DataError,
    ),
    "states of a float": (
        lambda: look_back(observed(y=[1.0]), CUTOFFS, windows=[SECOND], states={"y": ["1"]}),
        DataError,
    ),
    "coverage without expectation": (
        lambda: look_back(GOOD, CUTOFFS, windows=[SECOND], min_coverage=0.5),
        UsageError,
    ),
    "coverage above one": (
        lambda: look_back(GOOD, CUTOFFS, windows=[SECOND], min_coverage=2, expected_every=SECOND),
        UsageError,
    ),
    "tolerance negative": (lambda: nearest_join(GOOD, {"s": GOOD}, tolerance=-SECOND), UsageError),
    "tolerance a number": (lambda: nearest_join(GOOD, {"s": GOOD}, tolerance=2.5), UsageError),  # type: ignore[arg-type]
    "tolerance of another": (lambda: nearest_join(GOOD, {"s": GOOD}, tolerance={"t": SECOND}), UsageError),
    "direction unknown": (
        lambda: nearest_join(GOOD, {"s": GOOD}, tolerance=SECOND, direction="sideways"),  # type: ignore[arg-type]
        UsageError,
    ),
    "names that clash": (
        lambda: nearest_join(GOOD.append_column("s__x", pa.array([1, 2])), {"s": GOOD}, tolerance=SECOND),
        DataError,
    ),
    "grid without step": (
        lambda: grid(["a"], np.datetime64(0, "ns"), np.datetime64(9, "ns"), timedelta(0)),
        UsageError,
    ),
    "cap of zero": (
        lambda: look_back_events({}, CUTOFFS, windows=[SECOND], cap=timedelta(0)),
        UsageError,
    ),
    "naive instant": (lambda: instant(datetime(2026, 3, 1), "until"), UsageError),  # noqa: DTZ001
    "not a time": (lambda: nanoseconds(np.timedelta64("NaT"), "gap"), UsageError),
    "longer than time": (lambda: nanoseconds(timedelta(days=10**6), "gap"), UsageError),
    "more years than time": (lambda: nanoseconds(np.timedelta64(10**6, "D"), "gap"), UsageError),
}


@pytest.mark.parametrize("misuse", MISUSES)
def test_misuse_is_an_error_of_its_kind(misuse: str) -> None:
    call, error = MISUSES[misuse]
    with pytest.raises(error):
        call()


def test_durations_and_instants_are_exact_whatever_their_type() -> None:
    assert nanoseconds(timedelta(seconds=2.5), "t") == 2_500_000_000
    assert nanoseconds(pd.Timedelta(-5, "ns"), "t") == -5
    assert nanoseconds(np.timedelta64(42, "s"), "t") == 42 * 10**9
    assert instant(datetime(1970, 1, 2, tzinfo=UTC), "t") == 86_400 * 10**9
    assert instant(pd.Timestamp("1970-01-01T00:00:00.000000001", tz="UTC"), "t") == 1
    assert instant(np.datetime64("1970-01-02"), "t") == 86_400 * 10**9


@pytest.mark.parametrize(
    ("length", "text"),
    [
        (timedelta(seconds=42), "42s"), (timedelta(seconds=120), "2m"), (np.timedelta64(500, "ms"), "500ms"),
        (timedelta(hours=1), "1h"), (timedelta(days=1), "24h"), (timedelta(seconds=90), "90s"),
        (timedelta(microseconds=7), "7us"), (np.timedelta64(3, "ns"), "3ns"),
    ],
)  # fmt: skip
def test_windows_are_written_in_the_largest_unit_that_divides_them(length: Any, text: str) -> None:
    assert window_text(nanoseconds(length, "window")) == text


def test_every_kind_of_robot_text_is_the_same_robot() -> None:
    plain = nearest_join(GOOD, {"s": GOOD}, tolerance=SECOND)
    for kind in (pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())):
        other = with_column("robot_id", GOOD.column("robot_id").cast(kind))
        assert nearest_join(other, {"s": other}, tolerance=SECOND) == plain


def test_integers_stay_integers_beside_nulls() -> None:
    kinds = [pa.int8(), pa.int64(), pa.uint64(), pa.uint8()]
    columns = {f"c{i}": pa.array([1, None], kind) for i, kind in enumerate(kinds)}
    stream = pa.table({"robot_id": ["a", "a"], "ts": pa.array([0, 9 * 10**9], TIMESTAMP), **columns})
    joined = nearest_join(GOOD, {"s": stream}, tolerance=SECOND)
    found = look_back(stream, CUTOFFS, windows=[SECOND]).features
    for name, kind in zip(columns, kinds, strict=True):
        assert joined.column(f"s__{name}").type == kind
        assert joined.column(f"s__{name}").to_pylist() == [1, None]
        for statistic in ("min", "max", "first", "last"):
            assert found.column(f"{name}__{statistic}__1s").type == kind
            assert found.column(f"{name}__{statistic}__1s").to_pylist() == [1]


def test_the_ends_of_unsigned_and_signed_integers_survive() -> None:
    low, high = pa.array([-(2**63)], pa.int64()), pa.array([2**64 - 1], pa.uint64())
    cutoffs = pa.table({"robot_id": ["a"], "cutoff": pa.array([1], TIMESTAMP)})
    found = look_back(observed(low=low, high=high), cutoffs, windows=[SECOND]).features
    assert found.column("low__min__1s").to_pylist() == [-(2**63)]
    assert found.column("high__max__1s").to_pylist() == [2**64 - 1]


@pytest.mark.parametrize("kind", [pa.null(), pa.float64(), pa.int16(), pa.string(), pa.bool_()])
def test_a_column_without_a_value_has_features_without_a_value(kind: pa.DataType) -> None:
    stream = pa.table({"robot_id": ["a"] * 2, "ts": pa.array([0, 1], TIMESTAMP), "y": pa.nulls(2, kind)})
    found = look_back(stream, CUTOFFS, windows=[SECOND], states={}).features
    values = {name: found.column(name).to_pylist() for name in found.column_names[3:]}
    assert values
    assert all(value == ([0] if "count" in name else [None]) for name, value in values.items())


def test_a_grid_is_aligned_to_the_epoch_and_half_open() -> None:
    table = grid(["b", "a", "a"], np.datetime64(-25, "ns"), np.datetime64(20, "ns"), np.timedelta64(10, "ns"))
    assert table.column("robot_id").to_pylist() == ["a"] * 4 + ["b"] * 4
    assert table.column("ts").cast(pa.int64()).to_pylist() == [-20, -10, 0, 10] * 2
