"""Presets: three lines read a fleet's logs, and every key can be replaced on its own."""

import gzip
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from features.errors import DataError
from features.labels import find_failures
from pipelines.commands.init import init
from pipelines.config import CONFIG_NAME, parse_config
from pipelines.config.origin import settings
from pipelines.config.preset import merged, preset, presets
from pipelines.logs.extract import Extraction, ExtractSettings, extract

VERSIONS = ("2.1.0", "3.0.0")


def three_lines(name: str, more: str = "") -> str:
    return f'project.name = "fleet"\n[logs]\npreset = "{name}"\n{more}'


def read(name: str, content: bytes, folder: Path, file: str = "day.log", more: str = "") -> Extraction:
    config = parse_config(three_lines(name, more))
    (folder / file).write_bytes(content)
    return extract(folder / file, f"/day/{file}", ExtractSettings.from_json(config.step_files["extract"]))


def failures(found: Extraction, name: str) -> list[tuple[str, str, str]]:
    rules = parse_config(three_lines(name)).failure.on
    rows = [
        row
        for rule in rules
        for row in find_failures(
            found.streams[rule.stream],
            rule.when,
            edge=rule.edge,
            code=rule.code,
            code_field=rule.code_field or None,
        ).to_pylist()
    ]
    return sorted((row["robot_id"], f"{row['ts']:%H:%M:%S}", row["code"]) for row in rows)


def state(second: int, version: str = VERSIONS[0], **more: Any) -> dict[str, Any]:
    newer = version >= "3"
    power = (
        {"stateOfCharge": 80.5, "charging": False} if newer else {"batteryCharge": 80.5, "charging": False}
    )
    stop = more.pop("stop", "NONE")
    place = {"x": 1.5, "y": 2.5, "theta": 0.5, "mapId": "m"}
    return {
        "headerId": second,
        "timestamp": f"2026-03-01T10:00:{second:02}Z",
        "version": version,
        "manufacturer": "acme",
        "serialNumber": "agv-1",
        "operatingMode": "AUTOMATIC",
        "driving": True,
        "errors": [],
        "actionStates": [],
        "mobileRobotPosition" if newer else "agvPosition": place,
        "powerSupply" if newer else "batteryState": power,
        "safetyState": {"activeEmergencyStop" if newer else "eStop": stop, "fieldViolation": False},
    } | more


def log(messages: list[dict[str, Any]]) -> bytes:
    lines = ["INFO: starting up ..."]
    for message in messages:
        lines += [f"uagv/v2/acme/agv-1/state {json.dumps(message)}", "WARN: path obstructed"]
    return "\n".join(lines).encode()


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("mixed", [True, False])
def test_states_of_both_versions(tmp_path: Path, version: str, mixed: bool) -> None:
    messages = [state(n, version) for n in range(3)]
    content = log(messages) if mixed else "\n".join(map(json.dumps, messages)).encode()
    found = read("vda5050", content, tmp_path)
    row = found.streams["state"].to_pylist()[0]
    expected = {"x": 1.5, "y": 2.5, "theta": 0.5, "battery": 80.5, "charging": False, "driving": True}
    expected |= {
        "e_stop": "NONE",
        "field_violation": False,
        "operating_mode": "AUTOMATIC",
        "fatal_error": None,
    }
    assert {key: row[key] for key in expected} == expected
    assert found.quarantine.num_rows == 0
    other = [row["received"] for row in found.accounting.to_pylist() if row["unit"] == "other message"]
    assert other == ([4] if mixed else [])


@pytest.mark.parametrize("version", VERSIONS)
def test_errors_actions_and_stops_count_at_their_rising_edge(tmp_path: Path, version: str) -> None:
    fatal = {
        "errors": [
            {"errorType": "hint", "errorLevel": "WARNING"},
            {"errorType": "lost", "errorLevel": "FATAL"},
        ]
    }
    failed = {"actionStates": [{"actionId": "a", "actionType": "pick", "actionStatus": "FAILED"}]}
    told: list[dict[str, Any]] = [
        {},
        fatal,
        fatal,
        {},
        fatal,
        failed,
        failed,
        {},
        {"stop": "MANUAL"},
        {"stop": "MANUAL"},
    ]
    found = read("vda5050", log([state(n, version, **more) for n, more in enumerate(told)]), tmp_path)
    assert failures(found, "vda5050") == [
        ("agv-1", "10:00:01", "lost"),
        ("agv-1", "10:00:04", "lost"),
        ("agv-1", "10:00:05", "action_failed"),
        ("agv-1", "10:00:08", "e_stop"),
    ]


