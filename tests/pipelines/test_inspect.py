"""Unknown logs: what `forewarn inspect` finds in them, and that what it proposes reads them."""

import gzip
import json
import random
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from features.errors import ForewarnError
from pipelines.commands.push import gather
from pipelines.config import parse_config
from pipelines.inspect.guess import times_of
from pipelines.inspect.profile import profile
from pipelines.inspect.propose import propose
from pipelines.inspect.sample import sample
from pipelines.inspect.source import Record, Row, Source
from pipelines.logs.extract import ExtractSettings, extract
from pipelines.pachd.paths import canonical

START = 1_772_366_400


def look(folder):
    """Profiles by name, and the proposed text."""
    files = gather([folder], "/")
    found = sample(files)
    profiles = [profile(source, whole=found.whole) for source in found.sources if source.records]
    return {one.source.name: one for one in profiles}, propose(profiles, sorted(files), mixed=found.mixed)


def rows_of(folder, text):
    """Rows per stream, and refusals, when the proposal reads the very same files."""
    config = parse_config(text)
    settings = ExtractSettings.from_json(config.step_files["extract"])
    rows, refused = {}, []
    for name, path in gather([folder], "/").items():
        found = extract(path, name, settings)
        for stream, table in found.streams.items():
            rows[stream] = rows.get(stream, 0) + table.num_rows
        refused += [row["reason"] for row in found.quarantine.to_pylist()]
    return rows, refused


@pytest.fixture
def messages(tmp_path):
    """Day archives of two robots: a list with its own times, pairs, a record without a time, rare errors."""
    draw = random.Random(3)
    for robot in ("amr-1", "amr-2"):
        file = tmp_path / "2026-03-01" / f"{robot}.zip"
        file.parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(file, "w") as archive:
            for tick in range(200):
                now = (START + 5 * tick) * 1000
                message = {
                    "robotId": robot,
                    "ts": now,
                    "recvTs": now + 1500,
                    "pose": [{"ts": now - 1000 * k, "x": draw.random(), "map": "hall"} for k in (2, 1)],
                    "keyValues": [{"key": "batteryVoltage", "value": str(24 + draw.random()), "ts": now}],
                    "mission": {
                        "state": draw.choice(["Idle", "Driving"]),
                        "progress": draw.random(),
                        "startTs": START,
                    },
                }
                if tick % 60 == 59:
                    message["errors"] = [{"ts": now, "code": "E7", "severity": "fatal"}]
                archive.writestr(f"{tick}.json.gz", gzip.compress(json.dumps(message).encode()))
    return tmp_path


def test_messages_are_told_apart_into_sources(messages):
    found, _ = look(messages)
    assert {name: one.kind for name, one in found.items()} == {
        "pose": "samples",
        "key_values": "samples",
        "mission": "samples",
        "errors": "events",
    }
    pose, mission = found["pose"], found["mission"]
    assert (pose.time.path, pose.time.unit, pose.recv.path) == ("ts", "ms", "$.recvTs")
    assert (pose.robot, pose.robots) == ("$.robotId", ("amr-1", "amr-2"))
    assert pose.offset_s == pytest.approx(3.0)
    assert mission.time.path == "$.ts"
    assert (mission.every_s, mission.gap_s) == (5.0, 5.0)
    assert [(field.name, field.type, field.states) for field in mission.fields] == [
        ("state", "string", ("Driving", "Idle")),
        ("progress", "float", ()),
    ]
    assert found["key_values"].fields[0].path == "batteryVoltage"


def test_the_proposal_reads_every_record_of_messages(messages):
    _, text = look(messages)
    assert rows_of(messages, text) == ({"pose": 800, "key_values": 400, "mission": 400, "errors": 6}, [])
    rule = parse_config(text).failure.on[0]
    assert (rule.stream, rule.when, rule.code_field) == ("errors", {"severity": ["fatal"]}, "code")


def test_tables_with_decimal_commas_facts_and_hourly_rhythm(tmp_path):
    hours = [f"2026-03-{1 + hour // 24:02} {hour % 24:02}:00:00" for hour in range(96)]
    lines = [f"{when};{machine};{20 + hour % 7},5" for machine in (1, 2) for hour, when in enumerate(hours)]
    (tmp_path / "telemetry.csv").write_text("datetime;machineID;volt\n" + "\n".join(lines) + "\n")
    (tmp_path / "machines.csv").write_text("machineID;model\n1;a\n2;b\n")
    (tmp_path / "failures.csv").write_text("datetime;machineID;failure\n2026-03-02 04:00:00;1;pump\n")
    found, text = look(tmp_path)
    assert {name: one.kind for name, one in found.items()} == {
        "telemetry": "samples",
        "machines": "facts",
        "failures": "events",
    }
    assert rows_of(tmp_path, text) == ({"telemetry": 192, "machines": 2, "failures": 1}, [])
    config = parse_config(text)
    assert config.join.anchor == "telemetry"
    assert config.logs.partition == "all"
    assert (config.failure.on[0].stream, config.failure.on[0].code_field) == ("failures", "failure")


