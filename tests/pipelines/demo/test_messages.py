import json
from itertools import pairwise
from statistics import mean, median

import pytest

STATES = {"Starting", "Executing", "Completed", "Aborted", "Canceled"}
KEYS = {
    "robotId": str,
    "ts": int,
    "recvTs": int,
    "pose": list,
    "odometry": list,
    "systemStats": dict,
    "keyValues": list,
    "mission": dict,
    "errors": list,
}
RECORDS = {
    "pose": {"ts", "x", "y", "yaw", "frame_id"},
    "odometry": {
        "ts_start",
        "ts",
        "linear_distance",
        "angular_distance",
        "linear_speed",
        "angular_speed",
        "speed_available",
    },
    "keyValues": {"key", "value", "ts"},
    "errors": {"ts", "code", "severity", "message"},
}
STATS = {"timestamp", "cpu_load_percentage", "ram_usage_percentage", "hdd_usage_percentage"}
MISSION = {
    "missionId",
    "inProgress",
    "state",
    "status",
    "label",
    "startTs",
    "completedPercent",
    "tasks",
}
STATUS = [
    "battery_percent",
    "battery_voltage",
    "motor_current",
    "wheel_slip",
    "localization_score",
    "firmware",
    "site",
]


def test_every_message_has_the_names_and_types_of_the_edge_sdk(messages):
    for robot_id, sent in messages.items():
        for message in sent:
            assert message["robotId"] == robot_id
            assert {"robotId", "ts", "recvTs", "keyValues"} <= message.keys() <= KEYS.keys()
            assert all(type(value) is KEYS[key] for key, value in message.items())
            for name, fields in RECORDS.items():
                assert all(record.keys() == fields for record in message.get(name, []))
            assert message.get("systemStats", dict.fromkeys(STATS)).keys() == STATS
            if "mission" in message:
                mission = message["mission"]
                assert mission.keys() - {"endTs"} == MISSION
                assert mission["state"] in STATES
                assert mission["inProgress"] == ("endTs" not in mission)
                assert 0 <= mission["completedPercent"] <= 1


def test_key_values_are_json_in_strings(messages):
    for message in messages["amr-001"][:2_000]:
        assert [pair["key"] for pair in message["keyValues"]] == STATUS
        values = {pair["key"]: json.loads(pair["value"]) for pair in message["keyValues"]}
        assert isinstance(values["site"], str)
        assert 0 <= values["localization_score"] <= 1
        assert 0 <= values["wheel_slip"] <= 1
        assert 0 < values["battery_percent"] <= 100


def test_messages_are_about_1200_bytes(messages):
    sizes = [len(json.dumps(message, separators=(",", ":"))) for message in messages["amr-002"]]
    assert 1_000 < mean(sizes) < 1_400


def test_sources_keep_their_own_clocks_and_rates(messages):
    driving = [message for message in messages["amr-001"] if len(message.get("pose", [])) > 3]
    pose = [b["ts"] - a["ts"] for message in driving for a, b in pairwise(message["pose"])]
    odometry = [b["ts"] - a["ts"] for message in driving for a, b in pairwise(message["odometry"])]
    assert 900 < median(pose) < 1_100
    assert 500 < median(odometry) < 1_000
    assert abs(median(pose) - median(odometry)) > 5
    assert min(pose + odometry) > 0


def test_positions_are_smooth_and_agree_with_odometry(messages):
    steps, distance = [], []
    for message in messages["amr-001"]:
        for a, b in pairwise(message.get("pose", [])):
            if b["ts"] - a["ts"] < 1_500:
                steps.append(((b["x"] - a["x"]) ** 2 + (b["y"] - a["y"]) ** 2) ** 0.5)
        distance += [record["linear_speed"] for record in message.get("odometry", [])]
    assert max(steps) < 3
    assert median(steps) < 1.2
    assert min(distance) >= 0
    assert max(distance) < 2.5


def test_an_odometry_restart_begins_again_at_zero(messages):
    runs: dict[int, list[float]] = {}
    for message in messages["amr-001"]:
        for record in message.get("odometry", []):
            runs.setdefault(record["ts_start"], []).append(record["linear_distance"])
    assert len(runs) == 49
    assert all(run[0] < 5 and run == sorted(run) for run in runs.values())


def test_failures_are_the_aborted_missions_and_nothing_else(fleet, messages):
    for robot_id, sent in messages.items():
        failed, before = [], False
        for message in sent:
            if "mission" in message:
                mission = message["mission"]
                now = mission["state"] == "Aborted" and mission["status"] == "Error"
                failed += [message["ts"]] if now and not before else []
                before = now
        expected = [failure.ts for failure in fleet.truth.failures if failure.robot_id == robot_id]
        assert len(failed) == len(expected)
        assert all(0 <= seen - ts < 100 for seen, ts in zip(failed, expected, strict=True))


def test_the_robot_stands_after_a_failure_and_errors_follow_it(fleet, messages):
    for failure in fleet.truth.failures[:8]:
        after = [m for m in messages[failure.robot_id] if failure.ts + 5_100 < m["ts"] < failure.ts + 150_000]
        speeds = [record["linear_speed"] for message in after for record in message.get("odometry", [])]
        assert not speeds or max(speeds) == 0
        codes = {e["code"]: e["ts"] for m in after for e in m.get("errors", []) if e["severity"] == "error"}
        codes |= {
            e["code"]: e["ts"]
            for m in messages[failure.robot_id]
            if abs(m["ts"] - failure.ts) < 5_100
            for e in m.get("errors", [])
            if e["severity"] == "error"
        }
        assert "E_MISSION_ABORTED" in codes
        assert min(codes.values()) > failure.ts


@pytest.mark.parametrize("state", sorted(STATES))
def test_missions_go_through_all_states(messages, state):
    found = {
        (message["mission"]["state"], message["mission"]["status"])
        for sent in messages.values()
        for message in sent
        if "mission" in message
    }
    assert (state, "Error" if state == "Aborted" else "OK") in found
    assert ("Canceled", "Error") not in found
