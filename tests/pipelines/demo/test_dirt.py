import re
import zlib
from collections import Counter
from importlib.resources import as_file, files

import pytest

from pipelines.config import load_config
from pipelines.logs.extract import ExtractSettings, extract

KINDS = {
    "broken_json",
    "clock_offset",
    "duplicate",
    "late_messages",
    "midnight_crossing",
    "missing_source",
    "nan_token",
    "out_of_order",
    "truncated_member",
    "wrong_type",
}
STREAM_OF = {"pose": "pose", "keyValues": "status", "": None}
MIDNIGHT_MS = 1_772_409_600_000


def _arrival(name: str) -> int:
    found = re.fullmatch(r"(\d{10})\.json\.gz", name)
    assert found, name
    return int(found[1])


def _of(fleet, kind):
    return [dirt for dirt in fleet.truth.dirt if dirt.kind == kind]


def test_every_kind_of_dirt_is_planted(fleet):
    assert {dirt.kind for dirt in fleet.truth.dirt} == KINDS


@pytest.mark.parametrize("day", ["2026-03-01", "2026-03-02"])
def test_quarantine_holds_what_was_planted_and_nothing_else(fleet, day):
    with as_file(files("pipelines.demo") / "forewarn.toml") as path:
        settings = ExtractSettings.from_json(load_config(path).step_files["extract"])
    file = f"{day}/amr-001.zip"
    extraction = extract(fleet.logs / file, f"/{file}", settings)
    planted = Counter(
        (dirt.member, STREAM_OF[dirt.source], dirt.reason)
        for dirt in fleet.truth.dirt
        if dirt.file == file and dirt.reason
    )
    found = extraction.quarantine.select(["member", "stream", "reason"]).to_pylist()
    assert Counter(tuple(row.values()) for row in found) == planted
    assert len(planted) == 4
    for row in extraction.accounting.to_pylist():
        assert row["received"] == row["accepted"] + row["duplicates"] + row["quarantined"]
    duplicates = {
        row["stream"]: row["duplicates"]
        for row in extraction.accounting.to_pylist()
        if row["unit"] == "record"
    }
    assert duplicates["status"] == 2


def test_duplicates_are_the_same_bytes_under_another_name(fleet):
    packed = {dirt.file: dict(fleet.members(dirt.file)) for dirt in _of(fleet, "duplicate")}
    assert len(packed) == 6
    for dirt in _of(fleet, "duplicate"):
        again = packed[dirt.file][dirt.member]
        assert sum(data == again for data in packed[dirt.file].values()) == 2


def test_some_neighbouring_members_are_out_of_order(fleet):
    duplicates = {(dirt.file, dirt.member) for dirt in _of(fleet, "duplicate")}
    for dirt in _of(fleet, "out_of_order"):
        arrivals = [
            _arrival(name) for name, _ in fleet.members(dirt.file) if (dirt.file, name) not in duplicates
        ]
        moved = [i for i, (a, b) in enumerate(zip(arrivals, sorted(arrivals), strict=True)) if a != b]
        assert 2 <= len(moved) <= 12
        assert moved[-1] - moved[0] < 12


def test_messages_of_an_outage_arrive_after_it(fleet, messages):
    for outage in _of(fleet, "late_messages"):
        if outage.robot_id not in messages:
            continue
        held = [m for m in messages[outage.robot_id] if outage.start <= m["ts"] < outage.end]
        assert len(held) > 40
        assert min(message["recvTs"] for message in held) >= outage.end
    for robot_id, sent in messages.items():
        spans = [(dirt.start, dirt.end) for dirt in _of(fleet, "late_messages") if dirt.robot_id == robot_id]
        others = [m for m in sent if not any(a <= m["ts"] < b for a, b in spans)]
        assert max(message["recvTs"] - message["ts"] for message in others) < 5_000


def test_messages_of_an_outage_at_midnight_arrive_in_the_next_days_archive(fleet):
    over = [dirt for dirt in _of(fleet, "late_messages") if dirt.end == MIDNIGHT_MS]
    assert over
    for outage in over:
        first = fleet.members(f"2026-03-02/{outage.robot_id}.zip")
        before = [ts for _, data in first if 0 < (ts := _ts(data)) < MIDNIGHT_MS]
        assert len(before) > 40


def test_a_missing_source_says_nothing_while_the_others_go_on(fleet, messages):
    for missing in _of(fleet, "missing_source"):
        inside = [m for m in messages[missing.robot_id] if missing.start + 5_000 < m["ts"] < missing.end]
        assert len(inside) > 2_000
        assert not any(missing.source in message for message in inside)
        assert sum(missing.source in message for message in messages[missing.robot_id]) > 30_000


def test_clocks_that_are_off_are_off_by_what_the_truth_says(fleet, messages):
    offsets = {
        dirt.source: (dirt.robot_id, int(dirt.detail.split()[0])) for dirt in _of(fleet, "clock_offset")
    }
    assert set(offsets) == {"odometry", "systemStats", "keyValues"}
    robot, ahead = offsets["odometry"]
    ages = [
        record["ts"] - ahead - message["ts"]
        for message in messages[robot][100:2_000]
        for record in message.get("odometry", [])
    ]
    assert -5_100 < min(ages) <= max(ages) <= 0
    assert max(ages) > -200


def test_a_failure_just_after_midnight_began_before_it(fleet):
    crossing = [dirt for dirt in _of(fleet, "midnight_crossing") if dirt.end - MIDNIGHT_MS < 600_000]
    assert len(crossing) == 1
    assert crossing[0].start < MIDNIGHT_MS < crossing[0].end
    failures = [failure for failure in fleet.truth.failures if failure.ts == crossing[0].end]
    assert [failure.robot_id for failure in failures] == [crossing[0].robot_id]
    assert failures[0].since == crossing[0].start


def _ts(data: bytes) -> int:
    try:
        found = re.search(rb'"ts":(\d+)', zlib.decompress(data, 31))
    except zlib.error:
        return 0
    return int(found[1]) if found else 0