def test_lines_cut_off_go_to_quarantine_and_text_does_not(tmp_path: Path) -> None:
    content = log([state(n) for n in range(3)])
    found = read("vda5050", content[: content.rindex(b"}") - 5], tmp_path)
    assert found.quarantine.column("reason").to_pylist() == ["bad_json"]
    (row,) = found.quarantine.to_pylist()
    assert (row["line"], row["offset"]) == (6, content.rindex(b'{"headerId"'))
    assert len(found.streams["state"]) == 2


def test_the_mixed_log_of_others(shared_data: Path, tmp_path: Path) -> None:
    sample = shared_data / "vda5050" / "sample_mixed.log"
    if not sample.is_file():
        pytest.skip(f"no sample at {sample}")
    found = read("vda5050", sample.read_bytes(), tmp_path)
    assert {name: len(table) for name, table in found.streams.items()} == {"state": 3, "connection": 1}
    assert failures(found, "vda5050") == [
        ("truck-9", "10:00:01", "E-STOP"),
        ("truck-9", "10:00:01", "e_stop"),
    ]
    accounts = {row["unit"]: 0 for row in found.accounting.to_pylist()}
    for row in found.accounting.to_pylist():
        accounts[row["unit"]] += row["received"]
    assert accounts == {"member": 6, "other message": 4, "record": 4}


def test_every_path_of_the_preset_is_in_the_published_schemas(shared_data: Path) -> None:
    schemas = [shared_data / "vda5050" / version / "state.schema" for version in VERSIONS]
    if not all(schema.is_file() for schema in schemas):
        pytest.skip(f"no schemas at {shared_data / 'vda5050'}")
    known = [json.loads(schema.read_text()) for schema in schemas]
    for name, field in parse_config(three_lines("vda5050")).streams["state"].fields.items():
        paths = [path.strip() for path in (field.source or name).split(" | ")]
        for schema in known:
            assert any(declared(schema, schema, path.split("[")[0]) for path in paths), (schema["$id"], name)
        for path in paths:
            assert any(declared(schema, schema, path.split("[")[0]) for schema in known), path


def declared(root: dict[str, Any], at: dict[str, Any], path: str) -> bool:
    key, _, rest = path.partition(".")
    found = at.get("properties", {}).get(key)
    if found is not None and "$ref" in found:
        found = root["definitions"][found["$ref"].rpartition("/")[2]]
    return found is not None and (not rest or declared(root, found, rest))


def inorbit_message(n: int, **more: Any) -> dict[str, Any]:
    ts = 1_772_359_200_000 + 5_000 * n
    return {
        "ts": ts,
        "recvTs": ts + 30,
        "pose": {"ts": ts - 1, "x": 1.0, "y": 2.0, "yaw": 0.5, "frame_id": "map"},
        "odometry": [
            {"ts_start": 0, "ts": ts - 2, "linear_speed": 0.5, "angular_speed": 0.0, "speed_available": True}
        ],
        "systemStats": {
            "timestamp": ts - 3,
            "cpu_load_percentage": 0.5,
            "ram_usage_percentage": 0.25,
            "hdd_usage_percentage": 0.0,
        },
        "keyValues": [{"key": "battery_percent", "value": "88.5"}, {"key": "api_key", "value": '"s3cret"'}],
        "mission": {
            "missionId": "m",
            "inProgress": True,
            "state": "Executing",
            "status": "OK",
            "completedPercent": 0.5,
        },
    } | more


def test_inorbit_messages(tmp_path: Path) -> None:
    aborted = {"mission": {"missionId": "m", "state": "Aborted", "status": "Error", "completedPercent": 0.5}}
    canceled = {"mission": {"missionId": "m", "state": "Canceled", "status": "OK"}}
    messages = [inorbit_message(n) for n in range(3)]
    messages += [inorbit_message(3, **aborted), inorbit_message(4, **aborted), inorbit_message(5, **canceled)]
    content = gzip.compress("\n".join(map(json.dumps, messages)).encode())
    found = read("inorbit", content, tmp_path, "amr-1.jsonl.gz")
    assert {name: len(table) for name, table in found.streams.items()} == dict.fromkeys(found.streams, 6)
    assert found.quarantine.num_rows == 0
    assert failures(found, "inorbit") == [("amr-1", "10:00:15", "mission_aborted")]
    row = found.streams["status"].to_pylist()[0]
    assert (row["battery_percent"], row["ts"], f"{row['recv_ts']:%H:%M:%S.%f}") == (
        88.5,
        row["recv_ts"],
        "10:00:00.030000",
    )