def test_files_without_a_robot_are_named_by_their_place(tmp_path):
    for robot in ("arm-a", "arm-b"):
        for day in ("2026-03-01", "2026-03-02"):
            file = tmp_path / robot / f"{day}.jsonl"
            file.parent.mkdir(exist_ok=True)
            lines = [{"timestamp": f"{day}T00:00:{second:02}Z", "load": second * 0.5} for second in range(30)]
            file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    _, text = look(tmp_path)
    config = parse_config(text)
    found = extract(
        tmp_path / "arm-b" / "2026-03-01.jsonl",
        "/arm-b/2026-03-01.jsonl",
        ExtractSettings.from_json(config.step_files["extract"]),
    )
    assert set(found.streams["message"].column("robot_id").to_pylist()) == {"arm-b"}
    assert "CHECK: nothing here looks like a failure" in text


def test_columns_keep_their_dots_and_units_and_the_robot_is_found_by_another_name(tmp_path):
    rows = "".join(
        f"2026-03-01 00:00:{at:02};A-{robot};1{at % 7},5;40,{at};{'STÖRUNG' if at == 40 else 'LÄUFT'};;\n"
        for at in range(60)
        for robot in (1, 2)
    )
    (tmp_path / "Messwerte März.csv").write_text(
        f"Zeit;Anlage Nr.;Strom [A];Temp. (°C);Status;;\n{rows}", "utf-8-sig"
    )
    found, text = look(tmp_path)
    (one,) = found.values()
    assert (one.robot, one.robots) == ("Anlage Nr.", ("A-1", "A-2"))
    assert 'temp_c = { type = "float", unit = "°C", source = "Temp. (°C)" }' in text
    assert 'strom_a = { type = "float", unit = "A", source = "Strom [A]" }' in text
    assert 'when = { status = ["STÖRUNG"] }' in text
    assert rows_of(tmp_path, text) == ({one.source.name: 120}, [])


@pytest.mark.parametrize("name", ["Müller (2).csv", "arm [3] 50%.csv"])
def test_any_file_name_can_be_pushed_and_names_its_robot(tmp_path, name):
    rows = "".join(f"2026-03-01T00:00:{second:02}Z,{second}\n" for second in range(30))
    (tmp_path / name).write_text(f"at,amps\n{rows}")
    (pushed_as,) = gather([tmp_path], "/")
    assert canonical(pushed_as) == pushed_as
    _, text = look(tmp_path)
    text = text.replace('{ constant = "robot-1" }', "{ path = '(?P<robot>[^/]+)[.]csv$' }")
    settings = ExtractSettings.from_json(parse_config(text).step_files["extract"])
    (table,) = extract(tmp_path / name, pushed_as, settings).streams.values()
    assert set(table.column("robot_id").to_pylist()) == {name.removesuffix(".csv")}


@pytest.mark.parametrize("name", ["ts", "at", "Zeit", "created"])
def test_a_time_is_known_by_its_name_or_by_its_look(tmp_path, name):
    rows = "".join(f"2026-03-01T00:00:{second:02}Z,{second}\n" for second in range(30))
    (tmp_path / "load.csv").write_text(f"{name},amps\n{rows}")
    found, text = look(tmp_path)
    assert found["load"].time.path == name
    assert rows_of(tmp_path, text) == ({"load": 30}, [])


