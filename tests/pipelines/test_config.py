"""forewarn.toml: mistakes are named with their key and the fix; changes reach only the steps they concern."""

from pathlib import Path
from typing import Any

import pytest

from features.errors import DataError, NotFoundError
from pipelines.config import Config, load_config, parse_config

GOOD = """
[streams.pose]
path = "pose"
time = "ts"
fields.x = { type = "float", unit = "m" }

[streams.mission]
kind = "events"
path = "mission"
time = "startTs"
fields.state = { type = "string", states = ["Executing", "Aborted"] }

[join]
anchor = "pose"

[failure]
on = [{ stream = "mission", when = { state = "Aborted" } }]

[lookback]
windows = ["10s", "42s"]
"""


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("anchor = ", "ancor = "), "join.ancor: unknown key; did you mean 'anchor'?"),
        (('path = "pose"', 'pth = "pose"'), "streams.pose.pth: unknown key; did you mean 'path'?"),
        (
            ('anchor = "pose"', 'anchor = "pos"'),
            "join.anchor names 'pos', which is not declared; did you mean 'pose'?",
        ),
        (
            ("when = { state", "when = { stat"),
            "failure.on field of mission names 'stat', which is not declared",
        ),
        (('"42s"', '"42"'), "a duration is a number with a unit (ms, s, m, h, d) such as '42s'; got '42'"),
        (('"42s"', '"0s"'), "windows must be one or more durations above 0s"),
        (('"42s"', '"10s"'), "windows are listed twice"),
        (('"42s"', '"2d"'), 'is 2d, but with logs.partition = "day" at most 1d can be reached'),
        (('type = "string"', 'type = "text"'), "streams.mission.fields.state.type"),
        (('time = "ts"', ""), "streams.pose: samples need a time field"),
        (("[lookback]", '[lookback]\nhorizon = "0s"'), "horizon must be above 0s"),
        (("[lookback]", "[lookback]\nmin_coverage = 0.5"), "min_coverage needs expected_every"),
        (("[lookback]", '[lookback]\nsignals = ["bands"]'), "signals need signal_every"),
        (("[lookback]", '[lookback]\nsignals = ["band"]'), "lookback.signals"),
        (("[lookback]", '[lookback]\nsignal_gap = "0s"'), "signal_gap must be above 0s"),
        (("[lookback]", '[lookback]\nlead = "23h30m"'), "a duration is a number with a unit"),
        (("[lookback]", '[lookback]\nlead = "23.5h"'), "lookback.lead + lookback.event_cap is"),
        (
            ("[join]", "[logs]\nrobot = { field = 'a', path = 'b' }\n[join]"),
            "exactly one of path, field or constant",
        ),
        (('time = "ts"', 'time = "ts"\nunit = "sec"'), "streams.pose.unit"),
        (('anchor = "pose"', 'every = "15s"'), "lookback.windows: 10s is shorter than join.every = 15s"),
        (
            ("[join]", "[operation]\ndistance = { stream = 'pose', speed = 'x', y = 'x' }\n[join]"),
            "give either speed, or both x and y",
        ),
        (
            ("[join]", "[operation]\ndistance = { stream = 'pose', speed = 'x' }\n[join]"),
            "operation.distance counts in m/s; 'x' is in m",
        ),
        (
            ("[join]", "[operation]\ncharge = { stream = 'mission', field = 'state' }\n[join]"),
            "operation.charge needs a number; 'state' is a string",
        ),
        (
            ("[join]", "[operation]\ncohorts = ['mission.sate']\n[join]"),
            "operation.cohorts field of mission names 'sate', which is not declared; did you mean 'state'?",
        ),
        (
            ("[join]", "[operation]\nfailed = { stream = 'mission', when = { state = 'Aborted' } }\n[join]"),
            "give both succeeded and failed, or neither",
        ),
        (
            ("[join]", "[logs]\nclock.correct = true\n[join]"),
            "logs.clock.correct needs a stream with recv: offsets are told by arrival times",
        ),
        (("[join]", "[logs]\nclock.settle = '0s'\n[join]"), "clock.settle must be above 0s"),
        (("[failure]", "[project]"), "failure: missing; say which records are one"),
        (
            (
                "[streams.pose]",
                (
                    "[logs]\nredact = ['My.Token']\n[streams.pose]\n"
                    "fields.key = { type = 'string', source = \"api | $.'my.token'[0]\" }"
                ),
            ),
            "would keep 'my.token', which logs.redact keeps out",
        ),
        (("[join]", "[join"), "is not valid TOML"),
    ],
)
def test_a_mistake_names_its_key_and_the_fix(change: tuple[str, str], expected: str) -> None:
    with pytest.raises(DataError) as error:
        parse_config(GOOD.replace(*change, 1))
    assert expected in str(error.value)


def test_every_mistake_is_listed_at_once() -> None:
    with pytest.raises(DataError, match=r"2 mistake\(s\)"):
        parse_config(GOOD.replace('path = "pose"', 'pth = "pose"').replace("anchor", "ancor"))


def test_a_missing_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="forewarn init"):
        load_config(tmp_path / "forewarn.toml")


def changed_steps(old: Config, new: Config) -> set[str]:
    return {step for step, value in new.step_files.items() if value != old.step_files[step]}


@pytest.mark.parametrize(
    ("change", "steps"),
    [
        (("[join]", '[report]\ntitle = "x"\n[join]'), {"report"}),
        (("[join]", "[train]\nseed = 1\n[join]"), {"train"}),
        (("[join]", '[logs]\nglob = "/*"\n[join]'), set()),
        (("[join]", '[logs]\nclock.beyond = "5s"\n[join]'), {"report"}),
        (('time = "ts"', 'time = "ts"\nclock = "plc"'), {"extract"}),
        (('"42s"', '"40s"'), {"features", "train", "report"}),
        (('"42s"', '"2h"'), {"join", "features", "train", "report"}),
        (("[lookback]", '[lookback]\nevent_cap = "2h"'), {"join", "features"}),
        (("[lookback]", '[lookback]\nsignal_every = "1s"\nsignals = ["bands"]'), {"features"}),
        (('time = "ts"', 'time = "ts"\ntolerance = "5s"'), {"extract", "join"}),
        (("[join]", '[join]\ndirection = "backward"'), {"join"}),
        (("[join]", '[operation]\ngap = "2m"\n[join]'), {"join"}),
    ],
)
def test_a_change_reaches_only_the_steps_it_concerns(change: tuple[str, str], steps: set[str]) -> None:
    assert changed_steps(parse_config(GOOD), parse_config(GOOD.replace(*change, 1))) == steps


def leaves(value: Any, path: str = "") -> set[str]:
    if not isinstance(value, dict):
        return {path}
    return {leaf for key, inner in value.items() for leaf in leaves(inner, f"{path}.{key}")}


def test_no_key_of_the_file_is_without_effect() -> None:
    config = parse_config(GOOD)
    concern_alerts = {".alerts.budget", ".alerts.internal"}
    concern_creation = {".logs.glob"} | {
        f".pipelines.{key}"
        for key in (
            "workers",
            "scheduler",
            "objects",
            "image",
            "cpu",
            "memory",
            "autoscaling",
            "memory_limit",
            "datum_timeout",
            "datums_per_set",
        )
    }
    reached = {leaf.rpartition(".")[2] for step in config.step_files.values() for leaf in leaves(step)}
    unreached = {
        leaf for leaf in leaves(config.model_dump(mode="json")) if leaf.rpartition(".")[2] not in reached
    }
    assert unreached - concern_creation - concern_alerts <= {".failure.on", ".join.anchor", ".logs.preset"}