def test_api_keys_are_kept_nowhere(tmp_path: Path) -> None:
    bad = inorbit_message(0, apiKey="s3cret", pose={"ts": "x", "x": 1, "API_KEY": "s3cret"})
    broken = b'{"ts": 1, "nested": {"token": {"a": "s3cret"}, "x": 1'
    escaped = json.dumps({"ts": 1, "text": json.dumps({"api_key": "s3cret"}), "mission": [1]}).encode()
    cut = b'{"ts": 1, "password": "s3cret'
    content = b"\n".join([json.dumps(bad).encode(), broken, escaped, cut])
    found = read("inorbit", content, tmp_path, "amr-1.jsonl")
    assert found.quarantine.num_rows == 4
    for table in [*found.streams.values(), found.quarantine, found.accounting]:
        assert "s3cret" not in str(table.to_pylist())
    packed = read("inorbit", gzip.compress(content)[:-9], tmp_path, "amr-2.jsonl.gz")
    assert b"".join(packed.quarantine.column("raw").to_pylist()).find(b"\x1f\x8b") < 0


def test_a_field_that_would_keep_a_secret_is_a_mistake() -> None:
    with pytest.raises(DataError, match="keeps out"):
        parse_config(
            three_lines("inorbit", '[streams.status.fields]\nkey = { type = "string", source = "api_key" }')
        )


def test_keys_of_the_file_replace_those_of_the_preset_one_by_one() -> None:
    more = '[streams.status.fields]\nmotor_current = "float"\n[streams.pose]\npath = "poses"\n'
    more += '[join]\nanchor = "pose"\n[failure]\nepisode_gap = "1m"\n'
    ours, plain = (parse_config(three_lines("inorbit", text)) for text in (more, ""))
    assert set(ours.streams["status"].fields) == {"motor_current", *plain.streams["status"].fields}
    assert (ours.join.anchor, ours.join.every) == ("pose", None)
    assert ours.failure.on == plain.failure.on
    assert (ours.streams["pose"].path, ours.streams["pose"].fields) == ("poses", plain.streams["pose"].fields)


def test_what_a_preset_fills_in_changes_no_step_beyond_its_keys() -> None:
    written = merged(preset("vda5050"), {"project": {"name": "fleet"}})
    assert parse_config(three_lines("vda5050")).step_files == parse_config(as_toml(written)).step_files


def as_toml(values: dict[str, Any]) -> str:
    """Tables as inline JSON-like TOML, good enough for a round trip."""
    text = "\n".join(f"{key} = {inline(value)}" for key, value in values.items())
    assert tomllib.loads(text) == values
    return text


def inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f'"{key}" = {inline(inner)}' for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    return json.dumps(value)


def test_unknown_presets_are_named() -> None:
    assert presets() == ["inorbit", "vda5050"]
    with pytest.raises(DataError, match="inorbit, vda5050"):
        parse_config(three_lines("vda"))


def test_who_chose_a_value_is_told() -> None:
    found = settings(parse_config(three_lines("inorbit", '[streams.pose]\ntolerance = "9s"\n')))
    origins = {one.key: one.origin for one in found}
    assert origins["streams.pose.tolerance"] == "file"
    assert origins["streams.pose.path"] == "preset"
    assert origins["streams.pose.sheet"] == "default"


def test_init_writes_three_lines_that_hold(tmp_path: Path) -> None:
    for name in presets():
        init(folder=tmp_path / name, preset=name, json=False)
        text = (tmp_path / name / CONFIG_NAME).read_text()
        assert len([line for line in text.splitlines() if line and not line.startswith("#")]) == 3
        assert parse_config(text).logs.preset == name
    with pytest.raises(DataError):
        init(folder=tmp_path / "none", preset="none", json=False)
    assert not (tmp_path / "none").exists()
