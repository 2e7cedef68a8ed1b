"""Wrong clocks are put right where asked, from what was known by then; held back records are left alone."""

import json
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import settings as settings_of
from hypothesis import strategies as st

from features.schema import CLOCK_TS, RECV_TS, TS
from pipelines.config import ClockSection
from pipelines.logs.clocks import Offsets
from pipelines.logs.find import find_messages

from .conftest import settings

NOON = 1_772_366_400_000
HOUR = 3_600_000
S = 1_000_000_000
LOAD = {"where": {"load": {"above": -1}}, "time": "ts", "recv": "recv", "fields": {"load": "int"}}
ERROR = {"where": {"code": {"above": -1}}, "time": "ts", "recv": "recv", "fields": {"code": "int"}}


def sent(robot, start, count, *, behind=0, every=5_000, held_until=0):
    """Messages of a robot whose clock is `behind` ms behind, or that were held back, with true times."""
    times = [start + tick * every for tick in range(count)]
    return [
        {"robot": robot, "ts": t - behind, "recv": max(t + 200, held_until), "load": t // 1_000 % 100_000}
        for t in times
    ]


def lines(messages) -> bytes:
    return b"\n".join(json.dumps(message).encode() for message in messages)


def how(correct=True, errors=None, **clock):
    streams = {"load": LOAD, "errors": ERROR | (errors or {})}
    return settings(streams, robot={"field": "robot"}, clock={"correct": correct, **clock})


def times(table: pa.Table, column=TS) -> list[int]:
    return (table.column(column).cast(pa.int64()).to_numpy() // 1_000_000).tolist()


@pytest.fixture
def take(read):
    return lambda messages, **config: read(lines(messages), "/day/amr.jsonl", how(**config)).streams


def test_nothing_is_corrected_unless_asked_for(take):
    table = take(sent("a", NOON, 50, behind=HOUR), correct=False)["load"]
    assert CLOCK_TS not in table.column_names
    assert times(table)[0] == NOON - HOUR


def test_a_jump_of_the_clock_loses_nothing(read):
    """Records of before and after are told apart by nothing, so all are kept, by what the clock said."""
    messages = sent("a", NOON, 60) + sent("a", NOON + 300_000, 60, behind=HOUR)
    found = read(lines(messages), "/day/amr.jsonl", how(correct=False))
    assert times(found.streams["load"]) == sorted(message["ts"] for message in messages)
    assert found.accounting.to_pylist()[-1]["accepted"] == 120


@pytest.mark.parametrize("behind", [HOUR, -HOUR, 26 * HOUR])
def test_a_clock_that_is_off_is_put_right_and_what_it_said_is_kept(take, behind):
    table = take(sent("a", NOON, 50, behind=behind))["load"]
    assert times(table) == [NOON + tick * 5_000 + 200 for tick in range(50)]
    assert times(table, CLOCK_TS) == [NOON + tick * 5_000 - behind for tick in range(50)]
    assert table.column("load").to_pylist() == [(NOON // 1_000 + tick * 5) % 100_000 for tick in range(50)]


def test_a_jump_of_the_clock_is_undone_from_the_minute_it_can_be_told(take):
    good = sent("a", NOON, 120)
    wrong = sent("a", NOON + 600_000, 120, behind=HOUR)
    after = sent("a", NOON + 1_200_000, 120)
    table = take(good + wrong + after)["load"]
    assert table.num_rows == 360
    said = times(table, CLOCK_TS)
    assert times(table) == sorted(
        [m["ts"] for m in good] + [m["ts"] + HOUR + 200 for m in wrong] + [m["ts"] for m in after]
    )
    assert [a > b for a, b in pairwise(said)].count(True) == 1
    known, arrived = times(table, RECV_TS), [m["recv"] for m in good + wrong + after]
    changed = [i for i, (a, b) in enumerate(zip(known, arrived, strict=True)) if a != b]
    assert changed == [*range(120, 131), *range(240, 251)], (
        "only the minutes that told the jump count as late"
    )
    assert {known[i] for i in changed} == {arrived[131], arrived[251]}


def test_records_that_were_held_back_keep_their_times(take):
    messages = sent("a", NOON, 60) + sent("a", NOON + 300_000, 60, held_until=NOON + HOUR)
    messages += sent("a", NOON + HOUR, 60)
    table = take(messages)["load"]
    assert times(table) == times(table, CLOCK_TS)


def test_rare_records_follow_the_clock_they_name_and_other_clocks_are_left_alone(take):
    error = {"robot": "a", "ts": NOON + 60_000 - HOUR, "recv": NOON + 60_100, "code": 7}
    messages = [*sent("a", NOON, 50, behind=HOUR), error, *sent("b", NOON, 50)]
    found = take(messages)
    assert times(found["errors"]) == [NOON + 60_200]
    assert times(found["load"])[50:] == [NOON + tick * 5_000 for tick in range(50)]
    assert times(take(messages, errors={"clock": "plc"})["errors"]) == [NOON + 60_000 - HOUR]


def test_the_order_of_the_input_changes_nothing(take):
    messages = [*sent("a", NOON, 60, behind=HOUR), *sent("b", NOON, 30, behind=-HOUR)]
    expected = take(messages)["load"]
    for seed in range(3):
        assert take([messages[i] for i in np.random.default_rng(seed).permutation(len(messages))])[
            "load"
        ].equals(expected)


def test_records_without_an_arrival_time_stay_as_they_are(take):
    lost = [{k: v for k, v in m.items() if k != "recv"} for m in sent("a", NOON + 7_000, 1)]
    table = take([*sent("a", NOON, 50, behind=HOUR), *lost])["load"]
    assert sorted(set(times(table)) & {NOON + 7_000}) == [NOON + 7_000]


def test_messages_are_found_by_their_corrected_time(tmp_path):
    file = tmp_path / "amr.jsonl"
    file.write_bytes(lines(sent("a", NOON, 50, behind=HOUR)))
    found = find_messages(
        file, "/amr.jsonl", how(), robot="a", start=NOON * 1_000_000, end=(NOON + 10_200) * 1_000_000
    )
    assert [(m.ts // 1_000_000, m.line) for m in found] == [
        (NOON + 200, 1),
        (NOON + 5_200, 2),
        (NOON + 10_200, 3),
    ]


@settings_of(max_examples=60, deadline=None)
@given(
    delays=st.lists(
        st.tuples(st.integers(0, 400), st.sampled_from([0, 1, 5, 11, 3_600]), st.integers(0, 2)), max_size=60
    ),
    until=st.integers(0, 400),
)
def test_an_offset_is_told_by_what_arrived_before(delays, until):
    """What is known of a complete block does not depend on anything that arrives after it."""
    recv = np.array([at * S for at, _, _ in delays], np.int64)
    late = np.array([(off + noise) * S for _, off, noise in delays], np.int64)
    clock = ClockSection()
    whole = Offsets.measured(recv, late, clock)
    known = recv < recv.min(initial=400 * S) + until // 60 * 60 * S
    part = Offsets.measured(recv[known], late[known], clock)
    held = len(part.keys)
    assert (whole.keys[:held].tolist(), whole.shift[:held].tolist()) == (
        part.keys.tolist(),
        part.shift.tolist(),
    )
    assert whole.complete[:held].tolist() == part.complete.tolist()