def test_keys_with_dots_are_told_from_keys_within_keys(tmp_path):
    lines = [
        {
            "dev.id": f"r{at % 2}",
            "t.s": START + at,
            "bus.voltage": 24 + at % 5,
            "bus": {"voltage": 12 + at % 3, "load [%]": at % 7},
            "arm.joint": {"at": START + at, "torque.max": at % 4},
        }
        for at in range(60)
    ]
    (tmp_path / "robots.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    found, text = look(tmp_path)
    assert found["message"].robots == ("r0", "r1")
    assert {field.name: field.path for one in found.values() for field in one.fields} == {
        "bus_voltage": "'bus.voltage'",
        "voltage": "bus.voltage",
        "load": "bus.'load [%]'",
        "torque_max": "'torque.max'",
    }
    assert rows_of(tmp_path, text) == ({"message": 60, "arm_joint": 60}, [])
    settings = ExtractSettings.from_json(parse_config(text).step_files["extract"])
    (row, *_) = extract(tmp_path / "robots.jsonl", "/robots.jsonl", settings).streams["message"].to_pylist()
    assert (row["robot_id"], row["bus_voltage"], row["voltage"], row["load"]) == ("r0", 24, 12, 0)


def test_a_recordings_own_times_keep_their_names():
    stamps = [{"sec": START + at, "nanosec": 0} for at in range(9)]
    envelopes = [{"@log_time": stamp, "@publish_time": stamp, "@topic": "/load"} for stamp in stamps]
    records = [Record({"load": 1} | told, {"load": 1}, "day.mcap") for told in envelopes]
    event, arrival = times_of(records)
    assert (event.path, event.unit, arrival) == ("@log_time", "ns", None)


def test_columns_of_a_px4_log_are_named_whole():
    columns = [{"current.lat": at, "previous.lat": at, "esc[0].rpm": at} for at in range(9)]
    records = [
        Record(Row(told | {"@log_time": {"sec": START + at, "nanosec": 0}}), Row(told), "day.ulg")
        for at, told in enumerate(columns)
    ]
    found = profile(Source("gps", topic="gps", messages=9, records=records), whole=True)
    assert {field.name: field.path for field in found.fields} == {
        "current_lat": "current.lat",
        "previous_lat": "previous.lat",
        "esc_0_rpm": "esc[0].rpm",
    }


def test_what_no_path_can_name_is_left_out(tmp_path):
    (tmp_path / "robots.jsonl").write_text(
        "".join(json.dumps({"ts": START + at, "load": at, "'\"": at, "": at}) + "\n" for at in range(60))
    )
    found, _ = look(tmp_path)
    assert [field.path for field in found["message"].fields] == ["load"]


@pytest.mark.parametrize(
    "kind", ["long.csv", "a.csv", "a.parquet", "long.jsonl", "a.jsonl", "a.jsonl.gz", "a.zip"]
)
def test_the_robots_at_the_end_of_a_long_file_are_seen(tmp_path, monkeypatch, kind):
    for name, size in {
        "MESSAGE_WINDOW": 1 << 16,
        "ROW_WINDOW": 1 << 14,
        "MESSAGES": 300,
        "ROWS": 300,
    }.items():
        long = name.endswith("WINDOW") and not kind.startswith("long")
        monkeypatch.setattr(f"pipelines.inspect.sample.{name}", size << 10 if long else size)
    rows = [(f"r{robot}", START + 5 * at, at % 7) for robot in range(9) for at in range(1_000)]
    lines = [json.dumps({"robot": robot, "ts": ts, "load": load}) for robot, ts, load in rows]
    file = tmp_path / kind
    if kind.endswith("csv"):
        file.write_text("robot,ts,load\n" + "".join(f"{robot},{ts},{load}\n" for robot, ts, load in rows))
    elif kind.endswith("parquet"):
        robots, times, loads = zip(*rows, strict=True)
        pq.write_table(pa.table({"robot": robots, "ts": times, "load": loads}), file, row_group_size=700)
    elif kind.endswith("zip"):
        with zipfile.ZipFile(file, "w") as archive:
            for number, line in enumerate(lines):
                archive.writestr(f"{number:05}.json", line)
    else:
        text = "\n".join(lines).encode()
        file.write_bytes(gzip.compress(text) if kind.endswith("gz") else text)
    found, text = look(tmp_path)
    (one,) = found.values()
    assert {"r0", "r4", "r8"} <= set(one.robots)
    assert len(one.source.records) == 300
    assert (one.every_s, one.gap_s) == (5, 5)
    assert rows_of(tmp_path, text) == ({one.source.name: 9_000}, [])


def test_messages_within_lines_of_other_text(tmp_path):
    lines = [
        f"INFO started\ntopic/a {json.dumps({'ts': START + tick, 'load': tick * 0.5})}" for tick in range(30)
    ]
    (tmp_path / "robot.log").write_text("\n".join(lines) + "\n")
    found, text = look(tmp_path)
    assert len(found["message"].source.records) == 30
    assert rows_of(tmp_path, text) == ({"message": 30}, [])


def test_what_holds_no_records_is_an_error_that_says_so(tmp_path):
    from pipelines.commands.inspect import inspect

    (tmp_path / "notes.txt").write_text("battery swapped on Tuesday\n")
    with pytest.raises(ForewarnError, match=r"no records found.*not_json"):
        inspect(paths=[tmp_path], write=None, json=False)


def test_the_command_writes_a_configuration_and_never_over_one(messages, tmp_path_factory, capsys):
    from pipelines.commands.inspect import inspect

    project = tmp_path_factory.mktemp("project")
    inspect(paths=[messages], write=project, json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["config"] == (project / "forewarn.toml").read_text("utf-8")
    with pytest.raises(ForewarnError, match="exists already"):
        inspect(paths=[messages], write=project, json=True)
